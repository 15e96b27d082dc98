"""`va-widgets views list` and `views add`."""

from __future__ import annotations

import argparse
from pathlib import Path

from va_widgets.base.texts import counted
from va_widgets.cli.parsers import Commands


def add_parser(commands: Commands) -> None:
    """Add the command `views`."""
    views = commands.add_parser("views", help="list or add matrices that describe the clips of a corpus")
    actions = views.add_subparsers(required=True, metavar="action")
    shown = actions.add_parser("list", help="say which views a corpus has")
    shown.add_argument("corpus", type=Path)
    shown.set_defaults(run=_list)
    add = actions.add_parser("add", help='add a view, or replace it; "motion" is measured from the videos')
    add.add_argument("corpus", type=Path)
    add.add_argument("name", help='such as "motion" for a corpus of before version 0.2, or a name of yours')
    add.add_argument("vectors", nargs="?", type=Path, help="a .npy, .h5 or .parquet file with a row a clip")
    add.set_defaults(run=_add)


def _list(options: argparse.Namespace) -> int:
    from va_widgets.corpus import Corpus

    corpus = Corpus.open(options.corpus)
    for name in corpus.views:
        print(f"{name}: {counted(len(corpus), 'clip')}, {counted(corpus.view(name).shape[1], 'column')}")
    return 0


def _add(options: argparse.Namespace) -> int:
    from va_widgets.corpus import Corpus

    corpus = Corpus.open(options.corpus).add_view(options.name, options.vectors)
    print(f"The views of {corpus!r} are {', '.join(corpus.views)}.")
    return 0
