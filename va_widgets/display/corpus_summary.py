"""A corpus as a notebook shows it: a few lines, or a small table over a row of thumbnails, bounded in size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from va_widgets.base.errors import CorpusError
from va_widgets.base.names import escaped
from va_widgets.base.progress import clock_time, printable
from va_widgets.base.texts import counted
from va_widgets.corpus.manifest import COLUMNS, STATUSES
from va_widgets.display.html import facts_table
from va_widgets.display.player import data_uri
from va_widgets.video.filmstrip import Filmstrip, frame_of

if TYPE_CHECKING:
    from va_widgets.corpus import Corpus

_SAMPLES = 8
_ROW_HEIGHT = 72  # pixels of the summary's thumbnails on the page
_FRAME_WIDTH, _FRAME_HEIGHT = 160, 90  # what one of them fits into: more pixels than on the page, for sharp screens
_FRAME_QUALITY = 75
_ROW_BYTES = 100_000  # of the thumbnails of a summary, as they stand in the HTML
_NAMES, _LONGEST_NAME, _LONGEST_PATH = 6, 40, 200  # names of columns or views, and characters of names and paths


@dataclass(frozen=True)
class Summary:
    """The facts that a notebook shows of a corpus.

    `statuses` counts the sources by what became of them: "done", "partial", "skipped". `phrases` is the number of
    texts that can be searched where not every text can. `views` are the names of all views, `appearance` among them.
    """

    path: str
    clips: int
    videos: int
    seconds: float
    dim: int
    encoder: str
    statuses: Mapping[str, int] = field(default_factory=dict)
    searchable: bool = False
    phrases: int = 0
    columns: Sequence[str] = ()
    views: Sequence[str] = ()
    motion_is_old: bool = False


@dataclass(frozen=True)
class Sample:
    """One of a summary's thumbnails: a small JPEG such as `first_frame` gives, and where it is from."""

    data: bytes
    video: str
    start: float


def summary(corpus: Corpus) -> Summary:
    """Return the facts that a notebook shows of a corpus."""
    statuses = corpus.report["status"].astype(str).value_counts()
    clips = corpus.clips
    return Summary(
        path=escaped(corpus.path),
        clips=len(corpus),
        videos=int(clips["video"].nunique()),
        seconds=float((clips["end"] - clips["start"]).sum()),
        dim=corpus.embeddings.shape[1],
        encoder=corpus.encoder_fingerprint,
        statuses={name: int(statuses.get(name, 0)) for name in STATUSES},
        searchable=corpus.has_text_model,
        phrases=len(corpus.phrases),
        columns=[str(name) for name in clips.columns if name not in COLUMNS],
        views=corpus.views,
        motion_is_old=corpus.motion_is_old,
    )


def samples(corpus: Corpus) -> list[Sample]:
    """Return up to 8 thumbnails from all over a corpus."""
    thumbnails = []
    for row in np.unique(np.linspace(0, len(corpus) - 1, _SAMPLES).round().astype(int)):
        clip = str(corpus.clips.index[row])
        try:
            picture = first_frame(corpus.filmstrip(clip))
        except CorpusError:  # this clip has none, others may
            continue
        place = corpus.clips.iloc[row]
        thumbnails.append(Sample(picture, str(place["video"]), float(place["start"])))
    return thumbnails


def summary_text(summary: Summary) -> str:
    """Return a summary as a few lines of text."""
    rows = "".join(f"\n  {name:<12}  {value}" for name, value in _rows(summary))
    return f"Corpus in {_cut(summary.path, _LONGEST_PATH)}{rows}"


def summary_html(summary: Summary, samples: Sequence[Sample] = ()) -> str:
    """Return a summary as a small HTML table over one row of up to 8 thumbnails; at most 120 kB."""
    return (
        '<div style="color:inherit">'
        f'<div style="font-weight:600;margin-bottom:4px">Corpus in {escape(_cut(summary.path, _LONGEST_PATH))}</div>'
        f"{facts_table(_rows(summary))}{_row_of_thumbnails(samples)}</div>"
    )


def _row_of_thumbnails(samples: Sequence[Sample]) -> str:
    pictures: list[str] = []
    left = _ROW_BYTES
    for sample in samples[:_SAMPLES]:
        where = escape(f"{_cut(sample.video, _LONGEST_PATH)}, {clock_time(sample.start)}")
        picture = (
            f'<img src="{data_uri("image/jpeg", sample.data)}" alt="{where}" title="{where}"'
            f' style="height:{_ROW_HEIGHT}px;width:auto;max-width:none;margin:0;border-radius:2px">'
        )
        left -= len(picture)
        if left < 0:
            break
        pictures.append(picture)
    if not pictures:
        return ""
    # What does not fit into a narrow cell wraps into a second row, which is not seen.
    row = f"display:flex;flex-wrap:wrap;gap:4px;height:{_ROW_HEIGHT}px;overflow:hidden;margin-top:8px"
    return f'<div style="{row}">{"".join(pictures)}</div>'


def _rows(summary: Summary) -> list[tuple[str, str]]:
    rows = [
        ("clips", f"{summary.clips:,} of {counted(summary.videos, 'video')}, {_length(summary.seconds)} in all"),
        ("embeddings", f"{summary.dim} dimensions by {_cut(summary.encoder, _LONGEST_PATH)}"),
    ]
    if summary.views:
        rows.append(("views", _names(summary.views)))
    if summary.motion_is_old:
        rows.append(("motion", 'measured by an earlier version: corpus.add_view("motion") makes it anew'))
    if summary.statuses:
        counts = ", ".join(f"{number:,} {status}" for status, number in summary.statuses.items() if number)
        has_faults = any(number for status, number in summary.statuses.items() if status != "done")
        rows.append(("sources", f"{counts}: see corpus.report" if has_faults else counts))
    search = "any text" if summary.searchable else "none: open the corpus with encoder=… for it"
    if summary.phrases and not summary.searchable:
        search = f"{counted(summary.phrases, 'phrase')} that came with the embeddings"
    rows.append(("text search", search))
    if summary.columns:
        rows.append(("your columns", _names(summary.columns)))
    return rows


def _names(names: Sequence[str]) -> str:
    """Return the first names of columns or views, and how many more there are."""
    first = [_cut(name, _LONGEST_NAME) for name in names[:_NAMES]]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more:,} more" if more else "")


def first_frame(strip: Filmstrip) -> bytes:
    """Return the first frame of a filmstrip as a JPEG of at most 160 x 90 pixels.

    Raises CorpusError if the filmstrip cannot be decoded.
    """
    import cv2  # loaded with the first picture

    frame = frame_of(strip, 0)
    scale = min(1.0, _FRAME_WIDTH / strip.width, _FRAME_HEIGHT / strip.height)
    size = (max(1, round(strip.width * scale)), max(1, round(strip.height * scale)))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _FRAME_QUALITY])
    if not done:
        raise CorpusError(f"A frame of {size[0]}x{size[1]} pixels could not be encoded.")
    return encoded.tobytes()


def _cut(text: str, longest: int) -> str:
    """Return a text in one line, shortened in the middle, because the end of a path is more useful."""
    line = printable(text)
    half = (longest - 1) // 2
    return line if len(line) <= longest else f"{line[:half]}…{line[-half:]}"


def _length(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{seconds / 3600:,.1f} hours"
