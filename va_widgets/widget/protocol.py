"""The messages between the annotator's front end and the kernel, version 1.

Mirrored by `js/src/kernel/protocol.ts`; `tests/protocol_cases` holds golden messages that both sides are tested with.
A request is `{v, id, type, …}`. Its reply carries the same id and either `result` or `error`. Events carry no id.
Media travels as binary buffers beside a reply; only ids travel towards the kernel.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from va_widgets.base.errors import ProtocolError
from va_widgets.base.texts import has_lone_surrogate
from va_widgets.video.filmstrip import STRIP_WIDTH

VERSION = 1

Value: TypeAlias = Literal["yes", "no", "unsure"]
Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
Clip: TypeAlias = Annotated[str, Meta(min_length=1, max_length=512)]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=200)]
Shown: TypeAlias = Annotated[list[Clip], Meta(max_length=2000)]
Text: TypeAlias = Annotated[str, Meta(max_length=2000)]
Concept: TypeAlias = Text  # the labels' own limit is lower, and says what is too long
Annotator: TypeAlias = Annotated[str, Meta(max_length=500)]  # "" is everybody
MotionFilter: TypeAlias = Literal["all", "moving", "static"]  # clips in which the camera moves or does not
LongText: TypeAlias = Annotated[str, Meta(max_length=10_000)]
Tag: TypeAlias = Annotated[str, Meta(max_length=200)]  # the labels' own limit is lower, and says what is too long
LONGEST_NUMBER = 100  # characters of the name of a number that clips can be sorted by
Likeness: TypeAlias = Literal["look", "motion", "both"]  # in which clips are like another
EventName: TypeAlias = Literal["status", "labels", "remarks", "refit", "switch", "show"]


# --- requests --------------------------------------------------------------------------------------


class _Request(Struct, frozen=True):
    id: Id
    v: int


class Hello(_Request, tag="hello", frozen=True):
    """Ask for the state, when a page begins to show the widget and whenever it needs the state again.

    The reply holds the present labels of `clips`, those that the page has cards of. Events are sent, and refits
    made in the background, only while there are pages that have sent hello and not bye. A page that was reloaded has
    another name.
    """

    page: Id
    clips: Annotated[list[Clip], Meta(max_length=2000)]


class Bye(_Request, tag="bye", frozen=True):
    """A page shows the widget no more."""

    page: Id


class Search(_Request, tag="search", frozen=True):
    """Ask for the clips nearest to a text, without those of `exclude`, which were shown before.

    Clips that this annotator has labelled are left out unless `labelled`. `motion` is ignored where the status says
    that motion is not known. The reply's `motion` names the camera move that the clips are ranked by, if there is one;
    its `note` says so, and holds reasons not to rely on the clips, if there are any.
    """

    text: Annotated[str, Meta(min_length=1, max_length=500)]
    k: Count
    exclude: Shown = []
    labelled: bool = True
    motion: MotionFilter = "all"


class Similar(_Request, tag="similar", frozen=True):
    """Ask for clips that are like a clip; `exclude`, `labelled` and `motion` are those of a search.

    They look like it, whatever `by` says, where motion is not known.
    """

    clip: Clip
    k: Count
    exclude: Shown = []
    labelled: bool = True
    motion: MotionFilter = "all"
    by: Likeness = "look"


class Sorted(_Request, tag="sorted", frozen=True):
    """Ask for the clips with the highest values of a number of the status's `numbers`, or the lowest ones.

    `exclude`, `labelled` and `motion` are those of a search.
    """

    number: Annotated[str, Meta(max_length=LONGEST_NUMBER)]
    lowest: bool
    k: Count
    exclude: Shown = []
    labelled: bool = True
    motion: MotionFilter = "all"


class Feed(_Request, tag="feed", frozen=True):
    """Ask for the next page of a feed, without the clips of `exclude`, which were shown before."""

    name: Annotated[str, Meta(max_length=64)]
    k: Count
    exclude: Shown


class Review(_Request, tag="review", frozen=True):
    """Ask for the ids of all labelled clips in order, and the first `k` cards; only one annotator's if one is named.

    With a `tag` it is about the clips that anybody has given it, and those without a label come last.
    """

    value: Literal["all", "yes", "no", "unsure", "disputed"]
    order: Literal["suspicion", "newest", "disagreement"]
    annotator: Annotator
    k: Count
    tag: Tag = ""


class Reviewed(_Request, tag="reviewed", frozen=True):
    """Ask for further cards of the review, or for those of a selection."""

    annotator: Annotator
    clips: Annotated[list[Clip], Meta(min_length=1, max_length=200)]


class Label(_Request, tag="label", frozen=True):
    """Label clips for a concept; "none" takes labels back. A repeated id is stored once.

    The status afterwards comes with the "labels" event, which goes before the reply, as it does for an undo or a redo.
    The concept is part of the message because a label may arrive after the page has switched to another concept.
    """

    concept: Concept
    clips: Annotated[list[Clip], Meta(min_length=1, max_length=500)]
    value: Literal["yes", "no", "unsure", "none"]
    source: Annotated[str, Meta(max_length=64)]


class Undo(_Request, tag="undo", frozen=True):
    """Revert the newest action of a concept."""

    concept: Concept


class Redo(_Request, tag="redo", frozen=True):
    """Do again what was undone of a concept."""

    concept: Concept


class Remark(_Request, tag="remark", frozen=True):
    """Keep a note and tags on a clip, which take the place of this annotator's former ones; both may be empty.

    The reply holds what holds now, and this annotator's `tags`, the most used first. Sent twice it is stored once.
    """

    concept: Concept
    clip: Clip
    note: Text
    tags: Annotated[list[Tag], Meta(max_length=50)]


class Refit(_Request, tag="refit", frozen=True):
    """Refit now, without waiting for a pause."""


class Guideline(_Request, tag="guideline", frozen=True):
    """Replace the guideline, the annotators' definition of the concept."""

    text: LongText


