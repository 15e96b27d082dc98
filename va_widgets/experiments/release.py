"""Read VA's published release: 504,030 shots, 56 concepts, labels of three annotators and of the baselines.

embeddings.h5                 dataset "embeddings", float32 (n, dim); row i is row i of shot-data.csv
shot-data.csv                 key, yt_id, desc, genre, frame_in, frame_out, start, end, fps, cluster_index
text-embeddings.json          {label or query: [dim floats]}
queries.json                  {label: [queries]}
agg/<label>.json              the labels of all annotators and their majority
checkpoints/<label>.json      the primary annotator's data set after each rebuild
cmp/<label>.json              labels of random clips and of the top zero-shot clips
ave/validation/<label>.json   {"pos": [keys], "neg": [keys]}
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.arguments import described
from va_widgets.base.errors import CorpusError, reason_of
from va_widgets.base.paths import GivenPath, absolute_path, is_folder
from va_widgets.base.system_errors import failure
from va_widgets.base.texts import counted
from va_widgets.corpus import Corpus
from va_widgets.corpus.ingest.vectors import read_vectors
from va_widgets.corpus.manifest import MANIFEST_FILE
from va_widgets.corpus.user_tables.read import read_table

__all__ = ["Release", "open_release"]

CORPUS_FOLDER = "va-corpus"
_EMBEDDINGS_FILE, _SHOTS_FILE = "embeddings.h5", "shot-data.csv"
_TEXTS_FILE, _QUERIES_FILE = "text-embeddings.json", "queries.json"
_LABELS, _CHECKPOINTS, _COMPARISON, _VALIDATION = "agg", "checkpoints", "cmp", "ave/validation"
# The columns of shot-data.csv, with their names in a corpus.
_COLUMNS = {
    "key": "clip_id", "yt_id": "video", "start": "start", "end": "end", "fps": "fps", "frame_in": "frame_in",
    "frame_out": "frame_out", "cluster_index": "cluster", "desc": "desc", "genre": "genre",
}  # fmt: skip

_T = TypeVar("_T")


class _Vote(msgspec.Struct):
    key: str
    primary: bool
    secondaries: dict[str, bool]
    agg: bool
    pos_cnt: int


class _Votes(msgspec.Struct):
    primary: str
    secondaries: list[str]
    data: list[_Vote]


class _Split(msgspec.Struct):
    pos: list[str]
    neg: list[str]


class _Answer(msgspec.Struct):
    key: str
    value: bool


class _Answers(msgspec.Struct):
    random: list[_Answer]
    zero_shot: list[_Answer]


class Release:
    """VA's release, as `open_release` returns it. Each method reads its file when it is called.

    All methods raise CorpusError if the file is missing or damaged, has shots that are not in shot-data.csv, or has one
    shot both as a positive and as a negative.
    """

    def __init__(self, folder: Path, corpus: Corpus) -> None:
        self.folder = folder
        self.corpus = corpus

    def __repr__(self) -> str:
        return f"Release({str(self.folder)!r}: {counted(len(self.corpus), 'shot')})"

    @property
    def concepts(self) -> list[str]:
        """The names of all concepts that have labels, sorted."""
        names = self._names(_LABELS)
        if not names:
            raise CorpusError(f"The release in {self.folder} has no labels ({_LABELS}/*.json): copy all of it.")
        return names

    @property
    def queries(self) -> dict[str, list[str]]:
        """The annotators' search texts, by concept."""
        content = _read_json(self.folder / _QUERIES_FILE, dict[str, list[str] | str])
        return {concept: [texts] if isinstance(texts, str) else texts for concept, texts in content.items()}

    def annotators(self, concept: str) -> list[str]:
        """Return the names of a concept's annotators: the primary one, then the others."""
        votes = _read_json(self._file(_LABELS, concept), _Votes)
        return [votes.primary, *votes.secondaries]

    def labels(self, concept: str) -> pd.DataFrame:
        """Return all annotators' labels: DataFrame(primary, one column per secondary annotator, agg, pos_cnt).

        It is indexed by key. Labels are bool, `agg` is the majority's, and `pos_cnt` is the number of positive labels.
        """
        file = self._file(_LABELS, concept)
        votes = _read_json(file, _Votes)
        columns = ["primary", *votes.secondaries, "agg", "pos_cnt"]
        if len(set(columns)) < len(columns):
            raise CorpusError(
                f"{file} names its annotators {_listed(votes.secondaries)}: each needs a name of its own."
            )
        for vote in votes.data:
            if set(vote.secondaries) != set(votes.secondaries):
                raise CorpusError(f"{file} lacks an annotator's answer for {vote.key!r}: copy it again.")
        table = self._by_key(file, [vote.key for vote in votes.data], [vote.agg for vote in votes.data], "agg")
        table["primary"] = np.array([vote.primary for vote in votes.data], dtype=np.bool_)
        for name in votes.secondaries:
            table[name] = np.array([vote.secondaries[name] for vote in votes.data], dtype=np.bool_)
        table["pos_cnt"] = np.array([vote.pos_cnt for vote in votes.data], dtype=np.int64)
        return _without_repeats(table[columns])

    def checkpoints(self, concept: str) -> list[pd.DataFrame]:
        """Return the primary annotator's data sets after each rebuild, in order: DataFrame(value bool), by key."""
        file = self._file(_CHECKPOINTS, concept)
        return [_without_repeats(self._split(file, split)) for split in _read_json(file, list[_Split])]

    def comparison(self, concept: str) -> dict[str, pd.DataFrame]:
        """Return the baselines' labels in the order of labelling: {baseline: DataFrame(value bool), by key}.

        "random" has labels of random clips, "zero_shot" of the clips nearest to the text.
        """
        file = self._file(_COMPARISON, concept)
        content = _read_json(file, _Answers)
        return {
            name: self._by_key(file, [answer.key for answer in answers], [answer.value for answer in answers])
            for name, answers in (("random", content.random), ("zero_shot", content.zero_shot))
        }

    def validation(self, concept: str) -> tuple[list[str], list[str]]:
        """Return the keys of the positives and of the negatives in the validation part of the AVE data set."""
        file = self._file(_VALIDATION, concept)
        split = _read_json(file, _Split)
        self._split(file, split)  # raises CorpusError for unknown or contradictory keys
        return split.pos, split.neg

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
        """Return the vectors of some shots as embeddings.h5 has them, neither normalised nor rounded, (k, dim).

        `rows` are rows of the corpus, ascending. The file is read from its beginning to its end.
        """
        source = read_vectors(self.folder / _EMBEDDINGS_FILE)
        vectors = np.empty((len(rows), source.shape[1]), dtype=source.dtype)
        done = 0
        for block in source.blocks():
            first, last = np.searchsorted(rows, (done, done + len(block)))
            vectors[first:last] = block[rows[first:last] - done]
            done += len(block)
        return vectors

    def text_vectors(self) -> dict[str, NDArray[np.float64]]:
        """Return the vectors of texts as text-embeddings.json has them, float64 (dim,); {} without that file."""
        file = self.folder / _TEXTS_FILE
        if not file.exists():
            return {}
        return {text: np.array(vector) for text, vector in _read_json(file, dict[str, list[float]]).items()}

    def _names(self, part: str) -> list[str]:
        return sorted(file.stem for file in (self.folder / part).glob("*.json"))

    def _file(self, part: str, concept: str) -> Path:
        """Return the file of a concept in one part of the release."""
        # A name with separators, or "..", would lead out of the folder.
        if not isinstance(concept, str) or concept in ("", ".", "..") or any(char in concept for char in "/\\:\0"):
            raise CorpusError(f"{described(concept)} cannot be the name of a concept: see release.concepts.")
        file = self.folder / part / f"{concept}.json"
        if not file.is_file():
            names = self._names(part)
            raise CorpusError(f"There is no {part}/{concept}.json in {self.folder}: it has {_listed(names)} there.")
        return file

    def _split(self, file: Path, split: _Split) -> pd.DataFrame:
        return self._by_key(file, [*split.pos, *split.neg], [True] * len(split.pos) + [False] * len(split.neg))

    def _by_key(self, file: Path, keys: Sequence[str], values: Sequence[bool], name: str = "value") -> pd.DataFrame:
        """Return labels as a table by key. Raises CorpusError for unknown keys and for contradictory labels."""
        index = pd.Index(np.array(keys, dtype=object), name="key")
        unknown = self.corpus.clips.index.get_indexer(index) < 0
        if unknown.any():
            raise CorpusError(
                f"{file} names the shot {index[unknown][0]!r}, which {_SHOTS_FILE} does not: copy both again."
            )
        table = pd.DataFrame({name: np.array(values, dtype=np.bool_)}, index=index)
        positives = index[table[name]]
        both = positives.isin(index[~table[name]])
        if both.any():
            raise CorpusError(f"{file} calls {positives[both][0]!r} both a positive and a negative: copy it again.")
        return table


