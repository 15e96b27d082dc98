"""Monitor the clips that were just added to a corpus."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from va_widgets.base.progress import printable
from va_widgets.catalogue.monitor.report import MonitorReport, monitor
from va_widgets.catalogue.scores import Models, read_models
from va_widgets.corpus import Corpus
from va_widgets.models.model import Model

_BUDGET = 60  # clips of a sample, or all new ones if there are fewer


def models_to_monitor(given: Models, corpus: Corpus) -> Mapping[str, Model]:
    """Return models by `Model.slug`. Raises what `read_models` and `Model.check_corpus` raise."""
    models = read_models(given, corpus)
    for model in models.values():
        model.check_corpus(corpus)
    return models


def monitor_added(
    models: Mapping[str, Model], corpus: Corpus, before: pd.Index, tell: bool
) -> dict[str, MonitorReport]:
    """Return a report for each model on the clips that are not among those `before`; prints a line each to `tell`."""
    added = len(corpus.clips.index.difference(before))
    reports: dict[str, MonitorReport] = {}
    if not added:
        return reports
    for slug, model in models.items():
        reports[slug] = monitor(model, corpus, min(_BUDGET, added), since=before)
        if tell:
            print(printable(repr(reports[slug])))
    return reports
