"""`va-widgets models`: the models that were published from a corpus are listed, shown, withdrawn and exported."""

from __future__ import annotations

import argparse
import json
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from va_widgets.base.arguments import listed
from va_widgets.base.errors import ModelError
from va_widgets.base.progress import printable
from va_widgets.cli.monitor import add_compare
from va_widgets.cli.parsers import Commands, print_table

if TYPE_CHECKING:
    from va_widgets.models.model import Model

_EXAMPLES = """\
examples:
  va-widgets models list films
      all versions of all models, with their quality and threshold
  va-widgets models show films "night city"
      what is known of the version that is served: guideline, labels, quality
  va-widgets models withdraw films "night city" --reason "takes neon signs for night"
      no longer serve the newest version, but the one before; nothing is deleted
  va-widgets models restore films "night city" --version 2
      serve version 2 again
  va-widgets models export films "night city" night_city.onnx
      write a model for other programs; a folder instead of .onnx gets a copy of the bundle
  va-widgets models compare series series/models/night_city/v2 films/models/night_city/v1
      which version is better on the labels of the corpus series, and which clips change sides?

exit status: 0 if all went well, 1 after an error, 2 for wrong arguments"""

_SHOWN = ("name", "version", "concept", "guideline", "threshold", "threshold_why", "encoder", "created", "labels")


def add_parser(commands: Commands) -> None:
    """Add the command `models`."""
    models = commands.add_parser(
        "models",
        help="list, show, withdraw, restore or export the models that were published from a corpus",
        description="The models that were published from a corpus: each is a folder that never changes.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = models.add_subparsers(required=True, metavar="action")
    listing = actions.add_parser("list", help="list all versions of all models")
    listing.add_argument("corpus", type=Path, help="the folder of a corpus")
    listing.add_argument("--json", action="store_true", help="print the table as JSON")
    listing.set_defaults(run=_list)

    show = _add_action(actions, "show", "say what is known of a model", "that is served")
    show.add_argument("--json", action="store_true", help="print the model's whole card as JSON")
    show.set_defaults(run=_show)

    withdraw = _add_action(actions, "withdraw", "stop serving a version, without deleting it", "that is served")
    withdraw.add_argument("--reason", required=True, help="why, for those who look for it later")
    withdraw.set_defaults(run=_withdraw)

    restore = _add_action(actions, "restore", "serve a version again that was withdrawn", "that was withdrawn")
    restore.set_defaults(run=_restore)

    export = _add_action(actions, "export", "copy a model out of its corpus, as it is or as ONNX", "that is served")
    export.add_argument("target", type=Path, help="a new folder, or a file that ends in .onnx")
    export.set_defaults(run=_export)

    add_compare(actions)


def _add_action(actions: Commands, name: str, text: str, default: str) -> argparse.ArgumentParser:
    """Add an action on one version of a model."""
    action = actions.add_parser(name, help=text)
    action.add_argument("corpus", type=Path, help="the folder of a corpus")
    action.add_argument("name", help="the model's name, as it was published or as in queries")
    action.add_argument("--version", type=int, help=f"the number of the version (default: the newest {default})")
    return action


def _list(options: argparse.Namespace) -> int:
    from va_widgets.corpus import Corpus

    table = Corpus.open(options.corpus).models
    if not options.json:
        table = table.drop(columns=["encoder", *(["problem"] if not table["problem"].any() else [])])
    print_table(table.reset_index(), as_json=options.json)
    return 0


def _show(options: argparse.Namespace) -> int:
    model = _model(options, withdrawn=False)
    facts = {**model.card, "folder": str(model.folder), "withdrawn": model.withdrawn}
    if options.json:
        print(json.dumps(facts, indent=1, ensure_ascii=False))
        return 0
    quality = {key: value for key, value in dict(model.card.get("metrics", {})).items() if value is not None}
    shown = {key: facts[key] for key in _SHOWN if facts.get(key)} | quality
    for key, value in (shown | {"withdrawn": model.withdrawn or "no", "folder": model.folder}).items():
        print(printable(f"{key + ':':32} {value:.4g}" if isinstance(value, float) else f"{key + ':':32} {value}"))
    return 0


def _withdraw(options: argparse.Namespace) -> int:
    model = _model(options, withdrawn=False)
    model.withdraw(options.reason)
    print(printable(f"{model.name}, version {model.version}, is withdrawn: {options.reason}"))
    return 0


def _restore(options: argparse.Namespace) -> int:
    model = _model(options, withdrawn=True)
    model.restore()
    print(printable(f"{model.name}, version {model.version}, is served again unless there is a newer one."))
    return 0


def _export(options: argparse.Namespace) -> int:
    from va_widgets.models.export import export

    model = _model(options, withdrawn=False)
    print(printable(f"{model.name}, version {model.version}: {export(model, options.target)}"))
    return 0


def _model(options: argparse.Namespace, *, withdrawn: bool) -> Model:
    """Return the version of a model that is meant: the newest that is `withdrawn` or not, unless a number is given."""
    from va_widgets.corpus import Corpus
    from va_widgets.models.published import all_versions

    corpus = Corpus.open(options.corpus)
    models, problems = all_versions(corpus)
    named = [model for model in models if options.name in (model.name, model.slug)]
    if not named:
        for folder, problem in problems.items():
            if options.name in (folder.name, folder.parent.name):
                raise ModelError(problem)
        slugs = sorted({model.slug for model in models})
        near = get_close_matches(options.name.lower().replace(" ", "_"), slugs, 1)
        advice = f"did you mean {near[0]!r}?" if near else f"there are {listed(slugs)}." if slugs else "there are none."
        raise ModelError(f"No model {options.name!r} was published from {corpus.path}; {advice}")
    if options.version is not None:
        meant = [model for model in named if model.version == options.version]
        if not meant:
            numbers = ", ".join(str(number) for number in sorted(model.version for model in named))
            raise ModelError(f"The model {options.name!r} has no version {options.version}, only {numbers}.")
        return meant[0]
    meant = [model for model in named if (model.withdrawn is not None) == withdrawn]
    if not meant:
        what = "no version that was withdrawn" if withdrawn else "only versions that were withdrawn: give a --version"
        raise ModelError(f"The model {options.name!r} has {what}.")
    return max(meant, key=lambda model: model.version)