def open_release(folder: GivenPath, path: GivenPath | None = None) -> Release:
    """Open VA's release. The first call builds its corpus, which takes about a minute; later calls open it.

    Parameters
    ----------
    folder : path
        The folder of the unpacked release, with embeddings.h5, shot-data.csv, and as many of the other files as you
        need.
    path : path
        The corpus's folder; `va-corpus` in the release's folder if not given.

    The corpus's clip_id is the release's key, its video the YouTube id, its cluster the release's; `desc` and `genre`
    are columns. It can be searched for the labels and queries in text-embeddings.json, and has no images.

    Raises CorpusError if the folder is no release, its files are damaged or do not belong together, the corpus cannot
    be written, or `path` holds another corpus.
    """
    home = absolute_path(folder, name="The release's folder")
    if not is_folder(home):
        raise CorpusError(f"There is no folder {home}: unpack VA's release and give its folder.")
    for name in (_EMBEDDINGS_FILE, _SHOTS_FILE):
        if not (home / name).is_file():
            raise CorpusError(f"{home} is not VA's release, because it has no {name}: give the folder that has it.")
    corpus_path = home / CORPUS_FOLDER if path is None else absolute_path(path, name="The corpus's folder")
    shots = read_table(home / _SHOTS_FILE, list(_COLUMNS), text=("key", "yt_id", "desc"))
    if (corpus_path / MANIFEST_FILE).exists():
        corpus = Corpus.open(corpus_path)
        if not np.array_equal(np.asarray(corpus.clips.index), np.asarray(shots["key"])):
            raise CorpusError(
                f"{corpus_path} holds a corpus of other shots than {home}: give open_release another path."
            )
    else:
        corpus = _build_corpus(home, corpus_path, shots)
    return Release(home, corpus)


