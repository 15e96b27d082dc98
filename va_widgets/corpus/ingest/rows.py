"""The clips that the user's vectors belong to, by the ids that both carry."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.arguments import listed
from va_widgets.base.errors import CorpusError
from va_widgets.corpus.ingest.vectors import ID_COLUMNS, Vectors
from va_widgets.corpus.user_tables.ids import id_texts

BY_ROW = "give the vectors alone as an array, one a row of the table"


def rows_of(
    vectors: Vectors, vector_ids: pd.Index, clips: pd.Index, labels: pd.Index | None, origin: str
) -> NDArray[np.int64] | None:
    """Return the row of the table that each vector belongs to, by the clips' ids; None if that is its own row.

    `vector_ids` are the ids of the vectors, and `labels` the index that the table came with. Where both are equal, and
    no ids of clips, they are rows of one former table, so that vectors and clips belong together row by row.

    Raises CorpusError if the vectors do not have exactly the ids of the clips, or if rows and ids contradict.
    """
    name = vectors.name
    where = f" of {name[:1].lower()}{name[1:]}" if name.startswith("The ") else f" of {name}"
    ids = id_texts(vector_ids, where)
    rows = clips.get_indexer(ids)
    same_labels = vector_ids.name not in ID_COLUMNS and labels is not None and vector_ids.equals(labels)
    if same_labels and (rows < 0).all():
        return None
    has_vector = np.zeros(len(clips), dtype=np.bool_)
    has_vector[rows[rows >= 0]] = True
    unknown, lacking = ids[rows < 0].tolist(), clips[~has_vector].tolist()
    if unknown:
        raise CorpusError(
            f"{len(unknown)} of the {len(ids)} ids{where} are not in the table of clips{origin} ({listed(unknown)}):"
            f" give both the same ids, or {BY_ROW}."
        )
    if lacking:
        raise CorpusError(
            f"{len(lacking)} of the {len(clips)} clips{origin} have no vector{where} ({listed(lacking)}): leave them"
            " out, or add their vectors."
        )
    if np.array_equal(rows, np.arange(len(rows))):
        return None
    if same_labels:
        raise CorpusError(
            f"The index{where} is that of the table of clips{origin}, too, but holds its clip ids in another order:"
            f" call it clip_id if these are ids, or {BY_ROW}."
        )
    return rows.astype(np.int64)
