"""`va-widgets labels export` and `labels import`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from va_widgets.base.errors import LabelError

if TYPE_CHECKING:
    from va_widgets.cli.parsers import Commands


_FORMATS = "csv, parquet, jsonl, datasets, va, label-studio, fiftyone, coco, kinetics, webvtt or elan"


def add_parsers(actions: Commands) -> None:
    """Add the actions of `labels` that exchange labels with other programs."""
    export = actions.add_parser("export", help="write labels as a file or folder of another program's format")
    export.add_argument("corpus", type=Path, help="a corpus")
    export.add_argument("target", type=Path, help="the file or folder to write; a former file is replaced")
    export.add_argument("--format", help=f"{_FORMATS} (default: by the suffix)")
    export.add_argument("--concept", action="append", help="only this concept; may be given several times")
    export.add_argument("--no-names", action="store_true", help="leave out the names of annotators")
    content = export.add_mutually_exclusive_group()
    content.add_argument("--log", action="store_true", help="every event, not only the present labels")
    content.add_argument("--agreed", action="store_true", help="one label a clip, on which most annotators agree")
    export.set_defaults(run=_export)
    take = actions.add_parser("import", help="store the labels of a file or folder: all of them, or nothing")
    take.add_argument("corpus", type=Path, help="a corpus")
    take.add_argument("source", type=Path, help="the file or folder to read")
    take.add_argument("--format", help=f"{_FORMATS} (default: by the suffix, or by what is in the file)")
    take.add_argument("--concept", help="the concept of rows that name none")
    take.add_argument("--annotator", help="the annotator of rows that name none")
    take.add_argument(
        "--value", action="append", default=[], metavar="TEXT=LABEL", help="what another value means: maybe=unsure"
    )
    take.add_argument("--times", choices=("seconds", "milliseconds", "frames"), default="seconds", help="of numbers")
    take.add_argument(
        "--unmatched",
        choices=("refuse", "skip", "keep"),
        default="refuse",
        help="what becomes of rows that match no clip (default: nothing is imported)",
    )
    take.add_argument("--dry-run", action="store_true", help="only say what would be stored")
    take.set_defaults(run=_import)


def _export(options: argparse.Namespace) -> int:
    from va_widgets.exchange import export

    result = export(
        options.corpus,
        options.target,
        options.format,
        options.concept,
        annotators=not options.no_names,
        log=options.log,
        agreed=options.agreed,
    )
    print(result)
    return 0


def _import(options: argparse.Namespace) -> int:
    from va_widgets.exchange import import_

    values = {}
    for text in options.value:
        value, sign, meaning = text.rpartition("=")
        if not sign:
            raise LabelError(f"--value takes TEXT=LABEL, such as maybe=unsure, not {text!r}.")
        values[value] = meaning
    result = import_(
        options.corpus,
        options.source,
        options.format,
        concept=options.concept,
        annotator=options.annotator,
        values=values,
        times=options.times,
        unmatched=options.unmatched,
        dry_run=options.dry_run,
    )
    print(result)
    return 0
