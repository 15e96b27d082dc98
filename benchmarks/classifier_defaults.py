"""Mean average precision of the classifier's settings on a pool of real embeddings, at four numbers of labels.

POOL is a folder of embeddings.npy (n, dim), labels.csv (a boolean column a concept after the first column) and text.npz
(`<concept>/<kind>`: text embeddings of several qualities).
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from va_widgets.experiments.oracle import PAGE, sources
from va_widgets.learning import Classifier
from va_widgets.learning.feeds import feed

BUDGETS = (12, 24, 48, 96)
BACKGROUND = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--rows", type=int, default=8000, help="how many rows of the pool to use")
    parser.add_argument("--priors", type=float, nargs="+", default=[4, 8, 16])
    parser.add_argument("--cs", type=float, nargs="+", default=[3, 10, 30, 100])
    parser.add_argument("--backgrounds", type=float, nargs="+", default=[1, 4])
    options = parser.parse_args()
    clips = np.load(options.pool / "embeddings.npy")[: options.rows].astype(np.float32)
    labels = pd.read_csv(options.pool / "labels.csv").iloc[: options.rows, 1:].astype(bool)
    rows = []
    with np.load(options.pool / "text.npz") as texts:
        for prior, c, background in product(options.priors, options.cs, options.backgrounds):
            for name in texts.files:
                concept, kind = name.split("/")
                curve = learn(clips, labels[concept].to_numpy(), texts[name], prior, c, background)
                rows.append((prior, c, background, kind, *curve))
    table = pd.DataFrame(rows, columns=["prior", "C", "background", "text", *BUDGETS])
    print(table.groupby(["prior", "C", "background", "text"]).mean().unstack("text").round(3).to_string())


def learn(
    clips: NDArray[np.float32],
    truth: NDArray[np.bool_],
    text: NDArray[np.float32],
    prior: float,
    c: float,
    background_weight: float,
) -> list[float]:
    """AP over the pool at BUDGETS labels: a page from the text, then pages of the feeds in turn."""
    center = clips.mean(axis=0)
    background = clips[np.random.default_rng(0).choice(len(clips), BACKGROUND, replace=False)]
    classifier = Classifier(text, center, background, prior, c, background_weight)
    labelled = np.zeros(len(clips), dtype=bool)
    scores = clips @ text
    curve: list[float] = []
    for version, source in enumerate(sources()):
        name = "top_positive" if source == "search" else source
        labelled[feed(name, scores, PAGE, labelled=labelled, version=version)] = True
        scores = classifier.fit(clips[labelled], truth[labelled]).predict_proba(clips)[:, 1].astype(np.float32)
        if labelled.sum() in BUDGETS:
            curve.append(float(average_precision_score(truth, scores)))
        if len(curve) == len(BUDGETS):
            break
    return curve


if __name__ == "__main__":
    main()
