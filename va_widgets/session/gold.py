"""Clips whose answer is known, mixed into the feeds to see how often annotators are right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from va_widgets.base.arguments import is_within
from va_widgets.base.errors import LabelError

GOLD = ("", "gold clips")
"""The annotator and the key of the document that holds the gold clips of a concept."""
Known: TypeAlias = Literal["yes", "no"]


class Gold(NamedTuple):
    """The gold clips of a concept: the answer of each, and the share of a feed that they are, 0 to 1."""

    answers: Mapping[str, Known]
    rate: float

    def document(self) -> dict[str, object]:
        """Return the document in which they are kept."""
        return {"answers": dict(self.answers), "rate": self.rate}


NO_GOLD = Gold({}, 0.0)


def gold_of(labels: Mapping[str, str], rate: float) -> Gold:
    """Return gold clips. Raises LabelError for an answer that is neither yes nor no."""
    for clip, value in labels.items():
        if value not in ("yes", "no"):
            raise LabelError(f"The answer of a gold clip must be yes or no, and that of {clip!r} is {value!r}.")
    return Gold({clip: "yes" if value == "yes" else "no" for clip, value in labels.items()}, rate)


def gold_in(document: object) -> Gold:
    """Return the gold clips in a document that is kept as GOLD; none if it is of another form."""
    if not isinstance(document, Mapping) or not isinstance(document.get("answers"), Mapping):
        return NO_GOLD
    rate = document.get("rate")
    answers: dict[str, Known] = {
        clip: "yes" if value == "yes" else "no"
        for clip, value in document["answers"].items()
        if isinstance(clip, str) and value in ("yes", "no")
    }
    return Gold(answers, float(rate) if is_within(rate, 0, 1) else 0.0)


def mixed(page: pd.DataFrame, gold: pd.Series[float], k: int, rate: float, rng: np.random.Generator) -> pd.DataFrame:
    """Return a page of a feed with gold clips among its own, `k` clips in all, so that nothing tells them apart.

    Parameters
    ----------
    page : DataFrame(clip_id, score, reason)
    gold : Series of scores by clip_id
        The gold clips to choose from, none of them on the page. A place gets the one whose score is nearest to those
        beside it; its score is shown as one between these, and its reason is theirs.
    k : int
    rate : float
        The share of gold clips, 0 to 1: on a page it is rounded up or down at random.
    rng : numpy.random.Generator
    """
    number = min(int(k * rate + rng.random()), len(gold), k)
    own = page.iloc[: k - number]
    if not number or page.empty:
        return page
    places = np.sort(rng.choice(len(own) + number, number, replace=False))
    rows = own.to_dict("records")
    left = gold.copy()
    for place in places:
        beside = rows[max(0, place - 1) : place + 1] or page.head(1).to_dict("records")
        scores = np.array([row["score"] for row in beside], dtype=float)
        score = np.nan
        clip = left.index[0]
        if np.isfinite(scores).all():
            clip = (left - scores.mean()).abs().idxmin()
            score = float(np.clip(left[clip], scores.min(), scores.max()))
        rows.insert(place, {**beside[-1], "clip_id": clip, "score": score})
        left = left.drop(clip)
    return pd.DataFrame(rows, columns=page.columns).astype(page.dtypes)


def accuracy(gold: Gold, answers: pd.DataFrame) -> pd.DataFrame:
    """Return how often each annotator is right: DataFrame(annotator, clips, right, unsure, accuracy, low, high).

    `clips` are those with the annotator's yes or no; `low` and `high` the limits of Wilson's 95 % interval (Wilson
    1927, Journal of the American Statistical Association 22). `answers` is as `answers_table` returns it.
    """
    from scipy.stats import binomtest  # takes half a second to load

    rows: list[tuple[object, ...]] = []
    known = answers[answers.index.isin(list(gold.answers))]
    truth = pd.Series(gold.answers, dtype=object).reindex(known.index)
    for name in known.columns:
        own = known[name]
        clips, unsure = int(own.isin(["yes", "no"]).sum()), int((own == "unsure").sum())
        if not clips + unsure:
            continue
        right = int((own == truth).sum())
        share, low, high = float("nan"), float("nan"), float("nan")
        if clips:
            share = right / clips
            low, high = binomtest(right, clips).proportion_ci(method="wilson")
        rows.append((name, clips, right, unsure, share, float(low), float(high)))
    return pd.DataFrame(rows, columns=["annotator", "clips", "right", "unsure", "accuracy", "low", "high"])
