"""A clip's motion in a few words, and texts that name a move as rules that rank clips.

Both need the readable numbers alone: `MotionNumbers` of a clip, or a table with columns of these names. Texts are
English.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from va_widgets.video.motion import patterns
from va_widgets.video.motion.features import readable
from va_widgets.video.motion.readable import MotionNumbers

if TYPE_CHECKING:
    import pandas as pd

Columns: TypeAlias = "Mapping[str, ArrayLike] | pd.DataFrame"
"""The readable numbers of n clips by name, each (n,): `corpus.motion`, or a mapping like it."""

# Speeds in shares of the picture a second.
_STILL = 0.015  # up to which the camera seems to stand
_SLOW, _FAST = 0.05, 0.35  # up to which a move is slow, from which it is fast
_SHAKY = 0.08
_LIVELY = 0.02  # of the subject
_BESIDES = 0.5  # of the strongest move, from which a second one is named
# At a picture's edge, half a picture from its centre, zoom and roll are seen half as fast as they are; but a slow zoom
# catches the eye, and is measured more surely than a slow pan.
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


def motion_in_words(numbers: Mapping[str, float]) -> str:
    """Return what a clip's readable numbers, by name, say: "static", "camera moves left", "zooms in slowly", "shaky".

    At most two moves are named, the stronger one first.
    """
    seen = {axis: abs(numbers[axis]) * weight for axis, weight in _SEEN.items()}
    strongest = max(seen.values())
    if numbers["shake"] > max(_SHAKY, strongest):
        return "shaky"
    if strongest <= _STILL:
        return "static, subject moves" if numbers["subject_motion"] > _LIVELY else "static"
    pace = " slowly" if strongest < _SLOW else " fast" if strongest > _FAST else ""
    return _phrase(_moves(numbers)) + pace


class MotionSign(NamedTuple):
    """The same as `motion_in_words` for where there is little room.

    `direction` is where the camera moves, in degrees clockwise from the right, a multiple of 45; None if it neither
    moves sideways nor up or down. `word` says what an arrow cannot: "static", "shaky", "zooms in", "turns"; empty where
    the direction is all.
    """

    direction: int | None
    word: str


def motion_sign(numbers: Mapping[str, float]) -> MotionSign:
    """Return what a clip's readable numbers, by name, say as an arrow and a word."""
    words = motion_in_words(numbers)
    if words.startswith(("static", "shaky")):
        return MotionSign(None, words.partition(",")[0])
    moves = dict(_moves(numbers))
    right, up = moves.get("pan", 0), moves.get("tilt", 0)
    direction = round(math.degrees(math.atan2(-up, right))) % 360 if right or up else None
    others = [_MOVES[move] for move in moves.items() if move[0] not in ("pan", "tilt")]
    return MotionSign(direction, ", ".join("turns" if "turns" in other else other for other in others))


def is_static(columns: Columns) -> NDArray[np.bool_]:
    """Return which clips `motion_in_words` calls static, bool (n,), from the readable numbers, each (n,)."""
    strongest = np.maximum.reduce([weight * np.abs(columns[axis]) for axis, weight in _SEEN.items()])
    shaky = np.asarray(columns["shake"]) > np.maximum(_SHAKY, strongest)
    static: NDArray[np.bool_] = (strongest <= _STILL) & ~shaky
    return static


def _moves(numbers: Mapping[str, float]) -> list[tuple[str, int]]:
    """Return the two strongest moves, or the strongest one where it is twice as strong: axes with their signs."""
    seen = {axis: abs(numbers[axis]) * weight for axis, weight in _SEEN.items()}
    least = max(_STILL, _BESIDES * max(seen.values()))
    named = sorted((axis for axis, speed in seen.items() if speed > least), key=lambda axis: -seen[axis])
    return [(axis, 1 if numbers[axis] > 0 else -1) for axis in named[:2]]


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
    `pace` is "slow", "fast" or empty.
    """

    phrase: str
    rest: str
    wanted: tuple[tuple[str, int], ...] = ()
    kind: str = ""
    pace: str = ""

    @property
    def measure(self) -> str:
        """What the clips are ranked by, in words: "how the camera moves (left)", "how little the camera moves"."""
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
        if self.wanted:
            return self._fit_of_move(seen, camera)
        return {
            "static": -camera,
            "moving": camera,
            "shaky": shake * shake / (camera + _STILL),
            "steady": -shake,
            "slow": -(camera + subject),
            "fast": camera + subject,
            "subject": subject - 0.1 * camera,
            "light": light,
        }[self.kind]

    def _fit_of_move(self, seen: Mapping[str, NDArray[np.float64]], camera: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how fast clips move as wanted, the less the more they move otherwise."""
        speeds = [sign * seen[axis] if sign else np.abs(seen[axis]) for axis, sign in self.wanted]
        slowest = np.minimum.reduce(speeds)
        others = camera - sum(np.abs(seen[axis]) for axis, _ in self.wanted)
        purity = np.maximum(slowest, 0) / (np.maximum(slowest, 0) + others + _STILL)
        if self.pace == "slow":  # as slow as can be, but not so slow that it cannot be seen
            return np.where(
                slowest > 0, purity * np.exp(-(np.log(np.maximum(slowest, 1e-6) / _SLOW) ** 2) / 2), slowest
            )
        return np.where(slowest > 0, slowest * purity, slowest)


def motion_query(text: str) -> MotionQuery | None:
    """Return the move that a text names, as in "pan left", "a slow zoom in on a face", "static shot", "fast action".

    None where it names none: a frying pan, a still life, fast food and slow motion are no moves.
    """
    rest = " ".join(patterns.WORD.findall(text.lower()))
    wanted: dict[str, int] = {}
    kinds: list[str] = []
    paces: list[str] = []
    for pattern, axis_or_kind in patterns.PATTERNS:
        for match in pattern.finditer(rest):
            paces += [patterns.PACES[word] for word in match.group().split() if word in patterns.PACES]
            if axis_or_kind in _SEEN:
                wanted.setdefault(axis_or_kind, patterns.SIGNS.get(match.groupdict().get("to") or "", 0))
            else:
                kinds.append(axis_or_kind)
        rest = " ".join(pattern.sub("", rest).split())
    if not wanted and not kinds:
        return _query_of_bare_words(rest)
    rest = patterns.LEADING.sub("", rest)
    return _query("" if set(rest.split()) <= patterns.FILLERS else rest, wanted, kinds, paces)


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
    if name in patterns.BARE:
        axis_or_kind, sign = patterns.BARE[name]
        is_axis = axis_or_kind in _SEEN
        return _query("", {axis_or_kind: sign} if is_axis else {}, [] if is_axis else [axis_or_kind], paces)
    return _query("", {}, [paces[0]], []) if not name and words and words[0] in patterns.BARE_PACES else None


def _query(rest: str, wanted: Mapping[str, int], kinds: Sequence[str], paces: Sequence[str]) -> MotionQuery:
    pace = paces[0] if paces and wanted else ""
    if not wanted:
        return MotionQuery(_KINDS[kinds[0]], rest, kind=kinds[0])
    words = [_MOVES[axis, sign] for axis, sign in wanted.items()]
    phrase = words[0] + "".join(f", {word.removeprefix('camera ')}" for word in words[1:])
    return MotionQuery(
        phrase + {"slow": " slowly", "fast": " fast", "": ""}[pace], rest, tuple(wanted.items()), "", pace
    )


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
