"""Foreign rows are matched to the clips of a corpus: by id, by (video, time), by frame, or by their video alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.errors import ExchangeError
from va_widgets.corpus.open_corpus import OpenCorpus
from va_widgets.exchange.foreign import Problems
from va_widgets.exchange.segments import Times, segments
from va_widgets.exchange.videos import Videos

OVERLAP = 0.5
"""The least share of the shorter one of a segment and a clip that both have in common."""
_SAME = 0.05  # second: ends that differ by less are the same; a frame at 25 a second is 0.04 s
_TOLERANCE = 1e-6  # of that share: times are written with three digits or more
_MOST_PAIRS = 50_000_000
_BEYOND = 1.0  # second: by how much the ends of a video differ between programs


class Matches(NamedTuple):
    """Pairs of a row and a clip, and how each row was matched.

    `row` and `clip` are int64 (m,): numbers of foreign rows, ascending, and rows of the corpus. `how` is object (n,)
    for the n foreign rows: "id", "time", "frame", "video", or "" for one that matches no clip.
    """

    row: NDArray[np.int64]
    clip: NDArray[np.int64]
    how: NDArray[np.object_]


def matched(
    corpus: OpenCorpus,
    rows: pd.DataFrame,
    problems: Problems,
    needed: NDArray[np.bool_],
    times: Times,
) -> Matches:
    """Match those rows that are `needed`, bool (n,), to clips.

    A row with the id of a clip is that clip's. Others need a video: its path, its name, or its name without a suffix,
    as long as only one video of the corpus is called so. With a segment of it, in seconds or frames, a row is of every
    clip that overlaps the segment by at least half of the shorter one of both; a "no" only of clips that it covers by
    half. A segment that is a clip, to a twentieth of a second, is of that one only. With a single moment or frame a row
    is of the clips around it, and with neither it is of the video's only clip. A video that was cut out of a longer one
    by that segment, as Kinetics' are, is known by its name ID_000010_000020, and all of its clips are meant.

    Rows with impossible times, or whose video is not clear, are added to `problems`.
    """
    count = len(rows)
    how: NDArray[np.object_] = np.full(count, "", dtype=object)
    clips = corpus.clips
    found: NDArray[np.int64] = np.full(count, -1, dtype=np.int64)
    if "clip_id" in rows:
        ids = rows["clip_id"].map(lambda value: "" if value is None else str(value))
        found = np.asarray(clips.index.get_indexer(pd.Index(ids)), dtype=np.int64)
    by_id = needed & (found >= 0)
    how[by_id] = "id"
    pairs = [(np.flatnonzero(by_id), found[by_id])]
    rest = needed & (found < 0) & ~problems.refused
    if "video" in rows and rest.any():
        pairs.append(_by_place(clips, Videos(clips), rows, rest, how, problems, times))
    row = np.concatenate([pair[0] for pair in pairs]).astype(np.int64)
    clip = np.concatenate([pair[1] for pair in pairs]).astype(np.int64)
    order = np.argsort(row, kind="stable")
    return Matches(row[order], clip[order], how)


def _by_place(
    clips: pd.DataFrame,
    videos: Videos,
    rows: pd.DataFrame,
    rest: NDArray[np.bool_],
    how: NDArray[np.object_],
    problems: Problems,
    times: Times,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (rows, clips) of those rows of which the corpus has the video, by their time in it."""
    codes, trimmed = videos.found(rows, rest, problems)
    rest = rest & (codes >= 0) & ~problems.refused
    starts, ends = (clips[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in ("start", "end"))
    video = np.where(codes >= 0, codes, 0)
    begin, end, kind = segments(rows, videos.rate[video], rest, problems, times)
    begin, end = np.where(trimmed, 0.0, begin), np.where(trimmed, videos.last[video], end)
    whole = rest & ~problems.refused & (kind == "")
    several = whole & (videos.clips[video] > 1)
    problems.add(several, "it names a video of several clips but no time in it: give start and end, or clip_id")
    whole &= ~several
    timed = rest & ~problems.refused & (kind != "")
    problems.add(timed & ~videos.timed[video], "the clips of its video have no times: give clip_id")
    late = timed & (begin > videos.last[video] + _BEYOND) & ~problems.refused
    problems.add(
        late,
        lambda row: (
            f"it starts at {begin[row]:,.6g} s, but its video ends at {videos.last[codes[row]]:,.6g} s: it is of"
            " another video, or times='frames' or times='milliseconds' says what it counts"
        ),
    )
    timed &= ~problems.refused
    no = rows["value"].eq("no").to_numpy(dtype=np.bool_)
    row, clip = _overlapping(videos.of_clips, starts, ends, codes, begin, end, timed, no)
    how[whole] = "video"
    how[row] = kind[row]
    return np.concatenate([np.flatnonzero(whole), row]), np.concatenate([videos.newest[video[whole]], clip])


def _overlapping(
    of_clips: NDArray[np.int64],
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    codes: NDArray[np.int64],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
    timed: NDArray[np.bool_],
    covers: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs (row, clip) that overlap enough, int64 (m,) each.

    Where `covers`, the overlap is measured in shares of the clip. All videos lie one after another on one axis, far
    enough apart, so that one search finds the clips of every row.
    """
    rows = np.flatnonzero(timed)
    if not len(rows):
        return rows, rows
    usable = np.flatnonzero(ends > starts)
    far = float(max(ends[usable].max(), end[rows].max())) + 1.0
    from_, to = of_clips[usable] * far + starts[usable], of_clips[usable] * far + ends[usable]
    order = np.argsort(from_, kind="stable")
    from_, to, usable = from_[order], to[order], usable[order]
    furthest = np.maximum.accumulate(to)
    a, b = codes[rows] * far + begin[rows], codes[rows] * far + end[rows]
    low = np.searchsorted(furthest, a, side="right")
    high = np.maximum(low, np.searchsorted(from_, b, side="right"))
    if (total := int((high - low).sum())) > _MOST_PAIRS:
        raise ExchangeError(f"The segments overlap clips {total:,} times, which is too much at once: divide the file.")
    pair_row = np.repeat(np.arange(len(rows)), high - low)
    within = np.arange(len(pair_row)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
    pair_clip = np.repeat(low, high - low) + within
    common = np.minimum(b[pair_row], to[pair_clip]) - np.maximum(a[pair_row], from_[pair_clip])
    length, segment = to[pair_clip] - from_[pair_clip], b[pair_row] - a[pair_row]
    least = np.where(covers[rows][pair_row] & (segment > 0), length, np.minimum(length, segment))
    moment = (segment == 0) & (a[pair_row] >= from_[pair_clip]) & (a[pair_row] < to[pair_clip])
    good: NDArray[np.bool_] = moment | ((common > 0) & (common >= (OVERLAP - _TOLERANCE) * least))
    same = (np.abs(a[pair_row] - from_[pair_clip]) <= _SAME) & (np.abs(b[pair_row] - to[pair_clip]) <= _SAME)
    is_clip = np.zeros(len(rows), dtype=np.bool_)
    is_clip[pair_row[same]] = True
    good &= same | ~is_clip[pair_row]
    return rows[pair_row[good]], usable[pair_clip[good]]
