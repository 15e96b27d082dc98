"""A clip's motion in a few words, and texts that name a move as rules that rank clips.

Both need the readable numbers alone: `MotionNumbers` of a clip, or a table with columns of these names. Texts are
English.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from va_widgets.video.motion import patterns
from va_widgets.video.motion.features import readable
from va_widgets.video.motion.readable import MotionNumbers
from va_widgets.video.motion.texts import tidied

if TYPE_CHECKING:
    import pandas as pd

Columns: TypeAlias = "Mapping[str, ArrayLike] | pd.DataFrame"
"""The readable numbers of n clips by name, each (n,): `corpus.motion`, or a mapping like it."""

# Speeds in shares of the picture a second.
_STILL = 0.015  # up to which the camera seems to stand
# The least speed of a move that is named. A slow zoom catches the eye, and is measured more surely than a slow pan.
_LEAST = {"pan": _STILL, "tilt": _STILL, "zoom": 0.012, "roll": 2 * _STILL}
# In a long clip slower moves are named, too, if they come this far in all; but not below a share of the least speed,
# where a move may be an error of measurement.
_COMES_FAR, _LEAST_SHARE = 0.12, 0.5
_SLOW, _FAST = 0.05, 0.35  # up to which a move is slow, from which it is fast
_SHAKY = 0.08
_LIVELY = 0.02  # of the subject
_BESIDES = 0.5  # of the strongest move, from which a second one is named
# At a picture's edge, half a picture from its centre, zoom and roll are seen half as fast as they are.
_SEEN = {"pan": 1.0, "tilt": 1.0, "zoom": 0.75, "roll": 0.5}
_MOVES = {
    ("pan", -1): "camera moves left",
    ("pan", 1): "camera moves right",
    ("pan", 0): "camera moves sideways",
    ("tilt", -1): "camera moves down",
    ("tilt", 1): "camera moves up",
    ("tilt", 0): "camera moves up or down",
    ("zoom", -1): "zooms out",
    ("zoom", 1): "zooms in",
    ("zoom", 0): "zooms",
    ("roll", -1): "camera turns anticlockwise",
    ("roll", 1): "camera turns clockwise",
    ("roll", 0): "camera turns",
}


def motion_in_words(numbers: Mapping[str, float], seconds: float = 0.0) -> str:
    """Return what a clip's readable numbers, by name, say: "static", "camera moves left", "zooms in slowly", "shaky".

    At most two moves are named, the stronger one first. In a clip of many `seconds` slower moves are named, too.
    """
    seen = {axis: abs(numbers[axis]) * weight for axis, weight in _SEEN.items()}
    strongest = max(seen.values())
    if numbers["shake"] > max(_SHAKY, strongest):
        return "shaky"
    moves = _moves(numbers, seconds)
    if not moves:
        return "static, subject moves" if numbers["subject_motion"] > _LIVELY else "static"
    pace = " slowly" if strongest < _SLOW else " fast" if strongest > _FAST else ""
    return _phrase(moves) + pace


class MotionSign(NamedTuple):
    """The same as `motion_in_words` for where there is little room.

    `direction` is where the camera moves, in degrees clockwise from the right, a multiple of 45; None if it neither
    moves sideways nor up or down. `word` says what an arrow cannot: "static", "shaky", "zooms in", "turns"; empty where
    the direction is all.
    """

    direction: int | None
    word: str


def motion_sign(numbers: Mapping[str, float], seconds: float = 0.0) -> MotionSign:
    """Return what the numbers of a clip of so many seconds, by name, say as an arrow and a word."""
    words = motion_in_words(numbers, seconds)
    if words.startswith(("static", "shaky")):
        return MotionSign(None, words.partition(",")[0])
    moves = dict(_moves(numbers, seconds))
    right, up = moves.get("pan", 0), moves.get("tilt", 0)
    direction = round(math.degrees(math.atan2(-up, right))) % 360 if right or up else None
    others = [_MOVES[move] for move in moves.items() if move[0] not in ("pan", "tilt")]
    return MotionSign(direction, ", ".join("turns" if "turns" in other else other for other in others))


def is_static(columns: Columns, seconds: ArrayLike = 0.0) -> NDArray[np.bool_]:
    """Return which clips `motion_in_words` calls static, bool (n,), from their numbers and lengths, each (n,)."""
    speeds = {axis: np.abs(np.asarray(columns[axis], dtype=np.float64)) for axis in _SEEN}
    strongest = np.maximum.reduce([weight * speeds[axis] for axis, weight in _SEEN.items()])
    shaky = np.asarray(columns["shake"]) > np.maximum(_SHAKY, strongest)
    part = _part_of_least(np.asarray(seconds, dtype=np.float64))
    still = np.logical_and.reduce([speeds[axis] <= least * part for axis, least in _LEAST.items()])
    static: NDArray[np.bool_] = still & ~shaky
    return static


def _moves(numbers: Mapping[str, float], seconds: float) -> list[tuple[str, int]]:
    """Return the strongest moves, two at most: axes with their signs. The second is at least half as strong."""
    seen = {axis: abs(numbers[axis]) * weight for axis, weight in _SEEN.items()}
    part = float(_part_of_least(np.float64(seconds)))
    named = sorted((axis for axis in seen if abs(numbers[axis]) > _LEAST[axis] * part), key=lambda axis: -seen[axis])
    return [(axis, 1 if numbers[axis] > 0 else -1) for axis in named[:2] if seen[axis] > _BESIDES * seen[named[0]]]


def _part_of_least(seconds: NDArray[np.float64] | np.float64) -> NDArray[np.float64] | np.float64:
    """Return the share of the least speed from which moves are named in clips of so many seconds; NaN is unknown."""
    return np.clip(_COMES_FAR / (_STILL * np.fmax(seconds, 1e-9)), _LEAST_SHARE, 1.0)


def _phrase(moves: Iterable[tuple[str, int]]) -> str:
    """Return moves, each an axis and its sign, in words: "camera moves down and right", "zooms in, camera turns"."""
    first, *others = (_MOVES[move] for move in moves)
    for other in others:
        both_shift = "camera moves " in first and other.startswith("camera moves ")
        first += f" and {other.removeprefix('camera moves ')}" if both_shift else f", {other}"
    return first


@dataclass(frozen=True)
class MotionQuery:
    """A move that a text names: `phrase` says which, `rest` is the text without the words that name it.

    `wanted` are the axes that the camera moves on, each with its sign, 0 for both directions. `kind` is what is ranked
    by where no axis is named: "static", "moving", "shaky", "steady", "slow", "fast", "subject" or "light".
    `pace` is "slow", "fast" or empty. `negated` texts ask for clips without the move, as "no zoom" does.
    """

    phrase: str
    rest: str
    wanted: tuple[tuple[str, int], ...] = ()
    kind: str = ""
    pace: str = ""
    negated: bool = False

    @property
    def measure(self) -> str:
        """What the clips are ranked by, in words: "how the camera moves (left)", "how little the camera moves"."""
        if self.negated:
            move = self.phrase.removeprefix("not: ").removeprefix("camera moves ")
            return (_MEASURES.get(self.kind) or f"how much the camera moves ({move})").replace("how much", "how little")
        if (self.kind, self.pace) == ("moving", "slow"):
            return "how slowly the camera moves"
        return _MEASURES.get(self.kind) or f"how the camera moves ({self.phrase.removeprefix('camera moves ')})"

    def scores(self, columns: Columns) -> NDArray[np.float64]:
        """Return how well each clip fits, float64 (n,), the best highest, from the readable numbers, each (n,).

        NaN for clips of which they are.
        """
        seen = {axis: weight * np.asarray(columns[axis], dtype=np.float64) for axis, weight in _SEEN.items()}
        shake, subject, light = (
            np.asarray(columns[name], dtype=np.float64) for name in ("shake", "subject_motion", "brightness_change")
        )
        camera = sum(np.abs(speed) for speed in seen.values()) + shake
        if self.wanted and self.negated:
            return -np.maximum.reduce([sign * seen[axis] if sign else np.abs(seen[axis]) for axis, sign in self.wanted])
        if self.wanted:
            return self._fit_of_move(seen, camera)
        scores: NDArray[np.float64] = {
            "static": -camera,
            "moving": _nearness_to_slow(camera) if self.pace == "slow" else camera,
            "shaky": shake * shake / (camera + _STILL),
            "steady": -shake,
            "slow": -(camera + subject),
            "fast": camera + subject,
            "subject": subject - 0.1 * camera,
            "light": light,
        }[self.kind]
        return -scores if self.negated else scores

    def _fit_of_move(self, seen: Mapping[str, NDArray[np.float64]], camera: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how fast clips move as wanted, the less the more they move otherwise."""
        speeds = [sign * seen[axis] if sign else np.abs(seen[axis]) for axis, sign in self.wanted]
        slowest = np.minimum.reduce(speeds)
        others = camera - sum(np.abs(seen[axis]) for axis, _ in self.wanted)
        purity = np.maximum(slowest, 0) / (np.maximum(slowest, 0) + others + _STILL)
        if self.pace == "slow":  # as slow as can be, but not so slow that it cannot be seen
            return np.where(slowest > 0, purity * _nearness_to_slow(slowest), slowest)
        return np.where(slowest > 0, slowest * purity, slowest)


