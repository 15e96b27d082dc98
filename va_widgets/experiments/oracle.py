"""A scripted annotator that answers by the truth: search first, then the feeds, as a person is told to work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from va_widgets.errors import LabelError
from va_widgets.session import Session

PAGE = 12
# After the search, pages come from the feeds in this order, again and again.
ROTATION = ("top_positive", "borderline", "random", "top_positive", "borderline", "top_negative")


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
    tell : bool
        Print a line a page.

    Returns the average precision of the classifier's scores over the whole corpus after each page (Run.curve).
    Raises LabelError if the truth does not cover the corpus.
    """
    missing = session.corpus.clips.index.difference(truth.index)
    if len(missing):
        raise LabelError(f"The truth says nothing about {len(missing)} clips, {missing[0]!r} among them.")
    answers = truth.loc[session.corpus.clips.index]
    curve: list[dict[str, object]] = []
    labelled = 0
    pages = sources()
    while labelled < min(budget, len(answers)):
        source = next(pages)
        number = min(page, budget - labelled)
        clips = _page(session, source, number, query or session.concept)
        if not clips:
            continue
        for value in (True, False):
            some = [clip for clip in clips if bool(answers[clip]) is value]
            if some:
                session.label(some, value, source=source)
        labelled += len(clips)
        session.refit()
        ap, yes = _ap(session, answers), session.counts["yes"]
        curve.append({"labels": labelled, "source": source, "ap": ap, "yes": yes})
        if tell:
            print(f"  {labelled:4d} labels   {source:13s} AP {ap:.3f}   {yes} yes")
    table = pd.DataFrame(curve, columns=["labels", "source", "ap", "yes"])
    return Run(session.concept, labelled, float(table["ap"].iloc[-1]), table)


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


def _ap(session: Session, answers: pd.Series[bool]) -> float:
    if not answers.any():
        return float("nan")
    return float(average_precision_score(answers.to_numpy(), np.asarray(session.scores())))