class Concepts(_Request, tag="concepts", frozen=True):
    """Which concepts does the corpus have?"""


class Switch(_Request, tag="switch", frozen=True):
    """Show another concept of the corpus, or start a new one."""

    concept: Concept


class Forget(_Request, tag="forget", frozen=True):
    """Take a concept that has neither labels nor a guideline, and is not open here, out of the menu."""

    concept: Concept


class RenameConcept(_Request, tag="rename_concept", frozen=True):
    """Give a concept another name; the page goes on with it if it is the one that is shown."""

    concept: Concept
    name: Concept


class Archive(_Request, tag="archive", frozen=True):
    """Take a concept out of the menu, or bring it back."""

    concept: Concept
    archived: bool


class Hints(_Request, tag="hints", frozen=True):
    """Offer the yes clips of another concept as a feed of hints for the one that is shown, or no more."""

    concept: Concept
    offered: bool


class Publish(_Request, tag="publish", frozen=True):
    """Write the classifier as a new version of a model."""

    name: Annotated[str, Meta(max_length=500)]


class Export(_Request, tag="export", frozen=True):
    """Ask for the clips found so far as a file: its bytes are the reply's buffer."""


class Filmstrips(_Request, tag="filmstrips", frozen=True):
    """Ask for the filmstrips of some clips, with frames up to `width` pixels wide."""

    clips: Annotated[list[Clip], Meta(min_length=1, max_length=48)]
    width: Annotated[int, Meta(ge=1, le=1280)] = STRIP_WIDTH


class Preview(_Request, tag="preview", frozen=True):
    """Ask for a clip as playable video, with `context` seconds before and after it."""

    clip: Clip
    context: Annotated[float, Meta(ge=0, le=10)]


Request: TypeAlias = (
    Hello
    | Bye
    | Search
    | Similar
    | Sorted
    | Feed
    | Review
    | Reviewed
    | Label
    | Undo
    | Redo
    | Remark
    | Refit
    | Guideline
    | Concepts
    | Switch
    | Forget
    | RenameConcept
    | Archive
    | Hints
    | Publish
    | Export
    | Filmstrips
    | Preview
)


# --- what replies and events are made of -----------------------------------------------------------


class MotionShown(Struct, frozen=True):
    """How the camera moves in a clip: `words` says it in full, an arrow and a `word` in little room.

    `direction` is that of the arrow, in degrees clockwise from the right; None without an arrow. `word` is empty where
    the arrow is all.
    """

    words: str
    direction: int | None
    word: str


class Dispute(Struct, frozen=True):
    """A clip that annotators label differently: who gave which label, and who has `decided` between them, if anybody.

    `decides` says whether this annotator may: a label with the source "adjudication" is then a decision.
    """

    votes: dict[Value, list[str]]
    decided: str
    decides: bool


class RemarkShown(Struct, frozen=True):
    """What is remarked on a clip: this annotator's note and tags, and in one text what `others` say."""

    note: str
    tags: list[str]
    others: str = ""


class Card(Struct, frozen=True):
    """One clip on the page.

    `motion` is None where it was not measured, `remark` where nothing is remarked; `dispute` is known in review alone.
    """

    clip: str
    video: str
    start: float | None  # None where the clip has no times
    end: float | None
    score: float | None
    reason: str
    label: Value | None
    frames: int
    suspicion: float | None = None
    note: str = ""
    motion: MotionShown | None = None
    dispute: Dispute | None = None
    remark: RemarkShown | None = None


class QualityShown(Struct, frozen=True):
    """Average precision with its interval."""

    ap: float
    low: float
    high: float


class Point(Struct, frozen=True):
    """One refit on the sparkline."""

    version: int
    labels: int
    ap: float | None


