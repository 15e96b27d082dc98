"""Export: labels, or the whole log, as a file or a folder of another program's format."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from shutil import rmtree

import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.errors import ExchangeError, LabelError, reason_of
from va_widgets.base.paths import GivenPath, absolute_path, exists, inside, is_folder, replacing
from va_widgets.base.system_errors import failure
from va_widgets.corpus.open_corpus import OpenCorpus
from va_widgets.exchange.content import Content, gathered
from va_widgets.exchange.opened import opened
from va_widgets.exchange.registry import FORMATS, format_for_writing
from va_widgets.exchange.results import Exported
from va_widgets.labels.label_store import LABELS_FILE
from va_widgets.labels.shared import StoreUser

_NEVER_OWN = (".csv", ".jsonl", ".ndjson")  # suffixes that no file of a corpus has


def export(
    corpus: OpenCorpus | GivenPath,
    path: GivenPath,
    format: str | None = None,
    concepts: Iterable[str] | str | None = None,
    *,
    annotators: bool = True,
    log: bool = False,
    agreed: bool = False,
) -> Exported:
    """Write the labels of a corpus as a file or folder of another program's format. A former file is replaced.

    Parameters
    ----------
    corpus : Corpus, or the path of one
    path : path
        A file, or for some formats a folder, which must not be there yet or be empty.
    format : str
        One of `va_widgets.exchange.registry.FORMATS`; without it the suffix decides.
    concepts : names
        All of the corpus if not given.
    annotators : bool
        False puts "annotator 1", "annotator 2", … in the place of annotators' names. Notes and guidelines stay as
        people wrote them.
    log : bool
        Every event, remark and event of a concept, oldest first, instead of the present labels; for csv, parquet,
        jsonl and datasets.
    agreed : bool
        One label a clip, on which most annotators agree, instead of each annotator's. Clips with a tie have "tie" in
        tables and are left out of other formats.

    Texts that a spreadsheet would compute begin with an apostrophe in CSV files.

    Raises ExchangeError, and then writes nothing, if there are no labels or no such concept, the format does not hold
    what is asked for, or the file cannot be written.
    """
    target = absolute_path(path, ExchangeError, "The file to write")
    name = format_for_writing(target, format)
    kind = FORMATS[name]
    if log and not kind.log:
        holding = ", ".join(other for other in FORMATS if FORMATS[other].log)
        raise ExchangeError(f"The format {name} holds labels, not the log: use one of {holding}.")
    corpus = opened(corpus)
    _refuse_own_files(corpus.path, target)
    content = content_of(
        corpus, concepts, annotators=annotators, log=log, agreed=agreed or not kind.each, history=kind.history
    )
    files, notes = kind.write(content)
    notes = [*content.notes, *notes]
    if not agreed and content.voters > 1:
        notes = [f"{name} holds one label a clip: it is what most annotators agree on.", *notes]
    if content.guidelines and not log and name in ("csv", "parquet", "jsonl"):
        notes = [*notes, f"{name} holds guidelines only in the log."]
    try:
        written = _write_folder(target, files) if kind.folder else _write_files(target, files)
    except OSError as error:
        raise ExchangeError(
            failure(str(target), error)
            or f"The labels cannot be written to {target} ({reason_of(error)}): give another path."
        ) from error
    return Exported(target, written, name, len(content.rows), content.concepts, content.annotators, notes)


def table(
    corpus: OpenCorpus | GivenPath,
    concepts: Iterable[str] | str | None = None,
    *,
    annotators: bool = True,
    log: bool = False,
    agreed: bool = False,
) -> pd.DataFrame:
    """Return the labels of a corpus as a DataFrame, a row a label; the arguments are those of `export`.

    Its columns are `va_widgets.exchange.content.LABEL_COLUMNS`, of the log `LOG_COLUMNS`. `import_` takes such tables.
    """
    content = content_of(corpus, concepts, annotators=annotators, log=log, agreed=agreed)
    return content.rows.drop(columns="annotator") if agreed and not log else content.rows


def content_of(
    corpus: OpenCorpus | GivenPath,
    concepts: Iterable[str] | str | None,
    *,
    annotators: bool = True,
    log: bool = False,
    agreed: bool = False,
    history: bool = False,
) -> Content:
    """Return what is exported; the arguments are those of `export`. Raises ExchangeError as it does.

    With `history` the content has the history of labels.
    """
    for value, what in ((annotators, "annotators"), (log, "log"), (agreed, "agreed")):
        arguments.flag(value, what, error=ExchangeError)
    if log and agreed:
        raise ExchangeError("The log holds each annotator's events: give either log=True or agreed=True.")
    if concepts is not None and not isinstance(concepts, str):
        concepts = arguments.items(concepts, "concepts", "names of concepts", error=ExchangeError)
    names = [concepts] if isinstance(concepts, str) else concepts
    corpus = opened(corpus)
    file = inside(corpus.path, LABELS_FILE, error=LabelError)
    if not exists(file):
        raise ExchangeError(f"There are no labels in {corpus.path}: label some clips first.")
    user = StoreUser(file)
    try:
        return gathered(corpus, user.store, names, annotators=annotators, log=log, agreed=agreed, history=history)
    finally:
        user.close()


def _refuse_own_files(corpus: Path, target: Path) -> None:
    """Raise ExchangeError where an export would replace the labels themselves, or another file of the corpus."""
    real = Path(os.path.realpath(target))
    if exists(target) and real.is_relative_to(os.path.realpath(corpus)) and real.suffix.lower() not in _NEVER_OWN:
        raise ExchangeError(f"{target} is in the folder of the corpus, whose own files stay: give another path.")


def _write_files(target: Path, files: dict[str, bytes]) -> list[Path]:
    if is_folder(target):
        raise ExchangeError(f"{target} is a folder: give the path of a file.")
    written = []
    for suffix, data in files.items():
        file = target.with_name(f"{target.stem}{suffix}") if suffix else target
        with replacing(file) as unfinished:
            unfinished.write_bytes(data)
        written.append(file)
    return written


def _write_folder(target: Path, files: dict[str, bytes]) -> list[Path]:
    """Write files to a new folder, which appears when all of them are in it."""
    if exists(target) and not (is_folder(target) and not any(target.iterdir())):
        raise ExchangeError(f"There is something in {target} already: name a new folder.")
    unfinished = target.with_name(f".unfinished-{uuid.uuid4().hex}")
    unfinished.mkdir()
    try:
        for name, data in files.items():
            file = inside(unfinished, *name.split("/"), error=ExchangeError)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        if exists(target):
            target.rmdir()
        unfinished.rename(target)
    finally:
        rmtree(unfinished, ignore_errors=True)
    return [target.joinpath(*name.split("/")) for name in files]
