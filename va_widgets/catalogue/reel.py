"""Hits as a reel: a table, or a timeline for an editing program, of the clips in their order.

Timelines are written by OpenTimelineIO and its adapters for EDL (CMX 3600) and Final Cut Pro X.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.arguments import ClipIds, described
from va_widgets.base.errors import PreviewUnavailableError, ReelError, reason_of
from va_widgets.base.paths import GivenPath, absolute_path, is_url, replacing
from va_widgets.base.spreadsheet import harmless
from va_widgets.base.system_errors import failure
from va_widgets.catalogue.reel_timelines import Piece, edl, fcpxml, file_name, otio_json, plain
from va_widgets.corpus import Corpus
from va_widgets.corpus.user_tables.timecode import SourceClock, time_code


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

    In and out are in frames of the source at its own rate: in a table counted from its first picture, in a timeline by
    the time code that its file begins with, if it is a file that has one. EDL and FCPXML have certain rates only:
    others are written at a multiple that they have, or the nearest one, and an EDL has the rate of most of its clips.
    Where a video is gone or may not be read (see `Corpus.trust`), its name stands for its path.

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
            failure(f"The file {file}", error)
            or f"The hits cannot be written to {file} ({reason_of(error)}): name another file."
        ) from error
    return file


def _pieces(hits: ClipIds, corpus: Corpus, handles: float, *, timed: bool) -> list[Piece]:
    """Return the clips of a reel. Raises ReelError for one without times or a rate, if they must be `timed`."""
    ids = arguments.clip_ids(hits, "The hits", error=ReelError)
    table = hits.drop(columns="clip_id", errors="ignore") if isinstance(hits, pd.DataFrame) else pd.DataFrame()
    rows = [corpus.row(clip) for clip in ids]
    clips = corpus.clips.iloc[rows]
    videos = corpus.clips[corpus.clips["video"].isin(clips["video"].unique())]
    lengths = videos.groupby("video")["end"].max()
    places: dict[str, tuple[str, str]] = {}
    begins: dict[str, tuple[int, bool | None]] = {}
    pieces = []
    times = clips[["start", "end", "fps"]].to_numpy(dtype=float).tolist()
    for number, (clip_id, video, (start, end, rate)) in enumerate(zip(ids, clips["video"], times, strict=True)):
        known = end > start and rate > 0 and math.isfinite(rate)
        if timed and not known:
            raise ReelError(f"The clip {clip_id} has no times or no frame rate, as pictures have none: write a .csv.")
        if video not in places:
            places[video] = _place(corpus, clip_id, video)
            begins[video] = _beginning(corpus, clip_id, rate) if timed else (0, None)
        length = float(lengths[video])
        first = round(max(0.0, start - handles) * rate) if known else 0
        stop = max(first + 1, round(min(length, end + handles) * rate)) if known else 0
        values = {str(name): table[name].iloc[number] for name in table}
        shown = plain(file_name(video))
        shown = f"{number + 1:03d} {shown} {_clock(start)}" if known else shown
        whole = max(stop, round(length * rate)) if known else 0
        pieces.append(Piece(clip_id, shown, *places[video], rate, first, stop, whole, values, *begins[video]))
    return pieces


def _place(corpus: Corpus, clip_id: str, video: str) -> tuple[str, str]:
    """Return the path of a video, and its URL; its name alone for both where it is gone, or not trusted."""
    try:
        place = corpus.video_of(clip_id)
    except PreviewUnavailableError:
        path = PureWindowsPath(video)  # also knows /, drives and servers: adapters look whether a path exists
        leads_out = not is_url(video) and (path.anchor or ".." in path.parts)
        name = plain(file_name(video) if leads_out or video.lower().startswith("file:") else video)
        return name, name
    if isinstance(place, Path):
        return str(place), place.as_uri()
    return place, plain(place).replace("’", "%27")


def _beginning(corpus: Corpus, clip_id: str, rate: float) -> tuple[int, bool | None]:
    """Return the number of a file's first frame by its time code, and whether that is drop-frame; 0 and None for none.

    Counted are frames of `rate` a second, those of the corpus.
    """
    from va_widgets.video.errors import UndecodableError
    from va_widgets.video.source_clock import source_count

    try:
        place = corpus.video_of(clip_id)
        count = source_count(place) if isinstance(place, Path) else None
    except (PreviewUnavailableError, UndecodableError):
        return 0, None
    start = time_code(count.time_code) if count is not None else None
    if count is None or start is None:
        return 0, None
    clock = SourceClock(count.rate, start, count.base)
    return round(clock.first_frame * max(1, round(rate)) / max(1, round(count.rate))), clock.drops


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return f"{minutes:02d}:{rest / 1000:06.3f}"


# --- a table -------------------------------------------------------------------------------------


def _csv(pieces: Sequence[Piece], _title: str) -> str:
    """Return the table: clip_id, video, in, out, fps, start, end, and the columns of the hits.

    Texts that a spreadsheet would take for a formula begin with an apostrophe.
    """
    rows = [
        {
            "clip_id": piece.clip_id,
            "video": piece.video,
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
    return harmless(value) if isinstance(value, str) else value


_WRITERS: dict[str, Callable[[Sequence[Piece], str], str]] = {
    ".csv": _csv,
    ".otio": otio_json,
    ".edl": edl,
    ".fcpxml": fcpxml,
}
