"""Measures of agreement, against published examples and what other packages computed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from va_widgets.labels.agreement_measures import estimates
from va_widgets.labels.annotator_agreement import agreement_of

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": four observers, twelve units, "." is missing.
KRIPPENDORFF = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
# How many of fourteen raters chose each of five values, for ten subjects: the example of Wikipedia's "Fleiss' kappa".
FLEISS = "0 0 0 0 14,0 2 6 4 2,0 0 3 5 6,0 3 9 2 0,2 2 8 1 1,7 7 0 0 0,3 2 6 3 0,2 5 3 2 2,6 5 2 1 0,0 2 2 3 7"


def codes_of(rows: tuple[str, ...]) -> NDArray[np.int8]:
    return np.array([[-1 if sign == "." else int(sign) - 1 for sign in row.split()] for row in rows], dtype=np.int8).T


def test_published_examples() -> None:
    assert estimates(codes_of(KRIPPENDORFF), 5)["krippendorff"].value == pytest.approx(0.743, abs=5e-4)
    counts = [list(map(int, row.split())) for row in FLEISS.split(",")]
    raters = np.array([np.repeat(np.arange(5), row) for row in counts], dtype=np.int8)
    assert estimates(raters, 5)["fleiss"].value == pytest.approx(0.210, abs=5e-4)
    # Gwet 2008: 118 clips that both call yes, 7 about which they differ. Kappa collapses, AC1 does not.
    rare = np.array([[1, 1]] * 118 + [[1, 0]] * 5 + [[0, 1]] * 2, dtype=np.int8)
    found = estimates(rare, 2)
    assert found["raw"].value == found["unanimous"].value == pytest.approx(0.944)
    assert found["cohen"].value == pytest.approx(-0.0234, abs=5e-5)
    assert found["gwet"].value == pytest.approx(0.9408, abs=5e-5)


def four_annotators() -> NDArray[np.int8]:
    """Return labels of 40 clips, three values, a quarter of them missing, two a clip at least."""
    rng = np.random.default_rng(7)
    truth = rng.random(40) < 0.3
    codes = np.where(rng.random((40, 4)) < 0.2, ~truth[:, None], truth[:, None]).astype(np.int8)
    codes[rng.random((40, 4)) < 0.1] = 2
    missing = rng.random((40, 4)) < 0.25
    missing[:, :2][missing.sum(axis=1) > 2] = False
    codes[missing] = -1
    return codes


def test_values_of_other_packages() -> None:
    found = estimates(four_annotators(), 3)
    assert found["raw"].value == pytest.approx(0.5625)
    assert found["krippendorff"].value == pytest.approx(0.27385567571243974)  # krippendorff 0.9.0
    assert found["fleiss"].value == pytest.approx(0.2261274126, abs=1e-9)  # irrCAC 0.4.4
    assert found["gwet"].value == pytest.approx(0.3901000163, abs=1e-9)  # irrCAC 0.4.4
    first, second = (row := four_annotators()[:, :2])[(row >= 0).all(axis=1)].T
    cohen = estimates(np.stack([first, second], axis=1), 3)["cohen"].value
    assert cohen == pytest.approx(cohen_kappa_score(first, second))


def test_intervals_are_those_of_a_bootstrap_over_clips() -> None:
    codes = four_annotators()
    found = estimates(codes, 3, resamples=2000, seed=3)
    assert found == estimates(codes, 3, resamples=2000, seed=3)
    rng = np.random.default_rng(0)
    samples = [estimates(codes[rng.integers(0, 40, 40)], 3, resamples=1) for _ in range(400)]
    for name, estimate in found.items():
        low, high = np.quantile([sample[name].value for sample in samples], [0.025, 0.975])
        assert estimate.low == pytest.approx(low, abs=0.04)
        assert estimate.high == pytest.approx(high, abs=0.04)
        assert estimate.low < estimate.value < estimate.high


def test_where_nothing_can_be_said() -> None:
    alone = np.array([[1, -1], [-1, 0]], dtype=np.int8)
    assert all(np.isnan(estimate.value) for estimate in estimates(alone, 2).values())
    equal = estimates(np.ones((5, 2), dtype=np.int8), 2)
    assert {tuple(equal[name]) for name in ("unanimous", "raw", "gwet")} == {(1.0, 1.0, 1.0)}
    assert np.isnan([equal[name] for name in ("fleiss", "cohen", "krippendorff")]).all()


def test_the_table_and_its_text() -> None:
    labels = pd.DataFrame(
        {
            "ada": ["yes", "no", "no", "no", "no", "unsure", None],
            "<b>sam</b>": ["yes", "no", "no", "no", "yes", "no", "no"],
            "kelli": [None, None, None, "no", None, None, None],
            "jo": [None] * 6 + ["unsure"],
        },
        index=list("abcdefg"),
    )
    found = agreement_of(labels)
    assert (found.clips, found.annotators, found.yes) == (5, ("ada", "<b>sam</b>", "kelli"), 3 / 11)
    assert found.measures.loc["unanimous", "value"] == 0.8
    assert found.pairs[["first", "second", "clips", "raw"]].to_numpy().tolist() == [
        ["ada", "<b>sam</b>", 5, 0.8],
        ["ada", "kelli", 1, 1.0],
        ["<b>sam</b>", "kelli", 1, 1.0],
    ]
    assert str(found).startswith(
        "3 annotators, 5 clips with labels of two or more of them, 27% of these labels are yes"
    )
    assert "kelli, 1 clip:  1.00" in str(found)
    assert "not defined" in str(found)  # the kappa of two equal labels
    assert "<b>" not in found._repr_html_()
    assert "rare" not in str(found)
    with_unsure = agreement_of(labels, unsure=True)
    assert (with_unsure.clips, with_unsure.measures.loc["unanimous", "value"]) == (7, 4 / 7)
    assert "The clips are few" in str(found)
    equal = str(agreement_of(labels.replace({"yes": "no"}).iloc[:4]))
    assert "All labels have one value: kappa and alpha, which allow for chance, are not defined." in equal
    assert "rare" not in equal
    many = pd.DataFrame({"ada": ["yes"] + ["no"] * 19, "sam": ["no"] * 20})
    assert "rare" in str(agreement_of(many))
    assert "few" not in str(agreement_of(many))
    assert str(agreement_of(labels[["jo"]])).startswith("No clip has labels of two annotators")
