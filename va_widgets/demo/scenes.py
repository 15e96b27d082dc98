"""The content of the demo's shots: scenes whose attributes are all known.

A :class:`Scene` is pure data. `render.py` turns it into images, `concepts.py` into ground truth and `captions.py` into
training text, so that all three always agree about the content of a shot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.random import Generator

Shares: TypeAlias = dict[str, float]

# The share of each value among the shots; the shares of an attribute add up to 1. Concepts range from common (night,
# 30 %) to rare (a red circle at night, about 1 %).
ATTRIBUTES: dict[str, Shares] = {
    "setting": {
        "city": 0.20,
        "sea": 0.18,
        "forest": 0.16,
        "mountains": 0.14,
        "desert": 0.12,
        "meadow": 0.10,
        "interior": 0.10,
    },
    "light": {"day": 0.40, "night": 0.30, "golden": 0.30},
    "weather": {"clear": 0.70, "rain": 0.12, "snow": 0.10, "fog": 0.08},
    "subject": {
        "circle": 0.16,
        "square": 0.13,
        "triangle": 0.12,
        "star": 0.11,
        "heart": 0.09,
        "ring": 0.07,
        "cross": 0.06,
        "car": 0.10,
        "balloon": 0.08,
        "none": 0.08,
    },
    "colour": {
        "red": 0.20,
        "blue": 0.17,
        "green": 0.14,
        "yellow": 0.14,
        "purple": 0.12,
        "orange": 0.11,
        "white": 0.12,
    },
    "framing": {"close-up": 0.28, "medium": 0.42, "wide": 0.30},
    "camera": {"static": 0.50, "pan": 0.28, "zoom": 0.22},
    "count": {"one": 0.60, "two": 0.17, "three": 0.11, "many": 0.12},
}

# Pairs of values that never occur together in the tiny model's training data; retrieval of them is measured separately.
HELD_OUT: tuple[dict[str, str], ...] = (
    {"colour": "green", "subject": "star"},
    {"colour": "purple", "subject": "square"},
    {"colour": "yellow", "subject": "heart"},
    {"colour": "blue", "subject": "triangle"},
    {"colour": "orange", "subject": "cross"},
    {"colour": "white", "subject": "ring"},
    {"setting": "desert", "light": "night"},
    {"setting": "meadow", "light": "golden"},
    {"setting": "forest", "subject": "car"},
)

# Combinations that every corpus has, even a small one, because the quickstart searches for them.
_GUARANTEED: tuple[dict[str, str], ...] = (
    {"colour": "red", "subject": "circle", "light": "night"},
    {"colour": "blue", "subject": "car"},
    {"setting": "mountains", "weather": "snow"},
)
_GUARANTEED_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Scene:
    """One shot's content. `colour` and `count` are "none" without a subject; `seed` determines all other details."""

    setting: str
    light: str
    weather: str
    subject: str
    colour: str
    framing: str
    camera: str
    count: str
    seed: int

    def has(self, **attributes: str) -> bool:
        """Return True if every given attribute has the given value."""
        return all(getattr(self, name) == value for name, value in attributes.items())

    def as_dict(self) -> dict[str, str | int]:
        """Return the attributes as plain data, for a table of ground truth."""
        return asdict(self)


def sample_scenes(n: int, seed: int, *, skip: Sequence[dict[str, str]] = ()) -> list[Scene]:
    """Draw `n` random scenes with the shares of `ATTRIBUTES`; the same `n` and `seed` give the same scenes.

    Each attribute has exact quotas, shuffled, rather than independent draws, so that rare values keep their share in a
    corpus of a few hundred clips. Scenes that match one of `skip` are drawn again.
    """
    rng = np.random.default_rng([seed, n])
    decks = {name: _deck(shares, n, rng) for name, shares in ATTRIBUTES.items()}
    seeds = rng.integers(0, 2**31 - 1, size=n)
    scenes = [
        _consistent(Scene(**{name: deck[i] for name, deck in decks.items()}, seed=int(seeds[i])), rng) for i in range(n)
    ]
    scenes = [_redrawn(scene, skip, rng) for scene in scenes]
    for combination in _GUARANTEED:
        if not any(all(item in combination.items() for item in pair.items()) for pair in skip):
            _top_up(scenes, combination, max(1, round(_GUARANTEED_SHARE * n)), skip, rng)
    return scenes


def _deck(shares: Shares, n: int, rng: Generator) -> list[str]:
    """Return `n` values in the given shares, rounded by largest remainders, in random order."""
    exact = np.array(list(shares.values())) * n
    quota = np.floor(exact).astype(int)
    for i in np.argsort(quota - exact, kind="stable")[: n - int(quota.sum())]:
        quota[i] += 1
    deck = [value for value, number in zip(shares, quota, strict=True) for _ in range(number)]
    return [deck[i] for i in rng.permutation(n)]


def _consistent(scene: Scene, rng: Generator) -> Scene:
    """Return the scene without impossible combinations: weather indoors, a close-up of nothing, or of many subjects."""
    if scene.setting == "interior":
        scene = replace(scene, weather="clear")
    if scene.subject == "none":
        return replace(scene, framing="wide", colour="none", count="none")
    if scene.framing == "close-up" and scene.count in ("three", "many"):
        scene = replace(scene, framing=str(rng.choice(["medium", "wide"])))
    return scene


def _redrawn(scene: Scene, skip: Sequence[dict[str, str]], rng: Generator) -> Scene:
    """Return the scene with attributes drawn again until it matches none of `skip`."""
    while any(scene.has(**pair) for pair in skip):
        pair = next(pair for pair in skip if scene.has(**pair))
        name = str(rng.choice(sorted(pair)))
        others = {value: share for value, share in ATTRIBUTES[name].items() if value != "none"}
        total = sum(others.values())
        value = str(rng.choice(list(others), p=[share / total for share in others.values()]))
        scene = _consistent(replace(scene, **{name: value}), rng)  # type: ignore[arg-type]  # its attributes are strings
    return scene


def _top_up(
    scenes: list[Scene],
    combination: dict[str, str],
    at_least: int,
    skip: Sequence[dict[str, str]],
    rng: Generator,
) -> None:
    """Change random scenes, in place, until `at_least` scenes have the combination."""
    missing = at_least - sum(scene.has(**combination) for scene in scenes)
    spare = [
        i
        for i, scene in enumerate(scenes)
        if scene.subject != "none"
        and scene.setting != "interior"
        and not any(scene.has(**other) for other in _GUARANTEED)
    ]
    for i in rng.permutation(spare)[: max(missing, 0)]:
        changed = replace(scenes[i], **combination)
        if not any(changed.has(**pair) for pair in skip):
            scenes[i] = changed
