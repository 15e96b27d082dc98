"""The command line: `va-widgets demo`, `build`, `relocate`, `trust`, `verify`, `info`, `labels check` and `backup`."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from va_widgets._version import __version__
from va_widgets.base.errors import LabelError, VaError
from va_widgets.base.paths import absolute_path, exists, inside, is_folder

if TYPE_CHECKING:
    import pandas as pd


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit status: 0 if all went well, 1 with one sentence on stderr if not."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):  # not every console and file takes all signs that names of videos may have
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return int(options.run(options))
    except VaError as error:
        print(f"va-widgets: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="va-widgets", description="Video Annotator in a notebook cell.")
    parser.add_argument("--version", action="version", version=f"va-widgets {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    demo = commands.add_parser("demo", help="try it on rendered videos: opens JupyterLab on the quickstart notebook")
    demo.add_argument("--path", type=Path, help="where to keep the demo (default: a folder of your user data)")
    demo.add_argument("--clips", type=int, default=400, help="how many shots to film (default: 400)")
    demo.add_argument("--seed", type=int, default=0, help="the seed of the videos (default: 0)")
    demo.add_argument("--headless", action="store_true", help="do the whole job without a browser, by the known truth")
    demo.add_argument("--concept", default="night city", help="what --headless labels (default: night city)")
    demo.add_argument("--labels", type=int, default=60, help="how many labels --headless gives (default: 60)")
    demo.add_argument("--no-browser", action="store_true", help="start JupyterLab and print its address only")
    demo.set_defaults(run=_demo)

    build = commands.add_parser("build", help="build a corpus from a folder of videos")
    build.add_argument("corpus", type=Path, help="the folder to build in")
    build.add_argument("videos", nargs="+", help="a folder of videos or pictures, or files and URLs")
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

    labels = commands.add_parser("labels", help="check or copy the labels of a corpus")
    actions = labels.add_subparsers(required=True, metavar="action")
    check = actions.add_parser("check", help="read every label and say whether all are as they were written")
    check.add_argument("corpus", type=Path, help="a corpus, or a file of labels")
    check.set_defaults(run=_check_labels)
    backup = actions.add_parser("backup", help="copy all labels to one file, also while somebody is labelling")
    backup.add_argument("corpus", type=Path, help="a corpus, or a file of labels")
    backup.add_argument("target", nargs="?", type=Path, help="a new file, or a folder (default: backups in the corpus)")
    backup.set_defaults(run=_back_up_labels)
    return parser


def _demo(options: argparse.Namespace) -> int:
    from va_widgets.demo import launcher

    path = options.path or launcher.default_path(options.clips, options.seed)
    if options.headless:
        return launcher.headless(path, options.clips, options.seed, options.concept, options.labels)
    return launcher.notebook(path, options.clips, options.seed, browser=not options.no_browser)


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


def _print_skipped(report: pd.DataFrame) -> None:
    from va_widgets.base.progress import printable

    for row in report[report["status"] != "done"].itertuples():
        print(printable(f"  {row.status}: {row.source}: {row.reason}"))
