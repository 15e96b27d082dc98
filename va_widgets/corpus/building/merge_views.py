"""Merge the views of a corpus: motion grows with it, and the user's views stay as long as no clip is new."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.arguments import described
from va_widgets.base.progress import Progress
from va_widgets.corpus.files import shards
from va_widgets.corpus.manifest import MOTION
from va_widgets.corpus.storage import Files
from va_widgets.corpus.writing import Writing
from va_widgets.video.motion.features import FEATURES, MOTION_VERSION

_ROWS = 16_384  # of a matrix, copied at a time


def merge_views(
    path: Path,
    writing: Writing,
    former: Files | None,
    old: pd.DataFrame,
    new: Sequence[tuple[str, NDArray[np.int64]]],
    target: NDArray[np.int64],
) -> dict[str, str]:
    """Write the views of a corpus that a build has made; return the names of their files.

    `old` are the clips that stay, with their `_row` in the `former` corpus, and `new` the folders of shards with the
    rows of their clips in the shard's matrices. `target` (n,) is the row of each clip in the new corpus, in this order.

    A view of the user's that lacks new clips is left out, which is written in one line. So is motion if it was not
    measured of some clips, unless the former corpus had it: then their rows are zero until `add_view` measures them.
    """
    n, views = len(target), dict[str, str]()
    rows = old["_row"].to_numpy(dtype=np.int64)
    for name in former.manifest.views if former is not None else ():
        if name == MOTION:
            continue
        if new:
            message = (
                f"The view {described(name)} is left out, because it has no values for the {n - len(old):,} new clips"
            )
            Progress(0, 0, shown=True).note(f"{message}: add it again by corpus.add_view.")
            continue
        assert former is not None
        values = former.view(name)
        views[name], matrix = writing.view(n, values.shape[1], values.dtype.type)
        _copy(matrix, target, values, rows)
    motion = _motion(path, former, old, new)
    if motion is not None:
        views[MOTION], matrix = writing.view(n, len(FEATURES), np.float16)
        _copy(matrix, target, motion, np.arange(n))
    return views


def motion_version(
    path: Path, former: Files | None, old: pd.DataFrame, new: Sequence[tuple[str, NDArray[np.int64]]]
) -> int:
    """Return the least version by which the motion of clips was measured; see `merge_views`.

    Where a build adds clips to those of an earlier version, one line says so.
    """
    versions = [_version_of_shard(path, folder) for folder, _ in new]
    if len(old) and former is not None and known_motion(former) is not None:
        earlier = former.manifest.motion_version
        if new and earlier < MOTION_VERSION:
            Progress(0, 0, shown=True).note(
                f"The motion of the {len(old):,} former clips was measured by an earlier version of va-widgets, that of"
                f' the new ones by this one: corpus.add_view("{MOTION}") measures all anew.'
            )
        versions.append(earlier)
    elif len(old):
        versions += [_version_of_shard(path, str(folder)) for folder in old["_shard"].unique()]
    return min(versions, default=MOTION_VERSION)


def _version_of_shard(path: Path, folder: str) -> int:
    card = shards.read_card(path / shards.SHARDS_FOLDER / folder)
    return MOTION_VERSION if card is None else card.motion_version


def known_motion(former: Files | None) -> NDArray[np.floating[Any]] | None:
    """Return the motion view of a corpus; None if it has none, or one that was measured with other features."""
    if former is None or MOTION not in former.manifest.views:
        return None
    motion = former.view(MOTION)
    return motion if motion.shape[1] == len(FEATURES) else None


def _motion(
    path: Path, former: Files | None, old: pd.DataFrame, new: Sequence[tuple[str, NDArray[np.int64]]]
) -> NDArray[np.float16] | None:
    """Return the motion of old and new clips, float16 (n, len(FEATURES)); None if it was not measured of some."""
    known = known_motion(former)
    parts = list[NDArray[Any]]()
    if known is not None:
        parts.append(known[old["_row"].to_numpy(dtype=np.int64)])
    elif len(old):
        before = _motion_of_shards(path, old)
        if before is None:
            return None
        parts.append(before)
    for folder, rows in new:
        measured = shards.read_shard_motion(path, folder, len(FEATURES))
        if measured is None and known is None:
            return None
        parts.append(np.zeros((len(rows), len(FEATURES)), np.float16) if measured is None else measured[rows])
    return np.concatenate(parts).astype(np.float16, copy=False)


def shard_motion(path: Path, folder: str, clip_ids: pd.Index, version: int = 1) -> NDArray[np.float16] | None:
    """Return the motion of some clips of a shard, float16 (k, len(FEATURES)); None if it has not been measured.

    Nor is what was measured by a version before `version` returned.
    """
    measured = shards.read_shard_motion(path, folder, len(FEATURES), version)
    if measured is None:
        return None
    rows = shards.read_shard_clips(path, folder).index.get_indexer(clip_ids)
    return None if (rows < 0).any() else measured[rows]


def _motion_of_shards(path: Path, clips: pd.DataFrame) -> NDArray[np.float16] | None:
    """Return the motion of clips, indexed by clip_id with their `_shard`; None if it was not measured of some."""
    motion = np.zeros((len(clips), len(FEATURES)), np.float16)
    for folder, rows in clips.groupby(clips["_shard"].astype(str), sort=False).indices.items():
        measured = shard_motion(path, str(folder), clips.index[rows])
        if measured is None:
            return None
        motion[rows] = measured
    return motion


def _copy(
    matrix: NDArray[Any], target: NDArray[np.int64], values: NDArray[np.floating[Any]], rows: NDArray[np.int64]
) -> None:
    for start in range(0, len(rows), _ROWS):
        block = slice(start, start + _ROWS)
        matrix[target[block]] = values[rows[block]]
