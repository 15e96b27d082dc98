"""`va-widgets demo`: rendered videos to try everything on."""

from __future__ import annotations

import argparse
from pathlib import Path

from va_widgets.cli.parsers import Commands


def add_parser(commands: Commands) -> None:
    """Add the command `demo`."""
    demo = commands.add_parser("demo", help="try it on rendered videos: opens JupyterLab on the quickstart notebook")
    demo.add_argument("--path", type=Path, help="where to keep the demo (default: a folder of your user data)")
    demo.add_argument("--clips", type=int, default=400, help="how many shots to film (default: 400)")
    demo.add_argument("--seed", type=int, default=0, help="the seed of the videos (default: 0)")
    demo.add_argument("--headless", action="store_true", help="do the whole job without a browser, by the known truth")
    demo.add_argument("--concept", default="night city", help="what --headless labels (default: night city)")
    demo.add_argument("--labels", type=int, default=60, help="how many labels --headless gives (default: 60)")
    demo.add_argument("--no-browser", action="store_true", help="start JupyterLab and print its address only")
    demo.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    from va_widgets.demo import launcher

    path = options.path or launcher.default_path(options.clips, options.seed)
    if options.headless:
        return launcher.headless(path, options.clips, options.seed, options.concept, options.labels)
    return launcher.notebook(path, options.clips, options.seed, browser=not options.no_browser)
