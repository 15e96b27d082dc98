"""How far the annotators of a concept agree, as tables, and as a text that can be read."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from va_widgets.base.texts import counted
from va_widgets.labels.agreement_measures import MISSING, Estimate, estimates
from va_widgets.labels.majority import ADJUDICATION, CountingRule
from va_widgets.labels.rows import Event

_NAMES = {
    "unanimous": "all labels of a clip are equal",
    "raw": "two labels of a clip are equal",
    "gwet": "Gwet's AC1",
    "fleiss": "Fleiss' kappa",
    "krippendorff": "Krippendorff's alpha",
}
_OF_PAIRS = ("raw", "cohen", "gwet")
_PAIR_COLUMNS = ("first", "second", "clips", *(f"{name}{part}" for name in _OF_PAIRS for part in ("", "_low", "_high")))
_FEW = 20  # clips of which bootstrap intervals say too little
_RARE = 0.2  # the share of a value below which the measures that end in kappa or alpha need a warning


@dataclass(frozen=True)
class AnnotatorAgreement:
    """How far the annotators of a concept agree; `print` shows all of it.

    Attributes
    ----------
    measures : DataFrame(value, low, high)
        By "unanimous", "raw", "gwet", "fleiss" and "krippendorff", with 95 % intervals; what they are is written at
        `va_widgets.labels.agreement_measures.estimates`. NaN where a measure is not defined.
    pairs : DataFrame(first, second, clips, raw, raw_low, raw_high, cohen, …, gwet, …)
        The same of every two annotators, on the clips that both have labelled.
    clips : int
        That two or more annotators have labelled.
    annotators : tuple of str
    yes : float
        The share of yes among the labels of these clips; NaN without any.
    """

    measures: pd.DataFrame
    pairs: pd.DataFrame
    clips: int
    annotators: tuple[str, ...]
    yes: float

    def __str__(self) -> str:
        if not self.clips:
            return "No clip has labels of two annotators: nothing can be said about their agreement yet."
        rows = [(name, *self.measures.loc[key]) for key, name in _NAMES.items()]
        width = max(len(name) for name in _NAMES.values())
        lines = [
            f"{counted(len(self.annotators), 'annotator')}, {counted(self.clips, 'clip')} with labels of two or more of"
            f" them, {self.yes:.0%} of these labels are yes",
            *(f"  {name:<{width}}  {_shown(Estimate(*numbers))}" for name, *numbers in rows),
        ]
        if self.measures["value"].isna().any():
            lines.append("  All labels have one value: kappa and alpha, which allow for chance, are not defined.")
        elif min(self.yes, 1 - self.yes) < _RARE:
            lines.append(
                "  One value is rare: kappa and alpha are then low even where annotators nearly always agree;"
                " read the first three."
            )
        if self.clips < _FEW:
            lines.append("  The clips are few: the true intervals are wider than what so few give by bootstrap.")
        if len(self.pairs):
            lines.append("by pair, on the clips that both have labelled: equal labels, Cohen's kappa, AC1")
        for pair in self.pairs.to_dict("records"):
            shown = [_shown(Estimate(*(pair[f"{name}{part}"] for part in ("", "_low", "_high")))) for name in _OF_PAIRS]
            lines.append(
                f"  {pair['first']} and {pair['second']}, {counted(pair['clips'], 'clip')}:  {'   '.join(shown)}"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def agreement_of(answers: pd.DataFrame, *, unsure: bool = False, seed: int = 0) -> AnnotatorAgreement:
    """Return how far annotators agree.

    Parameters
    ----------
    answers : DataFrame of "yes", "no", "unsure" or None (clips, annotators)
    unsure : bool
        Whether "unsure" is a third value; otherwise it is no answer.
    seed : int
        Of the bootstrap.
    """
    values = ("no", "yes", "unsure") if unsure else ("no", "yes")
    codes = np.full(answers.shape, MISSING, dtype=np.int8)
    for code, value in enumerate(values):
        codes[(answers == value).to_numpy(dtype=bool)] = code
    codes = codes[np.count_nonzero(codes != MISSING, axis=1) > 1]
    whole = estimates(codes, len(values), seed=seed)
    columns = {str(name): index for index, name in enumerate(answers.columns)}
    annotators = tuple(name for name, index in columns.items() if (codes[:, index] != MISSING).any())
    pairs: list[tuple[object, ...]] = []
    for first, second in combinations(annotators, 2):
        both = codes[:, [columns[first], columns[second]]]
        both = both[(both != MISSING).all(axis=1)]
        if len(both):
            of_pair = estimates(both, len(values), seed=seed)
            pairs.append((first, second, len(both), *(number for name in _OF_PAIRS for number in of_pair[name])))
    return AnnotatorAgreement(
        measures=pd.DataFrame(
            [whole[name] for name in _NAMES], columns=list(Estimate._fields), index=pd.Index(_NAMES, name="measure")
        ),
        pairs=pd.DataFrame(pairs, columns=list(_PAIR_COLUMNS)),
        clips=len(codes),
        annotators=annotators,
        yes=float(np.mean(codes[codes != MISSING] == 1)) if len(codes) else float("nan"),
    )


def answers_table(labels: Iterable[Event], rule: CountingRule, *, decisions: bool = True) -> pd.DataFrame:
    """Return the labels as DataFrame of "yes", "no", "unsure" or None (clips, annotators), clips and names in order.

    `labels` are each annotator's newest events. Without `decisions`, labels that decide between others are left out:
    who gave them knew the others.
    """
    decided = {decision.event_id for decision in rule.decisions.values()}
    votes: dict[str, dict[str, str]] = {}
    for event in labels:
        if decisions or (event.source != ADJUDICATION and event.event_id not in decided):
            votes.setdefault(event.annotator, {})[event.clip_id] = event.value
    clips = sorted({clip for own in votes.values() for clip in own})
    table = {who: np.array([votes[who].get(clip) for clip in clips], dtype=object) for who in sorted(votes)}
    return pd.DataFrame(table, index=pd.Index(clips, dtype=str, name="clip_id"))


def _shown(estimate: Estimate) -> str:
    value, low, high = estimate
    if not np.isfinite(value):
        return "not defined"
    return f"{value:.2f} ({low:.2f} to {high:.2f})" if np.isfinite(low) else f"{value:.2f}"
