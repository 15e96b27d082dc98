"""VA's second experiment: policies that choose the source of each next 25 labels.

Sources are named as in the release, "agg" for VA's feeds, because equal rewards are decided by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from va_widgets.experiments.strict.concept import Concept
from va_widgets.experiments.strict.label_set import LabelSet, RefusedError
from va_widgets.experiments.strict.sources import checkpoint_aps

SEED = 1  # of VA's notebook
_SOURCES = ("agg", "zero_shot", "random")
_STEP, _MOST = 25, 1000
_EXP3_SEED = 0  # the release seeds each draw of this policy alike, whatever the step
Row = tuple[str, str, int, float]


def compare_policies(concept: Concept, names: Sequence[str], seed: int) -> list[Row]:
    """Return the rows of `experiment_2`: (concept, policy, n, ap).

    The policy "va" is the annotator's checkpoints; any name that is not in `POLICIES` tries all sources in each step.
    """
    rows: list[Row] = []
    for name in names:
        if name == "va":
            points = [(len(labels), ap) for labels, ap in checkpoint_aps(concept)]
        else:
            points = list(_run(concept, POLICIES[name]() if name in POLICIES else None, seed))
        rows += [(concept.name, name, n, ap) for n, ap in points]
    return rows


# --- labels, batch by batch ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Queue:
    """The clips of a source that are still to be labelled yes, and no, in order."""

    yes: tuple[str, ...]
    no: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.yes) + len(self.no)

    def first(self, n: int) -> _Queue:
        """Return about `n` clips, with the share of yes that the queue has, and one yes at least."""
        if not len(self):
            raise RefusedError("a source is empty")
        yes = min(len(self.yes), max(round(len(self.yes) / len(self) * n), 1))
        return _Queue(self.yes[:yes], self.no[: min(len(self.no), n - yes)])

    def without(self, other: _Queue) -> _Queue:
        """Return the queue without what the other one has with the same label."""
        yes, no = frozenset(other.yes), frozenset(other.no)
        return _Queue(tuple(key for key in self.yes if key not in yes), tuple(key for key in self.no if key not in no))

    def then(self, other: _Queue) -> _Queue:
        """Return the queue, followed by what only the other one has."""
        rest = other.without(self)
        return _Queue(self.yes + rest.yes, self.no + rest.no)


@dataclass(frozen=True)
class _Labelling:
    """The labels so far, and what each source still has; None for one that is used up."""

    sources: Mapping[str, _Queue | None]
    labels: LabelSet = field(default_factory=LabelSet)

    def extended(self, source: str) -> _Labelling:
        """Return the labelling after a batch from a source; the same one if it is used up."""
        queue = self.sources[source]
        if queue is None:
            return self
        batch = queue.first(_STEP)
        used_up = len(batch) < _STEP or len(batch) == len(queue)
        labels = self.labels | LabelSet(frozenset(batch.yes), frozenset(batch.no))
        sources = {name: None if rest is None else rest.without(batch) for name, rest in self.sources.items()}
        return _Labelling({**sources, source: None} if used_up else sources, labels)


def _start(concept: Concept, validation: LabelSet) -> _Labelling:
    """Return the sources before the first label."""
    left_out = frozenset(validation.keys)

    def queue(pairs: Sequence[tuple[str, bool]]) -> _Queue:
        kept = [(key, yes) for key, yes in pairs if key not in left_out]
        return _Queue(tuple(key for key, yes in kept if yes), tuple(key for key, yes in kept if not yes))

    checkpoints = concept.labels.checkpoints
    agg = queue(_shuffled(concept, checkpoints[0])) if checkpoints else _Queue((), ())
    for checkpoint in checkpoints[1:]:
        if len(checkpoint) > len(agg):
            agg = agg.then(queue(_shuffled(concept, checkpoint)))
    return _Labelling({"agg": agg} | {name: queue(concept.labels.baselines[name]) for name in _SOURCES[1:]})


def _shuffled(concept: Concept, checkpoint: LabelSet) -> list[tuple[str, bool]]:
    """Return a checkpoint's clips, yes before no, both shuffled, with the majority's labels; others are left out."""
    rng = np.random.RandomState(0)
    keys = [str(key) for part in (checkpoint.yes, checkpoint.no) for key in rng.permutation(sorted(part))]
    majority = concept.labels.majority
    return [(key, key in majority.yes) for key in keys if key in majority.yes or key in majority.no]


# --- policies --------------------------------------------------------------------------------------


@dataclass
class _Progress:
    """What a policy chooses by: the step, the sources not yet found to be used up, and each one's rewards."""

    seed: int
    step: int = 0
    available: list[str] = field(default_factory=lambda: list(_SOURCES))
    rewards: dict[str, list[float]] = field(default_factory=lambda: {source: [] for source in _SOURCES})

    def mean_reward(self, source: str) -> float:
        """Return a source's mean reward, that of the warm-up included."""
        return float(np.mean(self.rewards[source]))


