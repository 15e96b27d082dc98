"""A scripted annotator that labels by the truth: a page of search results first, then pages of the feeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from va_widgets.base import arguments
from va_widgets.base.arguments import described, is_within
from va_widgets.base.errors import LabelError
from va_widgets.base.texts import counted
from va_widgets.experiments.errors import ExperimentError
from va_widgets.session import Session

PAGE = 12
# The feeds of the pages after the search, in turn: two pages of the most informative clips, then one of the best.
ROTATION = ("suggested", "suggested", "top_positive")


@dataclass(frozen=True)
class Run:
    """The result of `label_by_oracle`; `curve` is a DataFrame(labels, source, ap, yes) with one row per page."""

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

    The first page is from a search, the others are from the feeds in ROTATION.

    Parameters
    ----------
    truth : Series of bool, by clip_id
        The truth about every clip of the corpus.
    query : str
        The text of the search; the session's concept if not given.
    page : int
        The number of clips to label between two refits.
    error : float
        The share of wrong labels, 0 to 1. The session's seed and the clip determine which ones are wrong.
    tell : bool
        Print one line per page.

    Returns the average precision of the classifier's scores over the whole corpus after each page (Run.curve).
    It ends early where no clips are left. Raises LabelError if there are none to begin with, or if the truth does not
    cover the corpus or has values other than bool; ArgumentError for numbers out of range.
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
        raise LabelError(f"The truth says nothing about {counted(len(missing), 'clip')}, {missing[0]!r} among them.")
    if not truth.index.is_unique:
        raise LabelError("The truth names a clip twice: give one value a clip.")
    clip_truth = truth.loc[session.corpus.clips.index]
    if clip_truth.isna().any() or not clip_truth.isin([True, False]).all():
        raise LabelError("The truth must be True or False for every clip, without gaps.")
    clip_truth = clip_truth.astype(bool)
    votes = pd.Series(answers(clip_truth.to_numpy(), error, session.seed), index=clip_truth.index)
    curve: list[dict[str, object]] = []
    labelled, fruitless = 0, 0
    pages = sources()
    while labelled < budget and fruitless <= len(ROTATION):  # then no source has a clip without a label any more
        source = next(pages)
        number = min(page, budget - labelled)
        clips = _page(session, source, number, query or session.concept)
        if not clips:
            fruitless += 1
            continue
        fruitless = 0
        for value in (True, False):
            matching = [clip for clip in clips if bool(votes[clip]) is value]
            if matching:
                session.label(matching, value, source=source)
        labelled += len(clips)
        session.refit()
        ap, yes = _ap(session, clip_truth), session.counts["yes"]
        curve.append({"labels": labelled, "source": source, "ap": ap, "yes": yes})
        if tell:
            print(f"  {labelled:4d} labels   {source:13s} AP {ap:.3f}   {yes} yes")
    if not curve:
        raise LabelError(f"All clips of the corpus are labelled for {described(session.concept)} already.")
    table = pd.DataFrame(curve, columns=["labels", "source", "ap", "yes"])
    return Run(session.concept, labelled, float(table["ap"].iloc[-1]), table)


def answers(truth: NDArray[np.bool_], error: float = 0.0, seed: int = 0) -> NDArray[np.bool_]:
    """Return the oracle's answer for every clip, bool (n,): the truth, inverted with probability `error`.

    Which answers are wrong depends on the seed and the clip's row alone, so that repeated calls agree. Raises
    ExperimentError if `error` is no probability.
    """
    error = checked_error(error)
    wrong: NDArray[np.bool_] = np.random.default_rng([seed, 0x0AC1E]).random(len(truth)) < error
    return truth ^ wrong


def checked_error(error: object) -> float:
    """Return the share of wrong labels as a float. Raises ExperimentError if it is not between 0 and 1."""
    if not is_within(error, 0, 1):
        raise ExperimentError(f"How often the oracle is wrong lies between 0 and 1, not at {described(error)}.")
    return float(error)


def sources() -> Iterator[str]:
    """Yield the sources of the pages without end: the search, then the feeds in ROTATION."""
    yield "search"
    while True:
        yield from ROTATION


def _page(session: Session, source: str, number: int, query: str) -> list[str]:
    if source != "search":
        return list(session.feed(source, number)["clip_id"])
    if not session.searchable:
        return []
    labelled = session.labels.index
    matches = session.search(query, number + len(labelled))["clip_id"]
    return [clip for clip in matches if clip not in labelled][:number]


def _ap(session: Session, truth: pd.Series[bool]) -> float:
    if not truth.any():
        return float("nan")
    return float(average_precision_score(truth.to_numpy(), np.asarray(session.scores())))
