"""`va-widgets labels check` and `labels backup`."""

from __future__ import annotations

import argparse
from pathlib import Path

from va_widgets.base.errors import LabelError
from va_widgets.base.paths import absolute_path, exists, inside, is_folder
from va_widgets.cli.parsers import Commands


def add_parser(commands: Commands) -> None:
    """Add the command `labels`."""
    labels = commands.add_parser("labels", help="check or copy the labels of a corpus")
    actions = labels.add_subparsers(required=True, metavar="action")
    check = actions.add_parser("check", help="read every label and say whether all are as they were written")
    check.add_argument("corpus", type=Path, help="a corpus, or a file of labels")
    check.set_defaults(run=_check_labels)
    backup = actions.add_parser("backup", help="copy all labels to one file, also while somebody is labelling")
    backup.add_argument("corpus", type=Path, help="a corpus, or a file of labels")
    backup.add_argument("target", nargs="?", type=Path, help="a new file, or a folder (default: backups in the corpus)")
    backup.set_defaults(run=_back_up_labels)


def _check_labels(options: argparse.Namespace) -> int:
    from va_widgets.labels.label_store import check_file
    from va_widgets.labels.problems import advice

    path = _labels_file(options.corpus)
    result = check_file(path)
    print(f"{path}: {result.events:,} events, {result.concepts:,} concepts, {result.annotators:,} annotators")
    for problem in result.problems:
        print(f"  {problem}")
    if result.problems:
        raise LabelError(f"The labels in {path} are damaged: {advice(path)}.")
    if result.checksums:
        print("Every label is as it was written.")
    else:
        print("The file is sound; single labels have no checksums until it is opened with write access.")
    return 0


def _back_up_labels(options: argparse.Namespace) -> int:
    from va_widgets.labels.label_store import LabelStore

    with LabelStore(_labels_file(options.corpus)) as store:
        print(store.backup(options.target))
    return 0


def _labels_file(path: Path) -> Path:
    """The file of labels that is meant by a corpus, or by its own path."""
    from va_widgets.session import LABELS_FILE

    path = absolute_path(path, LabelError)
    if is_folder(path):
        path = inside(path, LABELS_FILE, error=LabelError)
    if not exists(path):
        raise LabelError(f"There are no labels in {path.parent}: give the folder of a corpus, or a file of labels.")
    return path
