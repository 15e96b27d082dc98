"""The user's columns are added to the clips of a corpus."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.errors import CorpusError
from va_widgets.base.progress import Progress
from va_widgets.corpus.lock import locked
from va_widgets.corpus.manifest import COLUMNS, Manifest, read_manifest
from va_widgets.corpus.user_tables.columns import check_columns, joined
from va_widgets.corpus.user_tables.encoding import encodable
from va_widgets.corpus.user_tables.ids import index_by_clip
from va_widgets.corpus.user_tables.read import check_names
from va_widgets.corpus.writing import Writing


def with_columns(clips: pd.DataFrame, columns: pd.DataFrame) -> pd.DataFrame:
    """Return the table of clips with the user's columns, which replace those of the same names.

    Rows for clips that the corpus does not have are left out, which is written in one line. Raises CorpusError for
    columns that cannot be joined to the clips.
    """
    expected = "a DataFrame indexed by clip_id"
    columns = arguments.instance(columns, pd.DataFrame, "The columns to add", expected, error=CorpusError)
    check_names(columns.columns, own=COLUMNS)
    table = index_by_clip(encodable(columns.copy()))
    known = table.index.isin(clips.index)
    if len(table) and not known.any():
        raise CorpusError("The columns to add name no clip of this corpus: index their table by clip_id.")
    check_columns(table[known])
    if not known.all():
        names = arguments.listed(table.index[~known].tolist())
        message = f"{np.count_nonzero(~known)} of the {len(table)} rows are of no clip of this corpus ({names})"
        Progress(0, 0, shown=True).note(f"{message}: they are left out.")
    kept = clips.drop(columns=[name for name in table.columns if name in clips.columns])
    return joined(kept, table[known])


def replace_clips(path: Path, manifest: Manifest, clips: pd.DataFrame) -> Manifest:
    """Write the table of clips of a corpus, which has other columns, and return the new manifest.

    Raises CorpusError if a build is running, or has changed the corpus since `manifest` was read.
    """
    with locked(path), Writing(path) as writing:
        if read_manifest(path) != manifest:
            raise CorpusError(f"The corpus in {path} has changed since it was opened: open it again for new columns.")
        return writing.finish(msgspec.structs.replace(manifest, clips_file=writing.clips(clips)))