def _nearness_to_slow(speeds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how near speeds are to a slow one that is seen, from 0 to 1."""
    nearness: NDArray[np.float64] = np.exp(-(np.log(np.maximum(speeds, 1e-6) / _SLOW) ** 2) / 2)
    return nearness


def motion_query(text: str) -> MotionQuery | None:
    """Return the move that a text names, as in "pan left", "a slow zoom in on a face", "static shot", "fast action".

    None where it names none: a frying pan, a still life, fast food and slow motion are no moves.
    """
    rest = tidied(text)
    wanted, unwanted = dict[str, int](), dict[str, int]()
    kinds, paces = list[str](), list[str]()
    for pattern, axis_or_kind in patterns.PATTERNS:
        for match in pattern.finditer(rest):
            groups = match.groupdict()
            paces += [patterns.PACES[word] for word in match.group().split() if word in patterns.PACES]
            sign = 0 if groups.get("both") else patterns.SIGNS.get(groups.get("to") or "", 0)
            if axis_or_kind in _SEEN:
                (unwanted if groups["no"] else wanted).setdefault(axis_or_kind, sign)
            else:
                kinds.append(f"not {axis_or_kind}" if groups["no"] else axis_or_kind)
        rest = " ".join(pattern.sub("", rest).split())
    if not wanted and not kinds and not unwanted:
        return _query_of_bare_words(rest)
    rest = patterns.LEADING.sub("", rest)
    rest = "" if set(rest.split()) <= patterns.FILLERS else rest
    if wanted or kinds:
        return _query(rest, wanted, kinds, paces)
    return replace(_query(rest, unwanted, [], []), phrase=f"not: {_named(unwanted)}", negated=True)


def motion_scores(text: str, motion: Columns | NDArray[np.floating[Any]]) -> NDArray[np.float32] | None:
    """Return how well each clip fits the move that a text names, float32 (n,), or None where it names none.

    A score is the share of the clips that fit worse, from 0 to 1: clips that fit equally well have the same, and clips
    whose motion is not known have 0. `motion` is a table with the readable numbers of n clips, such as `corpus.motion`,
    or their features, (n, len(FEATURES)), such as `corpus.view("motion")`.
    """
    query = motion_query(text)
    if query is None:
        return None
    if isinstance(motion, np.ndarray):
        motion = dict(zip(MotionNumbers._fields, readable(motion).T, strict=True))
    return shares_of_worse(query.scores(motion))


def shares_of_worse(scores: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the share of n scores that is lower than each, and half of its equals, float32 (n,); 0 for NaN."""
    known = np.isfinite(scores)
    _, place, counts = np.unique(scores[known], return_inverse=True, return_counts=True)
    shares = np.zeros(len(scores), dtype=np.float32)
    shares[known] = ((np.cumsum(counts) - counts / 2) / max(1, counts.sum()))[place]
    return shares


def _query_of_bare_words(text: str) -> MotionQuery | None:
    """Return the query of a text that consists of the name of a move alone, such as "a slow pan"."""
    words = [word for word in text.split() if word not in patterns.FILLERS]
    paces = [patterns.PACES[word] for word in words if word in patterns.PACES]
    name = " ".join(word for word in words if word not in patterns.PACES)
    no = None if name in patterns.BARE else patterns.LEADING_NEGATION.match(name)
    name = name[no.end() :].lstrip() if no else name
    if name in patterns.BARE:
        axis_or_kind, sign = patterns.BARE[name]
        if axis_or_kind not in _SEEN:
            return _query("", {}, [f"not {axis_or_kind}" if no else axis_or_kind], paces)
        query = _query("", {axis_or_kind: sign}, [], [] if no else paces)
        return replace(query, phrase=f"not: {query.phrase}", negated=True) if no else query
    if name or not words or words[-1] not in patterns.BARE_PACES:
        return None
    return _query("", {}, [f"not {paces[0]}" if no else paces[0]], [])


def _query(rest: str, wanted: Mapping[str, int], kinds: Sequence[str], paces: Sequence[str]) -> MotionQuery:
    """Return a query for moves, or for the first of some kinds, "not" before those that are taken back."""
    pace = paces[0] if paces else ""
    suffix = {"slow": " slowly", "fast": " fast", "": ""}[pace]
    if wanted:
        return MotionQuery(_named(wanted) + suffix, rest, tuple(wanted.items()), "", pace)
    taken_back = kinds[0].startswith("not ")
    kind = kinds[0].removeprefix("not ")
    if taken_back and kind not in _OPPOSITES:
        return MotionQuery(f"not: {_KINDS[kind]}", rest, kind=kind, negated=True)
    if taken_back:
        return MotionQuery(_KINDS[_OPPOSITES[kind]], rest, kind=_OPPOSITES[kind])
    if kind == "moving":
        return MotionQuery(_KINDS[kind] + suffix, rest, kind=kind, pace=pace)
    return MotionQuery(_KINDS[kind], rest, kind=kind)


def _named(wanted: Mapping[str, int]) -> str:
    first, *others = (_MOVES[axis, sign] for axis, sign in wanted.items())
    return first + "".join(f", {other.removeprefix('camera ')}" for other in others)


_OPPOSITES = {
    "static": "moving",
    "moving": "static",
    "shaky": "steady",
    "steady": "shaky",
    "slow": "fast",
    "fast": "slow",
}
_KINDS = {
    "static": "static",
    "moving": "camera moves",
    "shaky": "shaky",
    "steady": "steady",
    "slow": "little motion",
    "fast": "much motion",
    "subject": "subject moves",
    "light": "brightness changes",
}
_MEASURES = {
    "static": "how little the camera moves",
    "moving": "how much the camera moves",
    "shaky": "how much the camera shakes",
    "steady": "how little the camera shakes",
    "slow": "how little moves",
    "fast": "how much moves",
    "subject": "how much moves in front of the camera",
    "light": "how much the brightness changes",
}
