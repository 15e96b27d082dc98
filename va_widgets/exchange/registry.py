"""The formats by name, and which of them a file is in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from va_widgets.base.arguments import described
from va_widgets.base.errors import ExchangeError
from va_widgets.base.paths import GivenPath, absolute_path, is_file, is_folder
from va_widgets.base.system_errors import failure
from va_widgets.exchange.content import Content
from va_widgets.exchange.foreign import Foreign
from va_widgets.exchange.formats import (
    coco,
    datasets_folder,
    elan,
    fiftyone,
    kinetics,
    label_studio,
    tables,
    va_release,
    webvtt,
)

Written: TypeAlias = tuple[dict[str, bytes], list[str]]
"""Files by their paths within a folder (for a single file: what is added to its name), and what they cannot hold."""


@dataclass(frozen=True)
class Format:
    """A format: how it is written and read.

    Parameters
    ----------
    write : function of Content, returns Written
    read : function of a path, returns Foreign
    suffixes : tuple of str
        Those that mean this format.
    folder : bool
        Whether it is a folder of files.
    log : bool
        Whether it holds the whole log.
    each : bool
        Whether it holds each annotator's labels; if not, it holds what they agree on.
    history : bool
        Whether it is made of the history of labels, too.
    unit : bool
        Whether it says itself in what its times are, so that no user need.
    """

    write: Callable[[Content], Written]
    read: Callable[[Path], Foreign]
    suffixes: tuple[str, ...] = ()
    folder: bool = False
    log: bool = False
    each: bool = True
    history: bool = False
    unit: bool = False


FORMATS: dict[str, Format] = {
    "csv": Format(tables.csv_files, tables.read_tabular, (".csv", ".tsv"), log=True),
    "parquet": Format(tables.parquet_files, tables.read_tabular, (".parquet",), log=True),
    "jsonl": Format(tables.jsonl_files, tables.read_jsonl, (".jsonl", ".ndjson"), log=True),
    "datasets": Format(datasets_folder.files, datasets_folder.read, folder=True, log=True),
    "va": Format(va_release.files, va_release.read, folder=True, history=True),
    "label-studio": Format(label_studio.files, label_studio.read),
    "fiftyone": Format(fiftyone.files, fiftyone.read, folder=True, each=False, unit=True),
    "coco": Format(coco.files, coco.read),
    "kinetics": Format(kinetics.files, tables.read_tabular, each=False),
    "webvtt": Format(webvtt.files, webvtt.read, (".vtt",), folder=True, each=False, unit=True),
    "elan": Format(elan.files, elan.read, (".eaf",), folder=True, unit=True),
}
_BY_SUFFIX = {suffix: name for name, kind in FORMATS.items() for suffix in kind.suffixes}


def format_name(given: object) -> str:
    """Return the name of a format. Raises ExchangeError for one that is not known."""
    name = given.strip().lower().replace("_", "-").replace(" ", "-") if isinstance(given, str) else ""
    if name not in FORMATS:
        raise ExchangeError(f"There is no format {described(given)}: choose one of {', '.join(FORMATS)}.")
    return name


def format_for_writing(path: Path, given: str | None) -> str:
    """Return the name of the format of a new file. Raises ExchangeError where its suffix does not say it."""
    if given is not None:
        return format_name(given)
    name = _BY_SUFFIX.get(path.suffix.lower())
    if name is None or FORMATS[name].folder or path.suffix.lower() == ".tsv":  # which is read, and not written
        raise ExchangeError(
            f"The name {path.name!r} does not say which format is meant: give format=, one of {', '.join(FORMATS)}."
        )
    return name


def read(path: GivenPath | pd.DataFrame, given: str | None) -> tuple[Foreign, str]:
    """Return the rows of a file, a folder or a DataFrame, and the name of its format.

    Raises ExchangeError if it cannot be read, or its format is not clear.
    """
    if isinstance(path, pd.DataFrame):
        if not len(path):
            raise ExchangeError("The table holds no rows.")
        return tables.of_frame(path), "pandas"
    source = absolute_path(path, ExchangeError, "The file to import")
    if not is_file(source) and not is_folder(source):
        raise ExchangeError(f"There is no file {source}: check the path.")
    name = format_name(given) if given is not None else _format_of(source)
    if is_folder(source) and not FORMATS[name].folder:
        raise ExchangeError(f"{source} is a folder, but {name} is one file: give its path.")
    try:
        return FORMATS[name].read(source), name
    except OSError as error:
        raise ExchangeError(failure(str(source), error) or f"{source} cannot be read ({error}).") from error


def _format_of(source: Path) -> str:
    """Return the format of a file or folder, by its suffix or by what is in it."""
    suffix = source.suffix.lower()
    if is_folder(source):
        for name, pattern in (
            ("va", "agg/*.json"),
            ("va", "checkpoints/*.json"),
            ("fiftyone", "labels.json"),
            ("datasets", "**/*.parquet"),
            ("elan", "*.eaf"),
            ("webvtt", "*.vtt"),
        ):
            if next(source.glob(pattern), None) is not None:
                return name
    elif suffix == ".sqlite":
        raise ExchangeError(
            f"{source} is a file of labels, not an export: `va-widgets labels export CORPUS log.jsonl --log` makes one"
            " in the folder of its corpus, and `va-widgets labels restore` puts it in the place of other labels."
        )
    elif suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    elif suffix == ".json":
        with source.open("rb") as opened:
            head = opened.read(1 << 20).lstrip(b"\xef\xbb\xbf \t\r\n")
        if head.startswith(b"["):
            return "label-studio"
        if b'"annotations"' in head or b'"videos"' in head:
            return "coco"
        return "fiftyone"
    raise ExchangeError(f"{source} does not say which format it is in: give format=, one of {', '.join(FORMATS)}.")
