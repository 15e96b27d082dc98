"""The command line `va-widgets`: one module for each group of commands, which adds them by `add_parser`."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

from va_widgets._version import __version__
from va_widgets.base.errors import VaError
from va_widgets.cli import corpora, demo, labels, models, monitor, query, score, views


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit status: 0 if all went well, 1 with a sentence on stderr, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):  # not every console and file takes all signs that names of videos may have
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return int(options.run(options))
    except VaError as error:
        from va_widgets.base.progress import printable

        print(f"va-widgets: {printable(str(error))}", file=sys.stderr)  # names of files may hold control characters
        return 1
    except KeyboardInterrupt:
        print("va-widgets: interrupted; nothing is half-written, and the same command goes on.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="va-widgets", description="Video Annotator in a notebook cell.")
    parser.add_argument("--version", action="version", version=f"va-widgets {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    for group in (demo, corpora, views, labels, models, score, query, monitor):
        group.add_parser(commands)
    return parser
