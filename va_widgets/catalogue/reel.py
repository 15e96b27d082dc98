"""Hits as a reel: a table, or a timeline for an editing program, of the clips in their order.

Timelines are written by OpenTimelineIO and its adapters for EDL (CMX 3600) and Final Cut Pro X.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.arguments import ClipIds, described
from va_widgets.base.errors import MissingPackageError, PreviewUnavailableError, ReelError
from va_widgets.base.paths import GivenPath, absolute_path, replacing
from va_widgets.base.system_errors import failure
from va_widgets.corpus import Corpus

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula
_STANDARD = (24000 / 1001, 24.0, 25.0, 30000 / 1001, 30.0, 50.0, 60000 / 1001, 60.0)  # rates that have a timecode
_AS_FCPX = {24000 / 1001: 23.98, 30000 / 1001: 29.97, 60000 / 1001: 59.94}  # as the adapter calls them
_LARGEST_MULTIPLE = 6


@dataclass(frozen=True)
class _Piece:
    """A clip of the reel: frames `first` up to but without `end` of a video of `length` frames, `rate` a second."""

    clip_id: str
    name: str
    url: str
    rate: float
    first: int
    end: int
    length: int
    values: dict[str, Any]


def export_hits(hits: ClipIds, corpus: Corpus, path: GivenPath, *, handles: float = 0.0) -> Path:
    """Write hits, in their order, as a file for people who edit video; returns its path. A former file is replaced.

    Parameters
    ----------
    hits : DataFrame, or clip ids
        What `Corpus.query` returns, or any table with an index or a column clip_id, whose other columns are written,
        too.
    path : path
        Its suffix says what is written: `.csv`; `.otio`, OpenTimelineIO; `.edl`, CMX 3600; `.fcpxml`, Final Cut Pro X.
    handles : float
        Seconds more at both ends of each clip, as far as the corpus knows its video.

    In and out are in frames of the source, counted from its beginning at its own rate. EDL and FCPXML have certain
    rates only: others are written at a multiple that they have, or the nearest one, and an EDL has the rate of most of
    its clips. Where a video is gone or may not be read (see `Corpus.trust`), its name stands for its path.

    Raises ReelError for another suffix, for no clips, for clips without times or a frame rate in a timeline, and where
    the file cannot be written; UnknownClipError for clips that are not in the corpus, MissingPackageError without
    OpenTimelineIO or its adapters.
    """
    arguments.instance(corpus, Corpus, "The corpus of the hits", "a va.Corpus", error=ReelError)
    file = absolute_path(path, ReelError, "The file to write")
    handles = arguments.number(handles, "handles", least=0, most=3600, error=ReelError)
    suffix = file.suffix.lower()
    if suffix not in _WRITERS:
        raise ReelError(f"Hits are written to a file with the suffix {', '.join(_WRITERS)}, not {described(suffix)}.")
    pieces = _pieces(hits, corpus, handles, timed=suffix != ".csv")
    if not pieces:
        raise ReelError("There are no hits to write: widen the query.")
    text = _WRITERS[suffix](pieces, file.stem)
    try:
        with replacing(file) as unfinished:
            unfinished.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ReelError(
            failure(f"The file {file}", error) or f"The hits cannot be written to {file} ({error}): name another file."
        ) from error
    return file


def _pieces(hits: ClipIds, corpus: Corpus, handles: float, *, timed: bool) -> list[_Piece]:
    """Return the clips of a reel. Raises ReelError for one without times or a rate, if they must be `timed`."""
    ids = arguments.clip_ids(hits, "The hits", error=ReelError)
    table = hits.drop(columns="clip_id", errors="ignore") if isinstance(hits, pd.DataFrame) else pd.DataFrame()
    rows = [corpus.row(clip) for clip in ids]
    clips = corpus.clips.iloc[rows]
    videos = corpus.clips[corpus.clips["video"].isin(clips["video"].unique())]
    lengths = videos.groupby("video")["end"].max()
    urls: dict[str, str] = {}
    pieces = []
    times = clips[["start", "end", "fps"]].to_numpy(dtype=float).tolist()
    for number, (clip_id, video, (start, end, rate)) in enumerate(zip(ids, clips["video"], times, strict=True)):
        known = end > start and rate > 0 and math.isfinite(rate)
        if timed and not known:
            raise ReelError(f"The clip {clip_id} has no times or no frame rate, as pictures have none: write a .csv.")
        if video not in urls:
            urls[video] = _url(corpus, clip_id, video)
        length = float(lengths[video])
        first = round(max(0.0, start - handles) * rate) if known else 0
        stop = max(first + 1, round(min(length, end + handles) * rate)) if known else 0
        values = {str(name): table[name].iloc[number] for name in table}
        shown = f"{number + 1:03d} {_plain(video)} {_clock(start)}" if known else _plain(video)
        whole = max(stop, round(length * rate)) if known else 0
        pieces.append(_Piece(clip_id, shown, urls[video], rate, first, stop, whole, values))
    return pieces


def _url(corpus: Corpus, clip_id: str, video: str) -> str:
    """Return where a video is, as a URL; its name alone where that is not known, or not trusted."""
    try:
        place = corpus.video_of(clip_id)
    except PreviewUnavailableError:
        return _plain(video)
    return place.as_uri() if isinstance(place, Path) else place.replace("'", "%27")


def _plain(name: str) -> str:
    """Return a name without control characters, which would begin a new line of an EDL, and without quotes, which the
    adapters put into paths of XML.
    """
    return "".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in name).replace("'", "’")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return f"{minutes:02d}:{rest / 1000:06.3f}"


# --- a table -------------------------------------------------------------------------------------


def _csv(pieces: Sequence[_Piece], _title: str) -> str:
    """Return the table: clip_id, video, in, out, fps, start, end, and the columns of the hits.

    Texts that a spreadsheet would take for a formula begin with an apostrophe.
    """
    rows = [
        {
            "clip_id": piece.clip_id,
            "video": piece.url,
            "in": piece.first,
            "out": piece.end,
            "fps": piece.rate,
            "start": round(piece.first / piece.rate, 6) if piece.end else None,
            "end": round(piece.end / piece.rate, 6) if piece.end else None,
        }
        | {name if name not in _OWN else f"clip {name}": value for name, value in piece.values.items()}
        for piece in pieces
    ]
    table = pd.DataFrame([{_safe(name): _safe(value) for name, value in row.items()} for row in rows])
    return table.to_csv(index=False, lineterminator="\r\n")


_OWN = frozenset(("clip_id", "video", "in", "out", "fps", "start", "end"))


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


# --- timelines -----------------------------------------------------------------------------------


def _otio(pieces: Sequence[_Piece], title: str) -> str:
    return str(_otio_module().adapters.write_to_string(_timeline(pieces, title), "otio_json"))


def _edl(pieces: Sequence[_Piece], title: str) -> str:
    otio = _otio_module("cmx_3600")
    rates = [_standard(piece.rate) for piece in pieces]
    rate = max(rates, key=rates.count)
    timeline = _timeline(pieces, _plain(title), lambda _: (rate, True))
    return str(otio.adapters.write_to_string(timeline, "cmx_3600", rate=rate))


def _fcpxml(pieces: Sequence[_Piece], title: str) -> str:
    otio = _otio_module("fcpx_xml")

    def rate_of(rate: float) -> tuple[float, bool]:
        standard = _standard(rate)
        return _AS_FCPX.get(standard, standard), False

    return str(otio.adapters.write_to_string(_timeline(pieces, _plain(title), rate_of), "fcpx_xml"))


_WRITERS: dict[str, Callable[[Sequence[_Piece], str], str]] = {
    ".csv": _csv,
    ".otio": _otio,
    ".edl": _edl,
    ".fcpxml": _fcpxml,
}


def _timeline(
    pieces: Sequence[_Piece], title: str, rate_of: Callable[[float], tuple[float, bool]] = lambda rate: (rate, False)
) -> Any:
    """Return the clips one after the other in one video track.

    `rate_of` returns the rate at which a clip of some rate is written, and whether its times become whole frames then;
    otherwise they stay the same time.
    """
    otio = _otio_module()
    timeline = otio.schema.Timeline(title)
    track = otio.schema.Track("hits", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    for piece in pieces:
        rate, whole = rate_of(piece.rate)

        def moment(frame: int, piece: _Piece = piece, rate: float = rate, whole: bool = whole) -> Any:
            value = frame * rate / piece.rate
            return otio.opentime.RationalTime(round(value) if whole or rate == piece.rate else value, rate)

        def span(first: int, end: int, moment: Callable[..., Any] = moment) -> Any:
            return otio.opentime.TimeRange(moment(first), moment(end) - moment(first))

        reference = otio.schema.ExternalReference(piece.url, span(0, piece.length))
        facts = {name: _fact(value) for name, value in piece.values.items()}
        facts = {"va_widgets": {"clip_id": piece.clip_id, **facts}}
        track.append(otio.schema.Clip(piece.name, reference, span(piece.first, piece.end), facts))
    return timeline


def _standard(rate: float) -> float:
    """Return the rate with a timecode that is this one, a small multiple of it, or else the nearest one."""
    for factor in range(1, _LARGEST_MULTIPLE + 1):
        for standard in _STANDARD:
            if math.isclose(rate * factor, standard, rel_tol=1e-4):
                return standard
    return min(_STANDARD, key=lambda standard: abs(standard - rate))


def _fact(value: Any) -> Any:
    """Return a value as JSON has it."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _otio_module(adapter: str = "otio_json") -> Any:
    """Return OpenTimelineIO. Raises MissingPackageError if it, or one of its adapters, is not installed."""
    try:
        otio = import_module("opentimelineio")
        if adapter in otio.adapters.available_adapter_names():
            return otio
    except ImportError:
        pass
    raise MissingPackageError(
        'A timeline needs OpenTimelineIO and its adapters, which are not all installed: pip install "va-widgets[reel]".'
    )
