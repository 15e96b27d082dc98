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

from va_widgets.experiments.oracle import PAGE, ROTATION
from va_widgets.learning import Classifier

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
    rng = np.random.default_rng(0)
    center = clips.mean(axis=0)
    background = clips[rng.choice(len(clips), BACKGROUND, replace=False)]
    known = list(np.argsort(-(clips @ text))[:PAGE])
    curve = []
    for turn in range(max(BUDGETS)):
        classifier = Classifier(text, center, background, prior, c, background_weight).fit(clips[known], truth[known])
        scores = classifier.decision_function(clips)
        if len(known) in BUDGETS:
            curve.append(float(average_precision_score(truth, scores)))
        if len(known) >= max(BUDGETS):
            break
        order = {
            "top_positive": -scores,
            "borderline": np.abs(scores),
            "top_negative": scores,
            "random": rng.random(len(scores)),
        }[ROTATION[turn % len(ROTATION)]]
        fresh = np.setdiff1d(np.arange(len(clips)), known)
        known += list(fresh[np.argsort(order[fresh])[:PAGE]])
    return curve


if __name__ == "__main__":
    main()
