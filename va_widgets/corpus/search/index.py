"""An approximate index, for corpora of more than about 5 million clips, where one pass over the matrix takes long.

The rows are sorted into lists of neighbours and kept as four bits a value (Faiss's IVF with a fast-scan quantiser). A
query searches the nearest lists only, and the best of their rows are scored again against the matrix: scores are those
of `exact.nearest`, but a row may be missed. Faiss is an extra, `va-widgets[index]`. Why it and not a graph: a
text lies outside the cone of the clips, where a graph (HNSW, in USearch too) has to visit thousands of rows to find
the nearest, and takes several times as long to build.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from va_widgets.base.disk import sync
from va_widgets.base.errors import CorpusError, SearchUnavailableError, reason_of
from va_widgets.base.paths import open_regular
from va_widgets.base.progress import can_be_shown
from va_widgets.base.system_errors import failure
from va_widgets.corpus.files import leftovers
from va_widgets.corpus.search.exact import best, float32_scores, nearest

_CHUNK = 1 << 14  # rows converted to float32 at a time
_LEAST = 1024  # clips; the quantiser cannot be trained on fewer
_ROWS_A_LIST = 64  # that train the centre of a list
_PROBED = 1 / 4  # of the lists; benchmarks/search.py --index measures the recall
_SAMPLED = 256  # rows that identify a matrix
_MAGIC = b"va-index"
_LENGTH = 8  # bytes of the card's length, before the magic that ends the file


class _Card(msgspec.Struct, frozen=True):
    """The end of an index file: which matrix it was built of, and what precedes it."""

    clips: int
    dim: int
    matrix: str  # digest of some rows
    size: int  # bytes written by Faiss
    check: int  # their CRC-32


class Index:
    """An index in memory, together with its matrix. Made by `build_index` or `open_index`."""

    def __init__(self, lists: Any, embeddings: NDArray[np.float16]) -> None:
        self._lists = lists
        self._embeddings = embeddings

    def nearest(
        self, vector: NDArray[np.floating[Any]], k: int, probed: float = _PROBED
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return about the `k` rows nearest to `vector` (dim,), best first: rows int64 (k,), exact scores float32 (k,).

        `probed` is the share of the lists that is searched, 1 for all. Where these hold too few rows, the result is
        that of `exact.nearest`.
        """
        faiss = _faiss()
        query = np.ascontiguousarray(vector, dtype=np.float32)
        k = max(0, min(k, len(self._embeddings)))
        lists = max(1, min(self._lists.nlist, round(probed * self._lists.nlist)))
        candidates = min(len(self._embeddings), 3 * k + 50)  # at four bits a value the best rows may rank lower
        _, numbers = self._lists.search(query[None], candidates, params=faiss.SearchParametersIVF(nprobe=lists))
        rows = np.unique(numbers[0])
        if len(rows) and rows[-1] >= len(self._embeddings):
            raise CorpusError("The index names clips that are not in the corpus: build it again.")
        rows = rows[rows >= 0]
        if len(rows) < k:
            return nearest(self._embeddings, query, k)
        return best(rows, float32_scores(self._embeddings, query, rows), k)


