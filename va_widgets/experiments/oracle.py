"""A scripted annotator that answers by the truth: search first, then the feeds, as a person is told to work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from va_widgets import arguments
from va_widgets.arguments import described, is_within
from va_widgets.errors import LabelError
from va_widgets.experiments.errors import ExperimentError
from va_widgets.session import Session

PAGE = 12
# After the search, pages come from the feeds in this order: twice what teaches most, then a look at what is found.
ROTATION = ("suggested", "suggested", "top_positive")


@dataclass(frozen=True)
class Run:
    """What a scripted labelling reached: `curve` is a DataFrame(labels, source, ap, yes)."""

    concept: str
    labels: int
    ap: float
    curve: pd.DataFrame


def label_by_oracle(
    session: Session,
    truth: pd.Series[bool],
    budget: int = 60,
    *,
    query: str | None = None,
    page: int = PAGE,
    error: float = 0.0,
    tell: bool = False,
) -> Run:
    """Label `budget` clips of a session by the truth, a page at a time, with a refit after each page.

    Parameters
    ----------
    truth : Series of bool, by clip_id
        The truth about every clip of the corpus.
    query : str
        What is searched for at first; the session's concept if it is not given.
    page : int
        How many clips are labelled between two refits.
    error : float
        How often a label is wrong, 0 to 1; which ones depends on the session's seed and the clip.
    tell : bool
        Print a line a page.

    Returns the average precision of the classifier's scores over the whole corpus after each page (Run.curve).
    Raises LabelError if the truth does not cover the corpus or is no truth, ArgumentError for numbers out of range.
    """
    arguments.instance(session, Session, "The session", "a va.Session", error=LabelError)
    arguments.instance(truth, pd.Series, "The truth", "a Series of bool indexed by clip_id", error=LabelError)
    budget = arguments.count(budget, "budget", least=1)
    page = arguments.count(page, "page", least=1)
    error = checked_error(error)
    if query is not None:
        query = arguments.text(query, "query")
    missing = session.corpus.clips.index.difference(truth.index)
    if len(missing):
        raise LabelError(f"The truth says nothing about {len(missing)} clips, {missing[0]!r} among them.")
    if not truth.index.is_unique:
        raise LabelError("The truth names a clip twice: give one value a clip.")
    true = truth.loc[session.corpus.clips.index]
    if true.isna().any() or not true.isin([True, False]).all():
        raise LabelError("The truth must be True or False for every clip, without gaps.")
    true = true.astype(bool)
    said = pd.Series(answers(true.to_numpy(), error, session.seed), index=true.index)
    curve: list[dict[str, object]] = []
    labelled = 0
    pages = sources()
    while labelled < min(budget, len(true)):
        source = next(pages)
        number = min(page, budget - labelled)
        clips = _page(session, source, number, query or session.concept)
        if not clips:
            continue
        for value in (True, False):
            some = [clip for clip in clips if bool(said[clip]) is value]
            if some:
                session.label(some, value, source=source)
        labelled += len(clips)
        session.refit()
        ap, yes = _ap(session, true), session.counts["yes"]
        curve.append({"labels": labelled, "source": source, "ap": ap, "yes": yes})
        if tell:
            print(f"  {labelled:4d} labels   {source:13s} AP {ap:.3f}   {yes} yes")
    table = pd.DataFrame(curve, columns=["labels", "source", "ap", "yes"])
    return Run(session.concept, labelled, float(table["ap"].iloc[-1]), table)


def answers(truth: NDArray[np.bool_], error: float = 0.0, seed: int = 0) -> NDArray[np.bool_]:
    """What an oracle says of every clip, bool (n,), who is wrong about each of them with the probability `error`.

    It depends on the seed and the clip's row alone: asked twice, it says the same. Raises ExperimentError for an error
    that is no probability.
    """
    error = checked_error(error)
    wrong: NDArray[np.bool_] = np.random.default_rng([seed, 0x0AC1E]).random(len(truth)) < error
    return truth ^ wrong


def checked_error(error: object) -> float:
    """How often an oracle is wrong, 0 to 1. Raises ExperimentError for an error that is no probability."""
    if not is_within(error, 0, 1):
        raise ExperimentError(f"How often the oracle is wrong lies between 0 and 1, not at {described(error)}.")
    return float(error)


def sources() -> Iterator[str]:
    """Where the pages come from, without end: the search, then the feeds in ROTATION."""
    yield "search"
    while True:
        yield from ROTATION


def _page(session: Session, source: str, number: int, query: str) -> list[str]:
    if source != "search":
        return list(session.feed(source, number)["clip_id"])
    if not session.searchable:
        return []
    done = session.labels.index
    found = session.search(query, number + len(done))["clip_id"]
    return [clip for clip in found if clip not in done][:number]


def _ap(session: Session, truth: pd.Series[bool]) -> float:
    if not truth.any():
        return float("nan")
    return float(average_precision_score(truth.to_numpy(), np.asarray(session.scores())))