class _Policy:
    """Chooses a source."""

    warms_up = True  # each source is tried alone before the first step, for its first reward

    def choose(self, progress: _Progress) -> str:
        """Return one of the available sources."""
        raise NotImplementedError

    def learn(self, progress: _Progress, source: str) -> None:
        """Take the newest reward of the chosen source into account."""


class _RoundRobin(_Policy):
    warms_up = False

    def choose(self, progress: _Progress) -> str:
        return progress.available[progress.step % len(progress.available)]


@dataclass
class _EpsilonGreedy(_Policy):
    epsilon: float

    def choose(self, progress: _Progress) -> str:
        rng = np.random.RandomState(progress.seed + progress.step)
        if rng.rand() < self.epsilon:
            return str(rng.choice(progress.available))
        return max(progress.available, key=lambda source: (progress.mean_reward(source), source))


@dataclass
class _Ucb(_Policy):
    c: float

    def choose(self, progress: _Progress) -> str:
        def bound(source: str) -> float:
            pulls = len(progress.rewards[source]) - 1  # the warm-up is none
            return progress.mean_reward(source) + self.c * float(np.sqrt(np.log(progress.step + 1) / pulls))

        return max(progress.available, key=bound)


class _Exp3(_Policy):
    gamma = 0.1

    def __init__(self) -> None:
        self._weights = dict.fromkeys(_SOURCES, 1.0)

    def choose(self, progress: _Progress) -> str:
        probabilities = list(self._probabilities(progress).values())
        return str(np.random.RandomState(_EXP3_SEED).choice(progress.available, p=probabilities))

    def learn(self, progress: _Progress, source: str) -> None:
        estimate = progress.mean_reward(source) / self._probabilities(progress)[source]
        self._weights[source] *= float(np.exp(self.gamma * estimate / len(progress.available)))

    def _probabilities(self, progress: _Progress) -> dict[str, float]:
        total = sum(self._weights[source] for source in progress.available)
        share = self.gamma / len(progress.available)
        return {source: (1 - self.gamma) * self._weights[source] / total + share for source in progress.available}


POLICIES: Mapping[str, Callable[[], _Policy]] = {
    "round_robin": _RoundRobin,
    "epsilon_greedy_0.1": lambda: _EpsilonGreedy(0.1),
    "epsilon_greedy_0.25": lambda: _EpsilonGreedy(0.25),
    "epsilon_greedy_0.5": lambda: _EpsilonGreedy(0.5),
    "ucb_0.01": lambda: _Ucb(0.01),
    "ucb_0.1": lambda: _Ucb(0.1),
    "exp3": _Exp3,
}


# --- a run -----------------------------------------------------------------------------------------


def _run(concept: Concept, policy: _Policy | None, seed: int) -> Iterator[tuple[int, float]]:
    """Yield (n, ap) after each step. Without a policy each step takes the source that gives the highest AP.

    Ends at 1,000 labels, when all sources are used up, or where the release's code raises an error.
    """
    validation = concept.validation(seed)
    labelling, progress, former = _start(concept, validation), _Progress(seed), 0.0
    if policy is not None and policy.warms_up:
        first = {source: _tried(concept, validation, labelling, source) or 0.0 for source in _SOURCES}
        former = min(first.values())
        progress.rewards = {source: [ap - former] for source, ap in first.items()}
    for _ in range(_MOST // _STEP):
        if policy is None:
            source = _best_source(concept, validation, labelling)
        else:
            source = _next_source(policy, progress, labelling)
        if source is None:
            return
        try:
            labelling = labelling.extended(source)
            ap = concept.ap(labelling.labels, validation)
        except RefusedError:
            return
        progress.rewards[source].append(ap - former)
        if policy is not None:
            policy.learn(progress, source)
        progress.step += 1
        former = ap
        yield len(labelling.labels), ap


def _next_source(policy: _Policy, progress: _Progress, labelling: _Labelling) -> str | None:
    """Return the policy's next source: each once, then those it chooses; None if all are used up."""
    if progress.step < len(_SOURCES):
        return _SOURCES[progress.step]
    while progress.available:
        source = policy.choose(progress)
        if labelling.sources[source] is not None:
            return source
        progress.available.remove(source)
    return None


def _best_source(concept: Concept, validation: LabelSet, labelling: _Labelling) -> str | None:
    """Return the source whose next batch gives the highest AP, the first of equal ones; None if there is none."""
    left = [source for source in _SOURCES if labelling.sources[source] is not None]
    aps = {source: _tried(concept, validation, labelling, source) for source in left}
    fitted = {source: ap for source, ap in aps.items() if ap is not None}
    return max(fitted, key=lambda source: fitted[source], default=None)


def _tried(concept: Concept, validation: LabelSet, labelling: _Labelling, source: str) -> float | None:
    """Return the AP after a batch from a source; None where the release's code raises an error."""
    try:
        return concept.ap(labelling.extended(source).labels, validation)
    except RefusedError:
        return None
