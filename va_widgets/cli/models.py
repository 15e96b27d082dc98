"""`va-widgets models`: the models that were published from a corpus are listed, shown, withdrawn and exported."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from va_widgets.base.progress import printable
from va_widgets.cli import compare
from va_widgets.cli.model_version import chosen_version
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
      no longer serve the newest version, but the one before; nothing is deleted. Also where it is damaged
  va-widgets models restore films "night city" --version 2
      serve version 2 again
  va-widgets models export films "night city" night_city.onnx
      write a model for other programs; a folder instead of .onnx gets a copy of the bundle
  va-widgets models compare films "night city"
      is the version that is served better than the one before, on the labels of films, and which clips change sides?
  va-widgets models compare films "night city" --version 3 --older-version 1
  va-widgets models compare series "night city" films/models/night_city/v1
      versions by their numbers, and one of another corpus by its folder

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
    export.add_argument("--json", action="store_true", help="print what was written as JSON")
    export.set_defaults(run=_export)

    compare.add_parser(actions)


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
    print_table(table.reset_index(), as_json=options.json, nothing="No model was published from this corpus yet.")
    return 0


def _show(options: argparse.Namespace) -> int:
    model = _model(options)
    facts = {**model.card, "folder": str(model.folder), "withdrawn": model.withdrawn}
    if options.json:
        print(json.dumps(facts, indent=1, ensure_ascii=False))
        return 0
    metrics = model.card.get("metrics")
    quality = {key: value for key, value in metrics.items() if value is not None} if isinstance(metrics, dict) else {}
    shown = {key: facts[key] for key in _SHOWN if facts.get(key)} | quality
    for key, value in (shown | {"withdrawn": model.withdrawn or "no", "folder": model.folder}).items():
        print(printable(f"{key + ':':32} {value:.4g}" if isinstance(value, float) else f"{key + ':':32} {value}"))
    return 0


def _withdraw(options: argparse.Namespace) -> int:
    from va_widgets.models import withdrawal

    folder, named = _chosen(options, withdrawn=False)
    withdrawal.withdraw(folder, options.reason)
    print(printable(f"{named}, is withdrawn: {options.reason}"))
    return 0


def _restore(options: argparse.Namespace) -> int:
    from va_widgets.models import withdrawal

    folder, named = _chosen(options, withdrawn=True)
    withdrawal.restore(folder)
    print(printable(f"{named}, is served again unless there is a newer one."))
    return 0


def _export(options: argparse.Namespace) -> int:
    from va_widgets.models.export import export

    model = _model(options)
    path = export(model, options.target)
    if options.json:
        print(json.dumps({"name": model.name, "version": model.version, "path": str(path)}, ensure_ascii=False))
    else:
        print(printable(f"{model.name}, version {model.version}: {path}"))
    return 0


def _model(options: argparse.Namespace) -> Model:
    """Return the version of a model that is meant: the newest one that is not withdrawn, unless a number is given."""
    from va_widgets.models.bundle import load_model

    return load_model(_chosen(options, withdrawn=False)[0])


def _chosen(options: argparse.Namespace, *, withdrawn: bool) -> tuple[Path, str]:
    from va_widgets.corpus import Corpus

    return chosen_version(Corpus.open(options.corpus), options.name, options.version, withdrawn=withdrawn)
