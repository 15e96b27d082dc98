"""A clip's motion in a few words, and texts that name a move as rules that rank clips.

Both need the readable numbers alone: `MotionNumbers` of a clip, or a table with columns of these names. Texts are
English.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def is_static(columns: Mapping[str, ArrayLike]) -> NDArray[np.bool_]:
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

    def scores(self, columns: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
        """Return how well each clip fits, float64 (n,), the best highest, from the readable numbers, each (n,)."""
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
    rest = " ".join(_WORD.findall(text.lower()))
    wanted: dict[str, int] = {}
    kinds: list[str] = []
    paces: list[str] = []
    for pattern, axis_or_kind in _PATTERNS:
        while (match := pattern.search(rest)) is not None:
            rest = f"{rest[: match.start()].rstrip()} {rest[match.end() :].lstrip()}".strip()
            paces += [_PACES[word] for word in match.group().split() if word in _PACES]
            if axis_or_kind in _SEEN:
                wanted.setdefault(axis_or_kind, _SIGNS.get(match.groupdict().get("to") or "", 0))
            else:
                kinds.append(axis_or_kind)
    if not wanted and not kinds:
        return _query_of_bare_words(rest)
    rest = _LEADING.sub("", rest)
    return _query("" if set(rest.split()) <= _FILLERS else rest, wanted, kinds, paces)


def _query_of_bare_words(text: str) -> MotionQuery | None:
    """Return the query of a text that consists of the name of a move alone, such as "a slow pan"."""
    words = [word for word in text.split() if word not in _FILLERS]
    paces = [_PACES[word] for word in words if word in _PACES]
    name = " ".join(word for word in words if word not in _PACES)
    if name in _BARE:
        axis_or_kind, sign = _BARE[name]
        is_axis = axis_or_kind in _SEEN
        return _query("", {axis_or_kind: sign} if is_axis else {}, [] if is_axis else [axis_or_kind], paces)
    return _query("", {}, [paces[0]], []) if not name and words and words[0] in _BARE_PACES else None


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
_PACES = dict.fromkeys("slow slowly gentle gently gradual gradually".split(), "slow") | dict.fromkeys(
    "fast quick quickly rapid rapidly sudden whip swish crash".split(), "fast"
)
_SIGNS = {"left": -1, "right": 1, "down": -1, "up": 1, "out": -1, "back": -1, "backward": -1, "in": 1, "into": 1}
_TURNS = dict.fromkeys(("anticlockwise", "counterclockwise", "anti clockwise", "counter clockwise"), -1)
_SIGNS |= {"on": 1, "onto": 1, "forward": 1, "clockwise": 1, **_TURNS}
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_FILLERS = frozenset("a an the shot shots clip clips scene scenes footage very".split())
_BARE_PACES = frozenset(("slow", "slowly", "fast"))  # a text of one of them asks for little or much motion
_BARE = {  # names of moves that are too common words to be looked for within a longer text
    "pan": ("pan", 0),
    **dict.fromkeys(("tilt", "tilts"), ("tilt", 0)),
    **dict.fromkeys(("zoom", "zooms"), ("zoom", 0)),
    **dict.fromkeys(("push in", "move in", "moves in"), ("zoom", 1)),
    **dict.fromkeys(("pull out", "pull back", "move out", "moves out"), ("zoom", -1)),
    **dict.fromkeys(("move left", "moves left", "truck left"), ("pan", -1)),
    **dict.fromkeys(("move right", "moves right", "truck right"), ("pan", 1)),
    **{
        f"{verb} {turn}": ("roll", sign)
        for verb in ("roll", "rolls", "rotate", "rotates", "turn", "turns", "spin", "spins")
        for turn, sign in {"clockwise": 1, **_TURNS}.items()
    },
    "rotation": ("roll", 0),
    **dict.fromkeys(("static", "still", "stationary", "fixed", "no movement", "no motion"), ("static", 0)),
    **dict.fromkeys(("moving", "tracking", "movement"), ("moving", 0)),
    **dict.fromkeys(("shaky", "handheld", "hand held", "unsteady", "wobbly"), ("shaky", 0)),
    **dict.fromkeys(("steady", "steadicam"), ("steady", 0)),
    **dict.fromkeys(("action", "hectic", "dynamic"), ("fast", 0)),
    **dict.fromkeys(("flash", "flashes", "flashing lights", "strobe", "flicker", "flickering", "fade"), ("light", 0)),
}


_LEADING = re.compile(  # what is left over before the rest of a text
    r"^(?:(?:a|an|the|camera|shots?|footage|of|and|with|on|onto|over|across|along|to|towards?|in|at|from"
    r"|through|past|around|showing)\b ?)+"
)


def _pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern with a word of pace before it, after it, and where it has a ~ instead of a space."""
    pace = f"(?:{'|'.join(_PACES)})"
    return re.compile(rf"\b(?:{pace} )?(?:{pattern.replace('~', f'(?: {pace})? ')})(?: {pace})?\b")


def _not_after(words: str) -> str:
    """Return a pattern that fits where none of some words precedes."""
    return "".join(rf"(?<!\b{word} )" for word in words.split())


