"""`va-widgets labels check | backup | restore`; `exchange.py` adds `export` and `import`."""

from __future__ import annotations

import argparse
from pathlib import Path

from va_widgets.base.errors import LabelError
from va_widgets.base.paths import absolute_path, exists, inside, is_folder
from va_widgets.base.texts import counted
from va_widgets.cli import exchange
from va_widgets.cli.parsers import Commands, print_table

_RESTORE = """Put a copy of the labels in their place, also while sessions are open. Nothing is lost: what was there is
in the folder "backups" afterwards. Without a copy, list those in "backups"."""


def add_parser(commands: Commands) -> None:
    """Add the command `labels`."""
    labels = commands.add_parser("labels", help="check, copy, restore, export or import the labels of a corpus")
    actions = labels.add_subparsers(required=True, metavar="action")
    check = actions.add_parser("check", help="read every label and say whether all are as they were written")
    check.add_argument("corpus", type=Path, help="a corpus, or a file of labels")
    check.set_defaults(run=_check_labels)
    backup = actions.add_parser("backup", help="copy all labels to one file, also while somebody is labelling")
    backup.add_argument("corpus", type=Path, help="a corpus, or a file of labels")
    backup.add_argument("target", nargs="?", type=Path, help="a new file, or a folder (default: backups in the corpus)")
    backup.set_defaults(run=_back_up_labels)
    restore = actions.add_parser("restore", help="list the copies, or put one in place", description=_RESTORE)
    restore.add_argument("corpus", type=Path, help="a corpus, or a file of labels")
    restore.add_argument("copy", nargs="?", help='"newest", the name of a copy in "backups", or a path')
    restore.add_argument("--json", action="store_true", help="list the copies as JSON")
    restore.set_defaults(run=_restore_labels)
    exchange.add_parsers(actions)


def _check_labels(options: argparse.Namespace) -> int:
    from va_widgets.base.progress import printable
    from va_widgets.labels.label_store import check_file
    from va_widgets.labels.problems import advice

    path = _labels_file(options.corpus)
    result = check_file(path)
    found = {"event": result.events, "concept": result.concepts, "annotator": result.annotators}
    counts = ", ".join(counted(number, noun) for noun, number in found.items())
    print(printable(f"{path}: {counts}"))
    for problem in result.problems:
        print(printable(f"  {problem}"))
    if result.problems:
        raise LabelError(f"The labels in {path} are damaged: {advice(path)}.")
    if result.checksums:
        print("Every label is as it was written.")
    else:
        print("The file is sound; single labels have no checksums until it is opened with write access.")
    return 0


def _back_up_labels(options: argparse.Namespace) -> int:
    from va_widgets.base.progress import printable
    from va_widgets.labels.label_store import LabelStore

    with LabelStore(_labels_file(options.corpus)) as store:
        print(printable(str(store.backup(options.target))))
    return 0


def _restore_labels(options: argparse.Namespace) -> int:
    from va_widgets.base.progress import printable
    from va_widgets.labels import restoring

    path = _labels_file(options.corpus, missing=True)
    if options.copy is None:
        table = restoring.listed(path)
        if options.json or len(table):
            print_table(table, as_json=options.json)
        else:
            print(printable(f"There are no copies of {path} yet."))
        return 0
    restored = restoring.restore(path, options.copy)
    print(printable(f"{path} is {restored.copy.path.name} of {restored.copy.time:%Y-%m-%d %H:%M:%S} UTC now."))
    if restored.replaced is not None:
        print(printable(f"What was there is {restored.replaced}"))
    return 0


def _labels_file(path: Path, *, missing: bool = False) -> Path:
    """The file of labels that is meant by a corpus, or by its own path, which may be `missing`."""
    from va_widgets.session import LABELS_FILE

    path = absolute_path(path, LabelError)
    if is_folder(path):
        path = inside(path, LABELS_FILE, error=LabelError)
    if not exists(path) and not (missing and is_folder(path.parent)):
        raise LabelError(f"There are no labels in {path.parent}: give the folder of a corpus, or a file of labels.")
    return path
