"""The user's views of the clips of a corpus: further vectors, such as those of a video network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import CorpusError
from va_widgets.corpus import storage
from va_widgets.corpus.ingest.rows import rows_of
from va_widgets.corpus.ingest.vectors import Vectors, VectorSource, read_vectors
from va_widgets.corpus.lock import locked
from va_widgets.corpus.manifest import APPEARANCE, MOTION, SCHEMA_VERSION, VIEW_NAME
from va_widgets.corpus.writing import Writing

_MOST_COLUMNS = 1 << 14


@dataclass(frozen=True)
class NewView:
    """A view that is to be written; `rows` (n,) is the row in the corpus of each vector, None if they are in order."""

    name: str
    vectors: Vectors
    rows: NDArray[np.int64] | None


def read_views(
    views: Mapping[str, VectorSource] | None, clips: pd.Index, labels: pd.Index | None = None
) -> list[NewView]:
    """Return views by their names, each with one vector for each of the `clips`; nothing of their values is read yet.

    `labels` is the index of the table that the clips came with. Raises CorpusError for the first that is refused.
    """
    if views is None:
        return []
    views = arguments.instance(views, Mapping, "views", "a mapping {name: vectors}", error=CorpusError)
    return [read_view(name, vectors, clips, labels) for name, vectors in views.items()]


def read_view(name: str, source: VectorSource | None, clips: pd.Index, labels: pd.Index | None = None) -> NewView:
    """Return a view with one vector for each of the `clips`. Raises CorpusError for a name or vectors that are refused.

    Motion is only taken in the columns that are measured here, such as the motion view of another corpus: others could
    neither be read as numbers, nor grow with the corpus.
    """
    checked_name(name)
    if source is None:
        raise CorpusError(f"The view {name!r} needs vectors, one a clip: only {MOTION!r} is measured without any.")
    what = f"values of the view {name!r}"
    vectors = read_vectors(source, what)
    n, dim = vectors.shape
    if dim > _MOST_COLUMNS:
        raise CorpusError(f"The view {name!r} has {dim:,} columns: reduce them to {_MOST_COLUMNS:,} at most.")
    if vectors.ids is None and n != len(clips):
        raise CorpusError(f"The view {name!r} has {n:,} rows for {len(clips):,} clips: give one row a clip.")
    if name == MOTION:
        from va_widgets.video.motion.features import FEATURES

        if dim != len(FEATURES):
            raise CorpusError(
                f"The view {MOTION!r} has {len(FEATURES)} columns, which va-widgets measures, not {dim}: give yours"
                ' another name, or let corpus.add_view("motion") measure it.'
            )
    return NewView(name, vectors, None if vectors.ids is None else rows_of(vectors, vectors.ids, clips, labels, ""))


def checked_name(name: object, *, motion: bool = True) -> str:
    """Return the name of a view that the user adds, which may be "motion" or not. Raises CorpusError for any other."""
    name = arguments.text(name, "The name of a view", error=CorpusError)
    if name == APPEARANCE:
        raise CorpusError(f"The view {APPEARANCE!r} is the corpus's embeddings: give yours another name.")
    if name == MOTION and not motion:
        raise CorpusError(f"The view {MOTION!r} is measured here: give yours another name.")
    if not re.fullmatch(VIEW_NAME, name):
        raise CorpusError(
            f"A view cannot be called {described(name)}: take up to 50 letters without accents, digits, _ and -, the"
            " first of them no sign."
        )
    return name


def write_view(writing: Writing, view: NewView, clips: pd.Index) -> str:
    """Write a view. Return the file's name.

    Values stay float16 where they are, and in the motion view; all others become float32. Raises CorpusError for the
    first row with a value that is not finite.
    """
    is_half = view.vectors.dtype == np.float16 or view.name == MOTION
    kind: type[np.floating[Any]] = np.float16 if is_half else np.float32
    name, matrix = writing.view(*view.vectors.shape, kind)
    done = 0
    for block in view.vectors.blocks():
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
            values = block.astype(matrix.dtype)
        target = slice(done, done + len(block))
        rows = np.arange(done, done + len(block)) if view.rows is None else view.rows[target]
        bad = ~np.isfinite(values).all(axis=1)
        if bad.any():
            row = int(np.argmax(bad))
            raise CorpusError(
                f"The view {view.name!r} has a value that is not finite, or too large for {matrix.dtype.name}, in row"
                f" {done + row}, of clip {str(clips[rows[row]])!r}: replace it."
            )
        matrix[target if view.rows is None else rows] = values
        done += len(block)
    return name


def add_view(path: Path, name: str, source: VectorSource | None, clips: pd.Index) -> None:
    """Add a view to the corpus in `path`, or replace one; `clips` are the ids of its clips when it was opened.

    Raises CorpusError if the view is refused, a build is running, or the corpus has other clips by now.
    """
    view = read_view(name, source, clips)
    with locked(path), Writing(path) as writing:
        files = storage.open_files(path)
        if not files.read_clips().index.equals(clips):
            raise CorpusError(f"The corpus in {path} has other clips since it was opened: open it again for new views.")
        written = {view.name: write_view(writing, view, clips)}
        manifest = msgspec.structs.replace(
            files.manifest, schema=SCHEMA_VERSION, views={**files.manifest.views, **written}
        )
        if name == MOTION:
            from va_widgets.video.motion.features import MOTION_VERSION

            manifest = msgspec.structs.replace(manifest, motion_version=MOTION_VERSION)
        writing.finish(manifest)
