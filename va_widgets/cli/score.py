"""`va-widgets score`: published models score whole corpora."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from va_widgets.base.errors import ModelError, ScoresError
from va_widgets.base.paths import exists
from va_widgets.cli.parsers import Commands, print_table

if TYPE_CHECKING:
    from va_widgets.corpus import Corpus

_DESCRIPTION = """\
Score every clip of some corpora by published models, all models in one pass.

The scores are P(yes), from 0 to 1. They are written to OUT/corpus=NAME/scores.parquet: a row a clip, with its clip_id
and one column a model. A corpus is replaced as a whole once its scores are complete: stop the command, or kill it, at
any time, and go on by the same command. A second run scores only new clips, new models and new versions."""

_EXAMPLES = """\
examples:
  va-widgets score films --out scores
      score the corpus in the folder films by all models that were published from it
  va-widgets score films series --models "night city" rain --out scores
      score two corpora by two of their models
  va-widgets score a=2023/films b=2024/films --out scores
      name two corpora whose folders are called alike
  va-widgets score films --models models/rain/v2 --out scores --json
      by version 2 of a model, with a report for programs

read the scores:
  pandas.read_parquet("scores")
  duckdb: SELECT clip_id FROM read_parquet('scores/*/*.parquet', hive_partitioning = true) WHERE rain > 0.8

exit status: 0 if all is scored, 1 after an error or if a model is damaged, 2 for wrong arguments, 130 if interrupted"""


def add_parser(commands: Commands) -> None:
    """Add the command `score`."""
    score = commands.add_parser(
        "score",
        help="score corpora by published models, into Parquet files",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    score.add_argument("corpora", nargs="+", metavar="CORPUS", help="the folder of a corpus, or NAME=FOLDER")
    score.add_argument(
        "--models",
        nargs="+",
        metavar="MODEL",
        help="names of models that were published from these corpora, or folders of models (default: all of them)",
    )
    score.add_argument(
        "--out", type=Path, required=True, help="the folder of scores: a new one, or that of a former run"
    )
    score.add_argument("--engine", choices=("local", "ray"), default="local", help="ray spreads the work over machines")
    score.add_argument("--json", action="store_true", help="print the report as JSON")
    score.set_defaults(run=_score)


def _score(options: argparse.Namespace) -> int:
    from va_widgets.catalogue.score import score

    pairs = [_opened(text) for text in options.corpora]
    named = dict(pairs)
    if len(named) < len(pairs):
        raise ScoresError("Two of the corpora have the same name: give them names, as in first=FOLDER second=FOLDER.")
    report = score(named, options.models, options.out, engine=options.engine)
    print_table(report.reset_index().assign(file=report["file"].map(str).to_numpy()), as_json=options.json)
    damaged = report.attrs["damaged"].values()
    if damaged:
        raise ModelError(f"All other models have scored. {' '.join(damaged)}")
    return 0


def _opened(text: str) -> tuple[str, Corpus]:
    """Return the name that a corpus is given, or that of its folder, and the corpus."""
    from va_widgets.corpus import Corpus

    name, equals, folder = text.partition("=")
    if equals and not exists(text):
        return name, Corpus.open(folder)
    corpus = Corpus.open(text)
    return corpus.path.name, corpus
