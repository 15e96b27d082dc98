"""`va-widgets models compare`: which of two versions is better on the labels of a corpus?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from va_widgets.base.errors import ModelError
from va_widgets.cli.model_version import chosen_version
from va_widgets.cli.parsers import Commands

if TYPE_CHECKING:
    from va_widgets.corpus import Corpus
    from va_widgets.models.model import Model

_DESCRIPTION = """\
Say which of two versions of a model is better on the labels of a corpus, and which of its clips change sides. A version
is named as in the other actions, by the model's name and perhaps a number, or by its folder, where it was published
from another corpus."""


def add_parser(actions: Commands) -> None:
    """Add the action `compare` of the command `models`."""
    compare = actions.add_parser(
        "compare",
        help="say which of two versions is better on the labels of a corpus",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    compare.add_argument("corpus", type=Path, help="the folder of the corpus with labels about the concept")
    compare.add_argument("newer", help="a model's name, or the folder of a version")
    compare.add_argument("older", nargs="?", help="the same of the one before (default: of the same model as NEWER)")
    compare.add_argument("--version", type=int, help="the number of the version NEWER (default: the newest served)")
    compare.add_argument("--older-version", type=int, help="that of OLDER (default: the newest served before NEWER)")
    compare.add_argument("--json", action="store_true", help="print the comparison as JSON")
    compare.set_defaults(run=_compare)


def _compare(options: argparse.Namespace) -> int:
    from va_widgets.base.progress import printable
    from va_widgets.corpus import Corpus

    corpus = Corpus.open(options.corpus)
    newer = _version(corpus, options.newer, options.version, "--version")
    older = _older(corpus, newer, options.older, options.older_version)
    comparison = newer.compare(older, corpus)
    if options.json:
        facts = {
            "better": comparison.better,
            "verdict": comparison.verdict,
            "labels": comparison.labels,
            "cross_fitted": comparison.cross_fitted,
            "average_precision": comparison.ap._asdict(),
            "right": comparison.right._asdict(),
            "flipped": json.loads(comparison.flipped.to_json(orient="records", double_precision=15)),
        }
        print(json.dumps(facts, indent=1, ensure_ascii=False))
    else:
        print(printable(str(comparison)))
        print(printable(comparison.method))
    return 0


def _older(corpus: Corpus, newer: Model, given: str | None, number: int | None) -> Model:
    """Return the version that the newer one is compared with."""
    if given is None and number is None:
        return _loaded(chosen_version(corpus, newer.name, None, below=newer.version)[0])
    return _version(corpus, newer.name if given is None else given, number, "--older-version")


def _version(corpus: Corpus, given: str, number: int | None, option: str) -> Model:
    """Return the version of a model by its name, or by its folder where no model has that name.

    Raises ModelError if there is none, or for a number beside a folder.
    """
    from va_widgets.base.paths import absolute_path, exists
    from va_widgets.models.published import all_versions

    models, _ = all_versions(corpus)
    is_name = any(given in (model.name, model.slug) for model in models)
    if is_name or not exists(absolute_path(given, ModelError, "A model's folder")):
        return _loaded(chosen_version(corpus, given, number)[0])
    if number is not None:
        raise ModelError(f"{option} is the number of a model that is given by its name, and {given!r} is a folder.")
    return _loaded(given)


def _loaded(folder: Path | str) -> Model:
    from va_widgets.models.bundle import load_model

    return load_model(folder)