def _build_corpus(home: Path, corpus_path: Path, shots: pd.DataFrame) -> Corpus:
    vectors = read_vectors(home / _EMBEDDINGS_FILE)
    if len(vectors) != len(shots):
        raise CorpusError(
            f"{home} has {len(vectors)} vectors in {_EMBEDDINGS_FILE} but {len(shots)} shots in {_SHOTS_FILE}: copy"
            " both again."
        )
    texts: dict[str, NDArray[Any]] | None = None
    if (home / _TEXTS_FILE).exists():
        content = _read_json(home / _TEXTS_FILE, dict[str, list[float]])
        texts = {text: np.array(vector, dtype=np.float32) for text, vector in content.items()}
    clips = shots[list(_COLUMNS)].rename(columns=_COLUMNS)
    try:
        return Corpus.from_embeddings(corpus_path, vectors, clips, text_embeddings=texts)
    except CorpusError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        raise CorpusError(
            f"The corpus of the release cannot be written to {corpus_path} ({reason_of(error.__cause__)}): give"
            " open_release a path where it can."
        ) from error


def _read_json(file: Path, kind: type[_T]) -> _T:
    """Read a JSON file as a value of type `kind`. Raises CorpusError if it is missing or has other content."""
    if not file.is_file():
        raise CorpusError(f"There is no {file.name} in {file.parent}: copy all of the release.")
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (msgspec.MsgspecError, ValueError, OSError) as error:
        raise CorpusError(
            failure(str(file), error) or f"{file} is damaged ({error}): copy it from the release again."
        ) from error


def _listed(names: Sequence[str]) -> str:
    """Return up to eight names as one text."""
    return (", ".join(names[:8]) or "none") + (" …" if len(names) > 8 else "")


def _without_repeats(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the first row of each key."""
    return table[~table.index.duplicated()]