def build_index(embeddings: NDArray[np.float16], file: Path, *, progress: bool = True) -> Index:
    """Build an index of a matrix (n, dim), which may be memory-mapped, and write it to `file`, whole or not at all.

    It takes about n * (dim / 2 + 8) bytes, in memory too. Raises SearchUnavailableError without Faiss, and CorpusError
    for fewer than 1,024 clips or a file that cannot be written.
    """
    faiss = _faiss()
    clips, dim = embeddings.shape
    if clips < _LEAST:
        raise CorpusError(f"An index needs {_LEAST:,} clips, but these are {clips:,}: search them without one.")
    number = min(round(2 * clips**0.5), clips // _ROWS_A_LIST)
    lists = faiss.IndexIVFPQFastScan(faiss.IndexFlatIP(dim), dim, number, dim, 4, faiss.METRIC_INNER_PRODUCT)
    lists.pq.cp.niter = 8  # enough for sixteen steps a dimension
    with tqdm(total=clips, desc="indexing", unit="clip", disable=not can_be_shown(progress)) as bar:
        sample = np.random.default_rng(0).choice(clips, min(clips, number * _ROWS_A_LIST), replace=False)
        lists.train(np.asarray(embeddings[np.sort(sample)], dtype=np.float32))
        for start in range(0, clips, _CHUNK):
            part = np.asarray(embeddings[start : start + _CHUNK], dtype=np.float32)
            lists.add(part)
            bar.update(len(part))
    number = leftovers.new_number()
    unfinished = leftovers.unfinished(file.parent, number, file.name)
    try:
        leftovers.write_marker(file.parent, number)
        with unfinished.open("xb") as opened:  # by Python: Faiss knows no path that is not UTF-8
            faiss.write_index(lists, faiss.PyCallbackIOWriter(opened.write))
        size = unfinished.stat().st_size
        card = msgspec.json.encode(_Card(clips, dim, _digest(embeddings), size, _check(unfinished, size)))
        with unfinished.open("ab") as opened:
            opened.write(card + len(card).to_bytes(_LENGTH, "little") + _MAGIC)
        sync(unfinished)
        os.replace(unfinished, file)
    except OSError as error:
        raise CorpusError(
            f"The index {file} cannot be written ({reason_of(error)}): check the disk and folder."
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
        leftovers.remove_marker(file.parent, number)
    return open_index(file, embeddings)


def open_index(file: Path, embeddings: NDArray[np.float16]) -> Index:
    """Return the index in `file`, read into memory.

    Raises CorpusError if it was built of another matrix, or is damaged, and SearchUnavailableError without Faiss.
    """
    faiss = _faiss()
    card = _read_card(file)
    if (card.clips, card.dim) != embeddings.shape or card.matrix != _digest(embeddings):
        raise CorpusError(
            f"The index {file} was built of {card.clips} clips of {card.dim} dimensions that are not this corpus's:"
            " build it again."
        )
    try:
        with open_regular(file) as opened:
            lists = faiss.read_index(faiss.PyCallbackIOReader(opened.read))
    except (RuntimeError, OSError) as error:
        raise _unreadable(file, error) from error
    return Index(lists, embeddings)


def _read_card(file: Path) -> _Card:
    try:
        size = file.stat().st_size
        with open_regular(file) as opened:
            opened.seek(max(0, size - _LENGTH - len(_MAGIC)))
            end = opened.read()
            length = int.from_bytes(end[:_LENGTH], "little")
            start = size - len(end) - length
            if end[_LENGTH:] != _MAGIC or start < 0:
                raise _damaged(file)
            opened.seek(start)
            card = msgspec.json.decode(opened.read(length), type=_Card)
    except FileNotFoundError as error:
        raise CorpusError(f"There is no index {file}: build it first.") from error
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise _unreadable(file, error) from error
    if card.size != start or card.check != _check(file, card.size):
        raise _damaged(file)
    return card


def _check(file: Path, size: int) -> int:
    """Return the CRC-32 of the first `size` bytes of a file; Faiss itself reads damaged files without an error."""
    check = 0
    with open_regular(file) as opened:
        while size > 0 and (part := opened.read(min(size, 1 << 22))):
            check = zlib.crc32(part, check)
            size -= len(part)
    return check


def _digest(embeddings: NDArray[np.float16]) -> str:
    step = max(1, len(embeddings) // _SAMPLED)
    return hashlib.sha256(np.ascontiguousarray(embeddings[::step]).tobytes()).hexdigest()[:32]


def _unreadable(file: Path, error: Exception) -> CorpusError:
    failed = failure(f"The index {file}", error)
    return CorpusError(failed) if failed else _damaged(file)


def _damaged(file: Path) -> CorpusError:
    return CorpusError(f"The index {file} is damaged: build it again.")


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise SearchUnavailableError('The index needs Faiss: pip install "va-widgets[index]".') from error
    return faiss
