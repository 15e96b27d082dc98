"""`va-widgets monitor`: is a published model still good on these clips?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from va_widgets.base.errors import ArgumentError, NotEnoughLabelsError, reason_of
from va_widgets.base.texts import counted
from va_widgets.cli.parsers import Commands

if TYPE_CHECKING:
    from va_widgets.catalogue.monitor import MonitorReport

ALARM = 3  # the exit status of `monitor --exit-code` where something has changed

_DESCRIPTION = """\
Say whether the clips of a corpus differ from those that a model was published from, by its scores and by their looks,
and draw a random sample of them. Once its clips are labelled in a notebook, by report.session() of the same model,
corpus, budget and seed, the model's precision and recall in this corpus are estimated, too."""

_EXAMPLES = """\
examples:
  va-widgets monitor films/models/night_city series
      by the newest version of a model that was published from films: is it still good on series?
  va-widgets monitor films/models/night_city series --budget 40 --sample sample.csv
      write the 40 clips to label, with how likely each was drawn
  va-widgets monitor films/models/night_city series --json --exit-code
      for programs: exit status 3 where something has changed

exit status: 0 if all went well, 1 after an error, 2 for wrong arguments, 3 with --exit-code after an alarm"""


def add_parser(commands: Commands) -> None:
    """Add the command `monitor`."""
    monitor = commands.add_parser(
        "monitor",
        help="say whether a published model is still good on a corpus",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    monitor.add_argument("model", help="the folder of a model or of a version, or a name published from CORPUS")
    monitor.add_argument("corpus", type=Path, help="the folder of the corpus with the clips to look at")
    monitor.add_argument("--budget", type=int, default=60, help="how many clips the sample has (default: 60)")
    monitor.add_argument("--reference", type=Path, help="a corpus to compare with, instead of what the model keeps")
    monitor.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    monitor.add_argument("--sample", type=Path, help="write the sample to this file, as CSV")
    monitor.add_argument("--json", action="store_true", help="print the report as JSON")
    monitor.add_argument("--exit-code", action="store_true", help="exit with status 3 where something has changed")
    monitor.set_defaults(run=_monitor)


def _monitor(options: argparse.Namespace) -> int:
    from va_widgets.base.paths import absolute_path
    from va_widgets.base.progress import printable
    from va_widgets.catalogue.monitor import monitor
    from va_widgets.catalogue.scores import read_models
    from va_widgets.corpus import Corpus

    reference = None if options.reference is None else Corpus.open(options.reference)
    corpus = Corpus.open(options.corpus)
    [model] = read_models(options.model, corpus).values()
    report = monitor(model, corpus, options.budget, reference=reference, seed=options.seed)
    if options.sample is not None:
        _write_sample(report, absolute_path(options.sample, ArgumentError, "The file of the sample"))
    facts = _facts(report)
    if options.json:
        print(json.dumps(facts, indent=1, ensure_ascii=False))
    else:
        print(printable(f"{model.name}, version {model.version}: {counted(len(report.monitored), 'clip')}"))
        for line in [f"Alarm: {alarm}" for alarm in report.alarms] or [report.note or "No alarm."]:
            print(printable(line))
        print(f"{int(report.drift['drifted'].sum())} of {len(report.drift)} tests have changed.")
        print(printable(str(facts["estimate_note"] or report.estimate())))
    return ALARM if options.exit_code and report.alarms else 0


def _write_sample(report: MonitorReport, file: Path) -> None:
    from va_widgets.base.paths import replacing
    from va_widgets.base.system_errors import failure

    try:
        with replacing(file) as unfinished:
            report.sample.to_csv(unfinished, index=False)
    except OSError as error:
        raise ArgumentError(
            failure(f"The file {file}", error)
            or f"The sample cannot be written to {file} ({reason_of(error)}): name a file in a folder that exists."
        ) from error


def _facts(report: MonitorReport) -> dict[str, Any]:
    """Return what JSON says of a report."""
    try:
        estimate, note = json.loads(report.estimate().table().to_json(orient="index", double_precision=15)), ""
    except NotEnoughLabelsError as error:
        estimate, note = None, str(error)
    return {
        "model": report.model.name,
        "version": report.model.version,
        "clips": len(report.monitored),
        "alarms": list(report.alarms),
        "note": report.note,
        "drift": json.loads(report.drift.to_json(orient="records", double_precision=15)),
        "estimate": estimate,
        "estimate_note": note,
        "sample": json.loads(report.sample.to_json(orient="records", double_precision=15)),
    }
