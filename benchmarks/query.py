"""How are the scores of a query's parts combined best, is text("…") comparable with a model, and how fast is a query?

    python -m benchmarks.query --demo FOLDER [--clips 400] [--labels 60]
    python -m benchmarks.query --speed [--clips 1000000]

With `--demo` two demo corpora, of seeds 0 and 1, are made in the folder, and every concept with one attribute, such as
"red", "circle" and "night", is labelled by the oracle and published in each. Then thousands of queries over them are
ranked by each rule: the models of one corpus score the other one, of which they have no label. The tables have mean
average precisions, and differences to the rule that queries use with 95 % intervals by a bootstrap over queries. For
some conjunctions a classifier is labelled, too, with as many labels as each of the models that the query combines.

With `--speed` 56 models score a corpus of random vectors, and queries over them are timed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import va_widgets as va
from va_widgets import demo
from va_widgets.experiments import label_by_oracle

FEWEST = 5  # clips that a query must have
DIRECT = {  # conjunctions that are labelled themselves, by the text that a person would name them
    "red circle": ("red", "circle"),
    "night city": ("night", "city"),
    "rain at night": ("rain", "night"),
    "snowy mountains": ("mountains", "snow"),
    "blue car": ("blue", "car"),
    "red circle at night": ("red", "circle", "night"),
    "rain in a city": ("rain", "city"),
    "the sea at golden hour": ("sea", "golden hour"),
    "close-up of a star": ("close-up", "star"),
    "wide shot of a desert": ("wide shot", "desert"),
    "a crowd in a forest": ("crowd", "forest"),
    "fog at night": ("fog", "night"),
}
ATOMS = tuple(concept.name for concept in demo.CONCEPTS if len(concept.attributes) == 1)
Array = NDArray[np.float64]


def published(corpus: va.Corpus, labels: int) -> dict[str, va.Model]:
    """Return a model of every atom and of every conjunction in DIRECT, labelled by the oracle where there is none."""
    models = {}
    for name in (*ATOMS, *DIRECT):
        folder = corpus.path / "models" / va.models.bundle.slug(name)  # type: ignore[attr-defined]
        if not folder.exists():
            truth = np.logical_and.reduce([demo.truth_of(corpus, part) for part in DIRECT.get(name, (name,))])
            session = va.Session(corpus, name, annotator="oracle")
            run = label_by_oracle(session, pd.Series(truth, index=corpus.clips.index), labels)
            try:
                session.publish(name)
            except va.NotEnoughLabelsError:
                print(f"{name}: no positive among the labels")
                continue
            finally:
                session.close()
            print(f"{name}: AP {run.ap:.3f}", flush=True)
        models[name] = va.load_model(folder)
    return models
