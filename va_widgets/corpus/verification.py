"""Verification: compare the files of a corpus with the digests of what was written to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from va_widgets.base.errors import CorpusError, reason_of
from va_widgets.base.paths import inside
from va_widgets.base.progress import can_be_shown
from va_widgets.corpus import storage
from va_widgets.corpus.files import shards
from va_widgets.corpus.files.digests import Written, is_changed
from va_widgets.corpus.manifest import MANIFEST_FILE, named_files, read_manifest_alone

OK, DAMAGED, MISSING, UNRECORDED = "ok", "damaged", "missing", "unrecorded"
_NO_DIGEST = "an older va-widgets wrote it, which kept no digest: it can be read, but not compared"
_ROWS = 1 << 14  # of the matrix, checked at a time


def verify(path: Path, *, progress: bool = True) -> pd.DataFrame:
    """Read every file of the corpus in `path` and compare it with the digest of what was written to it.

    Returns DataFrame(file, status, reason), a row a file, named as seen from `path`. `status` is "ok", "damaged",
    "missing", or "unrecorded" for a file of an older version, of which there is no digest. Previews, labels and models
    are no files of the corpus.
    """
    rows = []
    with tqdm(desc="verifying", unit="file", disable=not can_be_shown(progress)) as bar:
        for row in _verified(path):
            rows.append(row)
            bar.update()
    return pd.DataFrame(rows, columns=["file", "status", "reason"])


def _verified(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the status and the reason of every file of a corpus."""
    name = MANIFEST_FILE
    try:
        manifest = read_manifest_alone(path)
    except CorpusError as error:
        yield name, DAMAGED if (path / name).exists() else MISSING, str(error)
        return
    yield name, *_of_json(inside(path, name))
    for named in named_files(manifest):
        yield named, *_of_file(path, named, manifest.files.get(named))
    yield from _of_content(path)


def _of_content(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each file with impossible values, and for each file of every shard."""
    try:
        files = storage.open_files(path)
    except CorpusError as error:  # an earlier row usually names the damaged file
        yield MANIFEST_FILE, DAMAGED, str(error)
        return
    checks: dict[str | None, Callable[[], object]] = {
        files.manifest.clips_file: lambda: storage.check_unique(files.read_clips(), path),
        files.manifest.sources_file: files.sources,
        files.manifest.embeddings_file: lambda: _check_finite(files.embeddings),
        files.manifest.neighbours_file: files.neighbours,
        **{file: partial(_check_view, files, name) for name, file in files.manifest.views.items()},
    }
    for name, check in checks.items():
        try:
            check()
        except CorpusError as error:
            yield name or MANIFEST_FILE, DAMAGED, str(error)
    try:
        media = files.read_media()
    except CorpusError as error:
        yield files.manifest.clips_file, DAMAGED, str(error)
        return
    if "_shard" not in media:
        return
    media = media[media["_strip_bytes"] > 0]  # clips of embeddings have no shard
    ends = (media["_strip_at"] + media["_strip_bytes"]).groupby(media["_shard"].astype(str)).max()
    for key, end in ends.items():
        yield from _of_shard(path, str(key), int(end))


def _of_shard(path: Path, key: str, end: int) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each file of a shard, whose filmstrips take `end` bytes."""
    card = shards.read_card(inside(path, shards.SHARDS_FOLDER, key))
    for name in shards.SHARD_FILES:
        file = f"{shards.SHARDS_FOLDER}/{key}/{name}"
        if name == shards.SHARD_CARD:
            if card is None and (path / file).is_file():
                yield file, DAMAGED, "it does not say how the shard was made"
            else:
                yield file, *(_of_json(path / file) if card is not None else (MISSING, "it is not there"))
            continue
        if name == shards.MOTION_FILE and (card is None or name not in card.files):
            continue
        status, reason = _of_file(path, file, None if card is None else card.files.get(name))
        if status == UNRECORDED and name == shards.STRIPS_FILE and (path / file).stat().st_size < end:
            status, reason = DAMAGED, f"it has {(path / file).stat().st_size:,} bytes, fewer than {end:,}"
        yield file, status, reason


def _of_file(path: Path, name: str, written: Written | None) -> tuple[str, str]:
    """Return the status of a file and the reason."""
    try:
        file = inside(path, *name.split("/"))
        if not file.is_file():
            return MISSING, "it is not there"
        if written is None:
            return UNRECORDED, _NO_DIGEST
        current = Written.of_file(file)
    except (OSError, CorpusError) as error:
        return DAMAGED, f"it cannot be read ({reason_of(error)})"
    if current.size != written.size:
        return DAMAGED, f"it has {current.size:,} bytes, not {written.size:,}"
    return (OK, "") if current == written else (DAMAGED, "it does not hold what was written to it")


def _of_json(file: Path) -> tuple[str, str]:
    """Return the status of a JSON file that can be parsed, and the reason."""
    changed = is_changed(json.loads(file.read_text(encoding="utf-8")))
    if changed is None:
        return UNRECORDED, _NO_DIGEST
    return (DAMAGED, "it does not hold what was written to it") if changed else (OK, "")


def _check_view(files: storage.Files, name: str) -> None:
    """Raise CorpusError if a value of a view is not finite."""
    _check_finite(files.view(name), f"value of the view {name!r}")


def _check_finite(matrix: NDArray[np.floating[Any]], what: str = "embedding") -> None:
    """Raise CorpusError if a value is not finite."""
    for start in range(0, len(matrix), _ROWS):
        rows = np.isfinite(matrix[start : start + _ROWS]).all(axis=1)
        if not rows.all():
            raise CorpusError(f"The {what} of the clip in row {start + int(np.argmin(rows))} is not finite.")