class FoundShown(Struct, frozen=True):
    """How many clips of a concept are found, and of how many.

    `clips` are found: labelled yes, or scored at `threshold` (a probability) or above, which was chosen because of
    `why`; `expect` says in plain words how many of them are right and how many are missing. `estimate` is how many of
    the corpus are a yes, with an interval where it is known, and `method` says how that was estimated.
    """

    clips: int
    threshold: float
    why: str
    expect: str
    estimate: int
    low: int | None
    high: int | None
    method: str


class ConceptShown(Struct, frozen=True):
    """One concept in the menu, with the labels of all annotators: a clip that two of them have labelled counts twice.

    It is `empty`, and can be forgotten, if it has neither labels nor a guideline and is not the one that is shown. One
    that is `archived` is shown only when it is asked for.
    """

    concept: str
    yes: int
    no: int
    unsure: int
    annotators: int
    empty: bool
    archived: bool = False


class Selection(Struct, frozen=True):
    """Clips that were chosen outside the page, in the order in which they are to be shown."""

    title: str
    clips: list[str]


class Status(Struct, frozen=True):
    """All that the header shows. `advice` is what to do next, in one sentence, if there is anything to say.

    `ready` says whether the classifier is there: before that feeds are answered when the text model is loaded. `words`
    says whether any text can be searched for now, and `words_note` in one sentence why not and what to do, or what is
    waited for. `motion` says whether the motion of the clips is known: then camera moves can be searched for, without a
    text model, too, and clips can be chosen by it. `numbers` are the names of numbers that clips can be sorted by:
    those of their motion, and columns of the corpus. `concept_note` says which part of a long concept the model reads,
    or that the concept was renamed or archived. `guideline_version` counts the guideline's versions.
    `found` is None until both a yes and a no were learnt. `from_feeds` is how many of the labelled clips were labelled
    from each feed.
    """

    concept: str
    guideline: str
    annotator: str
    clips: int
    feeds: list[str]
    counts: dict[str, int]
    found: FoundShown | None
    from_feeds: dict[str, int]
    quality: QualityShown | None
    quality_note: str
    diversity: float
    version: int
    points: list[Point]
    advice: str
    state: Literal["ready", "refitting", "error"]
    message: str
    pending: int
    can_undo: bool
    can_redo: bool
    searchable: bool
    ready: bool
    words: Literal["ready", "loading", "unavailable"]
    words_note: str
    motion: bool
    numbers: list[str]
    concept_note: str
    queries: list[str]
    guideline_version: int = 0


class Strip(Struct, frozen=True):
    """A filmstrip: `buffer` is the index of its bytes among the reply's buffers, None if there is none."""

    clip: str
    mime: str
    frames: int
    width: int
    height: int
    buffer: int | None
    reason: str


# --- reading and writing ---------------------------------------------------------------------------


def parse(content: object, kinds: Any = Request) -> Any:
    """Turn a message of the front end into a request of one of some kinds, by default the annotator's.

    Raises ProtocolError, in one sentence, for anything that is not a request of version 1.
    """
    if not isinstance(content, dict):
        raise ProtocolError(f"A message must be an object with v, id and type, not {type(content).__name__}.")
    if not isinstance(content.get("id"), str) or not content["id"]:
        raise ProtocolError("A message must carry an id, a text that is not empty.")
    if content.get("v") != VERSION:
        raise ProtocolError(
            f"The page speaks version {content.get('v')!r} of the protocol and the kernel version {VERSION}:"
            " restart the kernel and reload the page.",
            code="version",
        )
    try:
        request = msgspec.convert(content, kinds)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"The message was not understood: {error}.") from error
    except UnicodeEncodeError as error:  # msgspec's own, where it compares a text with those that are allowed
        raise _half_a_character() from error
    if has_lone_surrogate(msgspec.to_builtins(request)):
        raise _half_a_character()
    return request


def _half_a_character() -> ProtocolError:
    return ProtocolError(
        "The message holds half a character (a lone surrogate), such as half an emoji: leave it out.", code="bad_value"
    )


def identity(content: object) -> tuple[str | None, str | None]:
    """Return the id and type of a message that could not be parsed, as far as it has them."""
    if not isinstance(content, dict):
        return None, None
    id, type = content.get("id"), content.get("type")
    return id if isinstance(id, str) else None, type if isinstance(type, str) else None


def reply(request: _Request, result: dict[str, Any]) -> dict[str, Any]:
    """Return the reply to a request, as plain JSON data."""
    plain = msgspec.to_builtins(result)
    return {"v": VERSION, "id": request.id, "type": _tag(request), "ok": True, "result": plain}


def failure(id: str | None, type: str | None, code: str, message: str) -> dict[str, Any]:
    """Return the reply to a request that failed, as plain JSON data."""
    return {"v": VERSION, "id": id, "type": type, "ok": False, "error": {"code": code, "message": message}}


def event(name: EventName, data: dict[str, Any]) -> dict[str, Any]:
    """Return an event, which is no reply to a request, as plain JSON data."""
    return {"v": VERSION, "event": name, "data": msgspec.to_builtins(data)}


def _tag(request: _Request) -> str:
    return str(request.__struct_config__.tag)
