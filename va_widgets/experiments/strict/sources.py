"""VA's first experiment: the annotator's checkpoints against the baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from va_widgets.experiments.strict.concept import Concept
from va_widgets.experiments.strict.label_set import LabelSet, RefusedError

_MORE = 10  # labels that a checkpoint may have beyond a budget
Row = tuple[str, str, int, float, float, int]


def compare_sources(concept: Concept, budgets: Sequence[int]) -> list[Row]:
    """Return the rows of `experiment_1`: (concept, source, n, ap, diversity, labels)."""
    validation = concept.validation()
    text_ap = concept.text_ap(validation)
    rows: list[Row] = [] if text_ap is None else [(concept.name, "text", 0, text_ap, 0.0, 0)]
    points = checkpoint_aps(concept)
    for n in budgets:
        reached = [point for point in points if len(point[0]) <= n + _MORE]
        if reached:
            labels, ap = max(reached, key=lambda point: point[1])  # the first of equal ones
            rows.append((concept.name, "va", n, ap, concept.diversity(labels), len(labels)))
    left_out = frozenset(validation.keys)
    answers = {
        name: [(key, yes) for key, yes in pairs if key not in left_out]
        for name, pairs in concept.labels.baselines.items()
    }
    for source, first_n in _BASELINES.items():
        for n in budgets:
            try:
                labels = first_n(answers, n)
                ap = concept.ap(labels, validation)
            except RefusedError:
                continue
            rows.append((concept.name, source, n, ap, concept.diversity(labels), len(labels)))
    return rows


def checkpoint_aps(concept: Concept) -> list[tuple[LabelSet, float]]:
    """Return the labels of each checkpoint that are outside the validation set, with their validation AP.

    Checkpoints that scikit-learn cannot fit, because labels of one kind are missing, are left out.
    """
    validation = concept.validation()
    points = []
    for checkpoint in concept.labels.checkpoints:
        labels = checkpoint.without(validation.keys)
        try:
            points.append((labels, concept.ap(labels, validation)))
        except RefusedError:
            continue
    return points


_Answers = Mapping[str, Sequence[tuple[str, bool]]]


def _half_half(answers: _Answers, n: int) -> LabelSet:
    """Return half of the labels from each baseline; a clip of both counts once."""
    half = round(n / 2)  # 12 of 25: Python rounds to the even number
    return LabelSet.of(answers["random"][:half]) | LabelSet.of(answers["zero_shot"][: n - half])


_BASELINES: Mapping[str, Callable[[_Answers, int], LabelSet]] = {
    "random": lambda answers, n: LabelSet.of(answers["random"][:n]),
    "zero_shot": lambda answers, n: LabelSet.of(answers["zero_shot"][:n]),
    "half_half": _half_half,
}