_GOES = "(?:moves?|moving|goes|going|turns?|turning|sweeps?|swings?|tracks?|tracking|slides?|travels?)"
_SHOTS = "(?:shots?|footage|video|take)"
_CAMERA = f"(?:camera|cam|{_SHOTS})"
_SIDE = r"(?:to )?(?:the )?(?P<to>left|right)(?:wards?)?"
_HEIGHT = r"(?P<to>up|down)(?:wards?)?"
_DEPTH = r"(?P<to>in|into|out|back|forward|backward)s?"
_TURN = r"(?P<to>(?:anti ?|counter ?)?clockwise)"
# Most of these words also name things: a pan left on the stove, a crane up in the sky, a call on Zoom, a child's dolly.
_NO_PAN = _not_after("frying fry cooking sauce baking bread cake hot dust roasting sheet drip peter same your my his her")
_NO_CALL = _not_after("on over via by through using with")
_NO_THING = r"(?! (?:on|at|by|high|above|against|close|behind|near|next|out|unattended|in (?:a|an|the|his|her|my))\b)"
_NOBODYS = r"(?! (?:a|an|the|his|her|its|their|my|your|traffic)\b)"
_NO_SCREEN = r"(?! (?:(?:a|the|his|her|their) )?(?:laptop|computer|phone|tablet|screen|call|calls|meeting|lens)\b)"
_PATTERNS = tuple(  # the first one that fits a place counts
    (_pattern(pattern), axis_or_kind)
    for pattern, axis_or_kind in (
        (r"(?:no|without)(?: any| a)? camera (?:movements?|motion|moves?)", "static"),
        (rf"(?:static|stationary|fixed|motionless|unmoving|locked(?: (?:off|down))?) {_CAMERA}", "static"),
        (rf"(?:still|tripod) {_SHOTS}|{_SHOTS} (?:on|from) a tripod|(?:static|fixed) (?:framing|frame)", "static"),
        (r"locked off(?! (?:area|road|street|zone|door|room|building)s?\b)", "static"),
        (r"camera (?:is|stays|stands|remains|keeps) (?:static|stationary|fixed|still|motionless|locked)", "static"),
        (rf"{_NO_PAN}pans?~{_SIDE}{_NO_THING}", "pan"),
        (rf"(?:panning|panned|camera~{_GOES})~{_SIDE}", "pan"),
        (r"(?<!the )(?P<to>left|right)(?:ward)? (?:pan(?! of\b)|panning)(?: shots?)?", "pan"),
        (r"panning shots?|pan shots?|camera (?:pans?|panning)|(?:(?<=whip )|(?<=swish )|(?<=slow )|(?<=fast ))pans?", "pan"),
        (r"(?:pan|pans|panning) (?=(?:across|along) )", "pan"),
        (rf"(?:tilts?|tilting|camera~{_GOES})~{_HEIGHT}", "tilt"),
        (rf"(?:pedestals?|cranes?|craning|booms?)~{_HEIGHT}{_NO_THING}", "tilt"),
        (r"(?P<to>up|down)(?:ward)? tilt(?: shots?)?", "tilt"),
        (r"(?:tilting|tilt) shots?|camera (?:tilts?|tilting)", "tilt"),
        (rf"{_NO_CALL}(?:zoom|zooms|zooming)~{_DEPTH}(?! traffic)", "zoom"),
        (rf"camera~(?:{_GOES}|pushes|pulls)~{_DEPTH}", "zoom"),
        (rf"(?:dolly|dollies|dollying)~{_DEPTH}{_NOBODYS}", "zoom"),
        (rf"{_NO_CALL}(?:zoom|zooms|zooming)~(?P<to>on|onto){_NO_SCREEN}", "zoom"),
        (r"(?:zooming|zoom) shots?|camera (?:zooms?|zooming)", "zoom"),
        (rf"(?:(?<=crash )|(?<=slow )|(?<=fast ))zooms?{_NO_SCREEN}", "zoom"),
        (rf"(?:camera|shot) (?:rolls?|rolling|rotates?|rotating|turns?|turning|spins?|spinning)~{_TURN}", "roll"),
        (r"camera (?:rotat(?:es?|ing|ion)|turns|turning|spins?|spinning)|roll(?:ing)? shots?", "roll"),
        (rf"(?:shaky|unsteady|wobbly|jittery|jerky|trembling|shaking) {_CAMERA}", "shaky"),
        (rf"(?:shaky )?hand ?held (?:{_CAMERA}|look|style)(?! (?:game|console)s?\b)|(?:shot|filmed) hand ?held", "shaky"),
        (r"camera (?:shakes?|shaking|wobbles?|jitters?|trembles?)", "shaky"),
        (rf"(?:steady|stable|stabili[sz]ed|smooth|steadicam) {_CAMERA}", "steady"),
        (r"moving (?:camera|cam|shots?)|(?:tracking|dolly|trucking|travell?ing) shots?", "moving"),
        (r"camera (?:movements?|motion|moves?|moving|travels?)", "moving"),
        (rf"fast (?:action|paced|motion|movements?|camera)|fast moving {_CAMERA}|action (?:shots?|sequences?)", "fast"),
        (r"(?<!live )action scenes?|(?:much|lots? of|a lot of) (?:action|movement|motion)", "fast"),
        (r"slow (?:paced|movements?|camera)", "slow"),
        (r"(?:moving subjects?|subject (?:motion|moves|moving)|movement in the (?:frame|picture))", "subject"),
        (rf"(?:strobing|strobe) lights?|brightness changes?|fad(?:es?|ing) (?:in(?! and out)|out){_NOBODYS}", "light"),
        (r"fad(?:es?|ing) (?:to|from) (?:black|white)", "light"),
    )
)
