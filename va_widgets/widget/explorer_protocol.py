"""The messages between the explorer's front end, or the timeline's, and the kernel, version 1.

Mirrored by `js/src/kernel/explorerProtocol.ts`. Filmstrips and previews are requested as the annotator does, and their
replies are the same. Numbers of hits are those of the whole corpus; cards come page by page.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from va_widgets.widget.protocol import Clip, Concept, Count, Filmstrips, MotionShown, Preview, Value, _Request

QueryText: TypeAlias = Annotated[str, Meta(max_length=4000)]
Column: TypeAlias = Annotated[str, Meta(max_length=500)]
Values: TypeAlias = Annotated[list[Annotated[str, Meta(max_length=500)]], Meta(max_length=100)]
Name: TypeAlias = Annotated[str, Meta(max_length=500)]
SavedName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
NameKind: TypeAlias = Literal["model", "column", "motion", "text"]
Order: TypeAlias = Literal["best", "worst", "time"]
Format: TypeAlias = Literal["csv", "otio", "edl", "fcpxml"]


# --- requests --------------------------------------------------------------------------------------


class Question(_Request, frozen=True):
    """Which clips: those that match `text`, all for an empty one.

    If there are `values`, only those whose value in `column` is one of them, as text.
    """

    text: QueryText
    column: Column
    values: Values


class Sorted(Question, frozen=True):
    """Which clips, and in which order: by `by`, a name of the query, or by the query's own score for ""."""

    order: Order
    by: Name


class Catalogue(_Request, tag="catalogue", frozen=True):
    """Ask for what can be queried, and for the saved queries: when a page opens, and when it may have changed."""


class Draft(Question, tag="draft", frozen=True):
    """A query is being typed: ask for the number of its clips, or for what is wrong, and for completions at `cursor`.

    `cursor` counts characters of the text, as the positions in the reply do.
    """

    cursor: Annotated[int, Meta(ge=0, le=4000)]


class Hits(Sorted, tag="hits", frozen=True):
    """Ask for the clips from the place `offset` on."""

    k: Count
    offset: Annotated[int, Meta(ge=0)]


class Summary(Question, tag="summary", frozen=True):
    """Ask for the histograms of the query's names, and for the number of clips with each value of `column`."""


class Threshold(_Request, tag="threshold", frozen=True):
    """Ask for the query with another threshold for one of its names."""

    text: QueryText
    name: Name
    value: float


class Save(Question, tag="save", frozen=True):
    """Keep a query under a name, which must be new unless `replace`."""

    name: SavedName
    replace: bool


class Rename(_Request, tag="rename", frozen=True):
    """Give a saved query another name, which must be new."""

    name: SavedName
    to: SavedName


class Remove(_Request, tag="remove", frozen=True):
    """Keep a saved query no longer."""

    name: SavedName


class HitsFile(Sorted, tag="hits_file", frozen=True):
    """Ask for all clips of a query as a file: its bytes are the reply's buffer."""

    format: Format


class LabelConcepts(_Request, tag="label_concepts", frozen=True):
    """Which concepts can the clips be labelled for? Others may be new."""


class LabelHits(Sorted, tag="label_hits", frozen=True):
    """Open clips in the annotator in the explorer's place: those of `clips`, or the query's if there are none.

    From then on its requests are answered, too.
    """

    concept: Concept
    clips: Annotated[list[Clip], Meta(max_length=2000)]


class Timeline(_Request, tag="timeline", frozen=True):
    """Ask for the scores of the query's names over the video of a clip; without a clip, what the kernel shows."""

    clip: Annotated[str, Meta(max_length=512)]
    text: QueryText


ExplorerRequest: TypeAlias = (
    Catalogue
    | Draft
    | Hits
    | Summary
    | Threshold
    | Save
    | Rename
    | Remove
    | HitsFile
    | LabelConcepts
    | LabelHits
    | Timeline
    | Filmstrips
    | Preview
)


# --- what replies are made of ----------------------------------------------------------------------


class NameShown(Struct, frozen=True):
    """What may stand in a query: `insert` is how it is written there, and `detail` says what it is."""

    name: str
    kind: NameKind
    detail: str
    insert: str


class Fault(Struct, frozen=True):
    """What is wrong with a query, from which character on, and what to write there, as far as that is known."""

    message: str
    column: int | None
    suggestion: str


class Hit(Struct, frozen=True):
    """One clip on the page; `scores` are the values of the query's names, texts where a column holds texts."""

    clip: str
    video: str
    start: float | None
    end: float | None
    score: float | None
    scores: list[float | str | None]
    frames: int
    motion: MotionShown | None


class HistogramShown(Struct, frozen=True):
    """How many clips have which values of a name, in bins of the same width from `low` to `high`.

    `hits` are those that match the query. `threshold` is the number that the query compares the name to, or the
    model's own where it stands alone; None without any. `above` says whether values above it are asked for.
    """

    name: str
    kind: NameKind
    low: float
    high: float
    bins: list[int]
    hits: list[int]
    threshold: float | None
    above: bool


class ValueCount(Struct, frozen=True):
    """A value of a column, as text, and how many of the query's clips have it."""

    value: str
    clips: int


class FacetShown(Struct, frozen=True):
    """The most frequent values of a column, and the number of clips with others."""

    column: str
    values: list[ValueCount]
    others: int


class SavedQueryShown(Struct, frozen=True):
    """A saved query."""

    name: str
    text: str
    column: str
    values: list[str]


class Track(Struct, frozen=True):
    """A name's scores over the clips of a video; `labels` are those of the model's `concept`, by clip."""

    name: str
    concept: str
    threshold: float | None
    scores: list[float | None]
    labels: dict[str, Value | None]
