"""The folder that scores are written to: Parquet, partitioned by corpus as Hive does, for pandas, DuckDB and Arrow.

    scores/
      _scores.json                    what is here, for people and programs; readers of data sets skip it
      corpus=films/scores.parquet     a row a clip: clip_id, and a float32 column for each model, called as in queries

The metadata of a model's column are its name, version, threshold and digest. A file is written beside the former one
and takes its place as a whole.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from va_widgets.base.disk import sync, sync_folder
from va_widgets.base.errors import ScoresError, reason_of
from va_widgets.base.paths import exists, inside, is_folder, open_regular, replacing
from va_widgets.base.system_errors import failure

CLIP_ID = "clip_id"
SCORES_FILE = "scores.parquet"
SUMMARY_FILE = "_scores.json"
SCHEMA_VERSION = 1
PARTITION = "corpus"
_LOCK_FILE = ".lock"
_UNFINISHED = re.compile(r"\.unfinished-[0-9a-f]{32}")  # of `paths.replacing`, in a call that was killed
_METADATA = b"va_widgets"
_LARGEST_SUMMARY = 1 << 26  # bytes
_DAMAGE = (OSError, ValueError, KeyError, TypeError, RecursionError, pa.ArrowException, msgspec.MsgspecError)


class _Facts(msgspec.Struct):
    """What a file says of its corpus, as `score_plan` writes and reads it."""

    path: str
    encoder: str
    neighbours: bool
    sample: dict[str, dict[str, int]]
    digests: dict[str, tuple[str, int]] = {}


@dataclass(frozen=True)
class StoredScores:
    """What a file of scores holds.

    `models` are the metadata of the models' columns by column, `facts` what was written about the corpus. Columns are
    read one by one: together they may be larger than the memory.
    """

    file: Path
    clips: pd.Index
    models: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, Any]

    def column(self, name: str) -> NDArray[np.float32]:
        """Return the scores of a model, float32 (n,), NaN for clips that it has not scored.

        Raises ScoresError if they are damaged.
        """
        with _damage_told(self.file), open_regular(self.file) as opened:
            column = pq.ParquetFile(opened).read(columns=[name])[name]
            scores: NDArray[np.float32] = column.to_numpy().astype(np.float32, copy=True)
            return scores


class ScoresFolder:
    """A folder of scores, which is made if there is none. Use it inside `opened`, which locks it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Lock the folder for one writer.

        Raises ScoresError if it is not one of scores, another process is writing to it, or it cannot be written to.
        """
        self._check_own()
        with self.writing():
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                with FileLock(self.path / _LOCK_FILE, timeout=0):
                    self._clear_unfinished()
                    self._write_summary()
                    try:
                        yield
                    except BaseException:
                        with suppress(OSError):  # such as a full disk, which has ended the block, too
                            self._write_summary()
                        raise
                    self._write_summary()
            except Timeout as error:
                raise ScoresError(
                    f"Another va.score is writing to {self.path}: wait until it is done, or give another folder."
                ) from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn errors of the system into a ScoresError that names the folder."""
        try:
            yield
        except OSError as error:
            raise ScoresError(
                failure(f"The folder of scores {self.path}", error)
                or f"The folder of scores {self.path} cannot be used ({reason_of(error)}): give another one."
            ) from error

    def file(self, name: str) -> Path:
        """Return the path of the scores of a corpus. Raises ScoresError if a link leads out of the folder."""
        return inside(self.path, f"{PARTITION}={name}", SCORES_FILE, error=ScoresError)

    def read(self, name: str) -> StoredScores | None:
        """Return the scores of a corpus; None if there are none. Raises ScoresError if they are damaged."""
        file = self.file(name)
        if not exists(file):
            return None
        with _damage_told(file), open_regular(file) as opened:
            return _checked(file, pq.ParquetFile(opened))

    def write(
        self,
        name: str,
        models: Mapping[str, Mapping[str, Any]],
        facts: Mapping[str, Any],
        blocks: Iterable[tuple[pd.Index, Mapping[str, NDArray[np.float32]]]],
    ) -> None:
        """Write the scores of a corpus as a whole, a row group for each block of (clip ids, {column: scores}).

        NaN is written as null: not scored.
        """
        schema = pa.schema(
            [
                pa.field(CLIP_ID, pa.string(), nullable=False),
                *(pa.field(slug, pa.float32(), metadata=_encoded(facts)) for slug, facts in models.items()),
            ],
            metadata={_METADATA: json.dumps({"schema": SCHEMA_VERSION, **facts})},
        )
        file = self.file(name)
        file.parent.mkdir(exist_ok=True)
        with replacing(file) as unfinished:
            with unfinished.open("wb") as opened, pq.ParquetWriter(opened, schema, use_dictionary=False) as writer:
                for clips, columns in blocks:
                    arrays = [pa.array(columns[slug], mask=np.isnan(columns[slug])) for slug in models]
                    writer.write_table(pa.table([pa.array(clips, pa.string()), *arrays], schema=schema))
            sync(unfinished)
        sync_folder(file.parent)

    def _check_own(self) -> None:
        """Raise ScoresError if there is something other than a folder of scores."""
        if not os.path.lexists(self.path):
            return
        if not is_folder(self.path):
            raise ScoresError(f"Scores are written to a folder, but {self.path} is a file: give another path.")
        with self.writing():
            others = [entry.name for entry in self.path.iterdir() if not _is_passing(entry.name)]
        if others and SUMMARY_FILE not in others:
            raise ScoresError(
                f"The folder {self.path} holds other files ({others[0]}), and no scores: give a new or an empty folder."
            )
        if others:
            self._check_summary()

    def _check_summary(self) -> None:
        file = inside(self.path, SUMMARY_FILE, error=ScoresError)
        try:
            with open_regular(file) as opened:
                schema = json.loads(opened.read(_LARGEST_SUMMARY))["schema"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ScoresError(
                failure(str(file), error)
                or f"The folder {self.path} is not one of scores ({file.name} cannot be read): give another one."
            ) from error
        if schema != SCHEMA_VERSION:
            raise ScoresError(
                f"The scores in {self.path} were written by another va-widgets (schema {schema}, known here:"
                f" {SCHEMA_VERSION}): give another folder."
            )

    def _clear_unfinished(self) -> None:
        """Remove what a call that was killed has left."""
        for folder in [self.path, *self._partitions()]:
            for entry in folder.iterdir():
                if _UNFINISHED.fullmatch(entry.name):
                    entry.unlink(missing_ok=True)

    def _partitions(self) -> list[Path]:
        """Return the folders of corpora, without links: these may lead anywhere."""
        return sorted(entry for entry in self.path.glob(f"{PARTITION}=*") if entry.is_dir() and not entry.is_symlink())

    def _write_summary(self) -> None:
        """Write what all files of scores say of themselves."""
        corpora = {}
        for folder in self._partitions():
            try:
                with open_regular(inside(folder, SCORES_FILE, error=ScoresError)) as opened:
                    parquet = pq.ParquetFile(opened)
                    models, facts = _metadata(parquet.schema_arrow)
                    about = {"path": facts["path"], "encoder": facts["encoder"], "clips": parquet.metadata.num_rows}
            except _DAMAGE:
                continue  # there is none yet, or a damaged one, which `read` refuses when the corpus is scored
            corpora[folder.name.removeprefix(f"{PARTITION}=")] = about | {"models": models}
        text = json.dumps({"schema": SCHEMA_VERSION, "corpora": corpora}, indent=1, ensure_ascii=False)
        with replacing(self.path / SUMMARY_FILE) as unfinished:
            unfinished.write_text(text + "\n", encoding="utf-8")
            sync(unfinished)


def _is_passing(name: str) -> bool:
    """Return whether a file is there while a folder is written to, and after a call was killed."""
    return name == _LOCK_FILE or _UNFINISHED.fullmatch(name) is not None


def _encoded(facts: Mapping[str, Any]) -> dict[str, str]:
    return {key: json.dumps(value, ensure_ascii=False) for key, value in facts.items()}


def _metadata(schema: pa.Schema) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return what a file says of its models and of its corpus. Raises what other content leads to."""
    facts = json.loads((schema.metadata or {})[_METADATA])
    if facts["schema"] != SCHEMA_VERSION:
        raise ValueError(f"it has the schema {facts['schema']}, known here is {SCHEMA_VERSION}")
    msgspec.convert(facts, _Facts)
    models = {}
    for field in schema:
        if field.name != CLIP_ID:
            models[field.name] = {key.decode(): json.loads(value) for key, value in (field.metadata or {}).items()}
    return models, facts


@contextmanager
def _damage_told(file: Path) -> Iterator[None]:
    """Turn what damaged scores lead to into a ScoresError."""
    try:
        yield
    except _DAMAGE as error:
        raise ScoresError(
            failure(str(file), error)
            or f"The scores in {file} are damaged ({reason_of(error).splitlines()[0]}): delete the file and score the"
            " corpus again."
        ) from error


def _checked(file: Path, parquet: pq.ParquetFile) -> StoredScores:
    """Return the content of a file of scores. Raises ValueError or KeyError for any other."""
    schema = parquet.schema_arrow
    models, facts = _metadata(schema)
    ids = parquet.read(columns=[CLIP_ID])[CLIP_ID]
    clips = pd.Index(ids.to_pandas())
    if ids.type != pa.string() or not clips.is_unique:
        raise ValueError("its clip ids are no texts that differ")
    for name in models:
        if schema.field(name).type != pa.float32():
            raise ValueError(f"the column {name} is no float32")
    return StoredScores(file, clips, models, facts)
