"""The ids of clips in tables of the user's."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import CorpusError
from va_widgets.corpus.user_tables.encoding import holds_texts, is_encodable


def index_by_clip(
    table: pd.DataFrame, origin: str = "", number: Callable[[int], int] = lambda row: row + 2
) -> pd.DataFrame:
    """Return a table indexed by the ids of its clips as text: those in its column clip_id, or else its index.

    `number` returns what people call a row: by default as if the table's header were row 1 of a spreadsheet.

    Raises CorpusError for an index of several levels, for an index and a column that are both called clip_id and
    differ, and for what `id_texts` refuses.
    """
    _check_one_level(table.index, origin)
    if "clip_id" in table.columns:
        check_same_ids(table, origin)
        table = table.set_index("clip_id")
    table = table.copy(deep=False)
    table.index = id_texts(table.index, origin, number)
    return table


def id_texts(ids: pd.Index, origin: str = "", number: Callable[[int], int] = int) -> pd.Index:
    """Return ids of clips as text; numbers become their digits. `number` returns what people call a row.

    Raises CorpusError for an index of several levels, and for an id that is missing, blank, neither text nor a number,
    not valid Unicode, or repeated.
    """
    _check_one_level(ids, origin)
    ids = ids.astype(object) if isinstance(ids.dtype, pd.CategoricalDtype) else ids
    bad: NDArray[np.bool_] = np.asarray(ids.isna(), dtype=np.bool_)
    if not bad.any() and ids.dtype == object and not holds_texts(ids):
        odd = next((id_ for id_ in ids if isinstance(id_, bool) or not isinstance(id_, (str, Real))), None)
        if odd is not None:
            raise CorpusError(f"A clip id{origin} must be a text, not {described(odd)}: give the clip another.")
    if not bad.any() and not is_encodable(ids):
        broken = next(id_ for id_ in ids if not is_encodable(pd.Index([id_], dtype=object)))
        raise CorpusError(f"The clip id {described(broken)}{origin} is not valid Unicode: give the clip another.")
    texts = (ids if bad.any() else ids.astype(str)).set_names("clip_id")
    bad = bad if bad.any() else np.asarray(texts.str.strip() == "", dtype=np.bool_)
    if bad.any():
        row = number(int(np.argmax(bad)))
        raise CorpusError(f"The clip in row {row}{origin} has no id: every clip needs one of its own.")
    if not texts.is_unique:
        repeated = texts[texts.duplicated()].unique().tolist()
        word = "The clip id" if len(repeated) == 1 else "The clip ids"
        comes = "comes twice" if len(repeated) == 1 else "come twice"
        raise CorpusError(f"{word} {arguments.listed(repeated)}{origin} {comes}: every clip needs one of its own.")
    return texts


def check_same_ids(table: pd.DataFrame, origin: str) -> None:
    """Raise CorpusError if an index and a column are both called clip_id and differ."""
    if "clip_id" not in table.index.names or "clip_id" not in table.columns:
        return
    index = pd.Series(table.index.get_level_values("clip_id"), dtype=object)
    column = table["clip_id"].astype(object).reset_index(drop=True)
    differs = ~((index == column) | (index.isna() & column.isna())).to_numpy(dtype=np.bool_)
    if differs.any():
        row = int(np.argmax(differs))
        raise CorpusError(
            f"The index and the column clip_id{origin} differ, as in row {row + 2} ({described(index[row])} and"
            f" {described(column[row])}): keep one of them."
        )


def _check_one_level(index: pd.Index, origin: str) -> None:
    if index.nlevels > 1:
        raise CorpusError(f"The index{origin} has {index.nlevels} levels: index the table by clip_id alone.")
