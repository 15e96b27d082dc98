"""`va-widgets build`, `relocate`, `trust`, `verify` and `info`: corpora made, moved, checked and shown."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from va_widgets.base.errors import LabelError
from va_widgets.cli.parsers import Commands

if TYPE_CHECKING:
    import pandas as pd


def add_parser(commands: Commands) -> None:
    """Add the commands for corpora."""
    build = commands.add_parser("build", help="build a corpus from a folder of videos")
    build.add_argument("corpus", type=Path, help="the folder to build in")
    build.add_argument("videos", nargs="+", help="folders of videos or pictures, files and URLs")
    build.add_argument("--encoder", help='an OpenCLIP tag such as "PE-Core-B-16/meta"; va-tiny if not given')
    build.add_argument("--window", type=float, help="cut into pieces of so many seconds instead of shots")
    build.add_argument("--pictures", action="store_true", help="take pictures, too, where there are videos")
    build.add_argument(
        "--allow", action="append", default=[], metavar="SCHEME", help="a scheme of URLs to follow, too, such as sftp"
    )
    build.set_defaults(run=_build)

    relocate = commands.add_parser("relocate", help="say where the videos of a corpus are now")
    relocate.add_argument("corpus", type=Path)
    relocate.add_argument("old", nargs="?", help="where they were, or a folder above (default: where all came from)")
    relocate.add_argument("new", help="the folder where the same files are now")
    relocate.add_argument("--missing-ok", action="store_true", help="go on where some videos are not there")
    relocate.set_defaults(run=_relocate)

    trust = commands.add_parser("trust", help="let a corpus play its videos from the folders and servers it names")
    trust.add_argument("corpus", type=Path)
    trust.set_defaults(run=_trust)

    verify = commands.add_parser("verify", help="say whether the files of a corpus hold what was written to them")
    verify.add_argument("corpus", type=Path)
    verify.set_defaults(run=_verify)

    info = commands.add_parser("info", help="say what a corpus holds")
    info.add_argument("corpus", type=Path)
    info.set_defaults(run=_info)


def _build(options: argparse.Namespace) -> int:
    from va_widgets.corpus import Corpus

    videos = options.videos[0] if len(options.videos) == 1 else options.videos
    corpus = Corpus.build(
        options.corpus,
        videos,
        options.encoder,
        window=options.window,
        pictures=options.pictures or None,
        allow=options.allow,
    )
    print(corpus)
    _print_skipped(corpus.report)
    return 0


def _relocate(options: argparse.Namespace) -> int:
    from va_widgets.corpus import Corpus

    corpus = Corpus.open(options.corpus).relocate(options.old, options.new, missing_ok=options.missing_ok)
    print(corpus)
    return 0


def _trust(options: argparse.Namespace) -> int:
    from va_widgets.base.progress import printable
    from va_widgets.corpus import Corpus, trust

    corpus = Corpus.open(options.corpus).trust()
    print(f"{corpus!r} may read videos from:")
    for place in sorted(trust.trusted(corpus.path)):
        print(printable(f"  {place}"))
    return 0


def _verify(options: argparse.Namespace) -> int:
    from va_widgets.base.paths import absolute_path
    from va_widgets.base.progress import printable
    from va_widgets.corpus.verification import DAMAGED, MISSING, OK, UNRECORDED, verify

    result = verify(absolute_path(options.corpus))
    counts = {status: int((result["status"] == status).sum()) for status in (OK, DAMAGED, MISSING, UNRECORDED)}
    for row in result[result["status"].isin([DAMAGED, MISSING])].itertuples():
        print(printable(f"  {row.status}: {row.file}: {row.reason}"))
    print(", ".join(f"{number:,} {status}" for status, number in counts.items() if number or status == OK))
    return 1 if counts[DAMAGED] or counts[MISSING] else 0


def _info(options: argparse.Namespace) -> int:
    from va_widgets.base.paths import inside
    from va_widgets.corpus import Corpus
    from va_widgets.labels.label_store import LabelStore
    from va_widgets.session import LABELS_FILE

    corpus = Corpus.open(options.corpus)
    print(corpus)
    _print_skipped(corpus.report)
    labels = inside(Path(corpus.path), LABELS_FILE, error=LabelError)
    if labels.exists():
        with LabelStore(labels) as store:
            print(store.concepts().to_string(index=False))
    return 0


def _print_skipped(report: pd.DataFrame) -> None:
    from va_widgets.base.progress import printable

    for row in report[report["status"] != "done"].itertuples():
        print(printable(f"  {row.status}: {row.source}: {row.reason}"))
