"""A clip's motion in a few words, and texts that name a move as rules that rank clips.

Both need the readable numbers alone: `MotionNumbers` of a clip, or a table with columns of these names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
    named = [axis for axis, speed in seen.items() if speed > max(_STILL, _BESIDES * strongest)]
    named.sort(key=lambda axis: -seen[axis])
    pace = " slowly" if strongest < _SLOW else " fast" if strongest > _FAST else ""
    return _phrase([(axis, 1 if numbers[axis] > 0 else -1) for axis in named[:2]]) + pace


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

    None where it names none: a frying pan, a still life and fast food are no moves.
    """
    rest = " ".join(re.findall(r"[a-z]+", text.lower().replace("'", "").replace("\u2019", "")))
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
    return _query(_LEADING.sub("", rest), wanted, kinds, paces)


def _query_of_bare_words(text: str) -> MotionQuery | None:
    """Return the query of a text that consists of the name of a move alone, such as "a slow pan"."""
    words = [word for word in text.split() if word not in _FILLERS]
    paces = [_PACES[word] for word in words if word in _PACES]
    name = " ".join(word for word in words if word not in _PACES)
    if name in _BARE:
        axis_or_kind, sign = _BARE[name]
        is_axis = axis_or_kind in _SEEN
        return _query("", {axis_or_kind: sign} if is_axis else {}, [] if is_axis else [axis_or_kind], paces)
    return _query("", {}, [paces[0]], []) if paces and not name else None


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
_SIGNS |= {"on": 1, "onto": 1, "forward": 1, "clockwise": 1, "anticlockwise": -1, "counterclockwise": -1}
_SIGNS |= {"anti clockwise": -1, "counter clockwise": -1}
_FILLERS = frozenset("a an the shot shots clip clips scene scenes video camera very".split())
_BARE = {  # names of moves that are too common words to be looked for within a longer text
    **dict.fromkeys(("pan", "pans"), ("pan", 0)),
    **dict.fromkeys(("tilt", "tilts"), ("tilt", 0)),
    **dict.fromkeys(("zoom", "zooms"), ("zoom", 0)),
    **dict.fromkeys(("push in", "move in", "moves in"), ("zoom", 1)),
    **dict.fromkeys(("pull out", "pull back", "move out", "moves out"), ("zoom", -1)),
    **dict.fromkeys(("roll", "rolls", "rotation"), ("roll", 0)),
    **dict.fromkeys(("moves left", "move left", "truck left"), ("pan", -1)),
    **dict.fromkeys(("moves right", "move right", "truck right"), ("pan", 1)),
    **dict.fromkeys(("static", "still", "stationary", "tripod", "fixed", "no movement", "no motion"), ("static", 0)),
    **dict.fromkeys(("moving", "tracking", "dolly", "travelling", "traveling"), ("moving", 0)),
    **dict.fromkeys(("handheld", "hand held", "shaking", "unsteady", "wobbly", "shake"), ("shaky", 0)),
    **dict.fromkeys(("steady", "stable", "smooth", "steadicam"), ("steady", 0)),
    **dict.fromkeys(("calm", "motion slow"), ("slow", 0)),
    **dict.fromkeys(("action", "hectic", "dynamic"), ("fast", 0)),
    **dict.fromkeys(("movement", "motion"), ("moving", 0)),
    **dict.fromkeys(("flash", "flashes", "strobe", "flicker", "flickering", "fade"), ("light", 0)),
}


_LEADING = re.compile(r"^(?:(?:a|an|the|camera|shot|of|and|with)\b ?)+")  # what is left over before the rest of a text


def _pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern with a word of pace before it, after it, and where it has a ~ instead of a space."""
    pace = f"(?:{'|'.join(_PACES)})"
    return re.compile(rf"\b(?:{pace} )?(?:{pattern.replace('~', f'(?: {pace})? ')})(?: {pace})?\b")


_GOES = "(?:moves?|moving|goes|going|turns?|turning|sweeps?|swings?|tracks?|tracking|slides?|travels?)"
_NOT_MOVING = "(?:static|stationary|fixed|still|motionless|unmoving|locked(?: (?:off|down))?)"
_PICTURES = "(?:camera|cam|shots?|footage|video|frame|framing|angle|take)"
_SIDE = r"(?:to )?(?:the )?(?P<to>left|right)(?:wards?)?"
_HEIGHT = r"(?P<to>up|down)(?:wards?)?"
_DEPTH = r"(?P<to>in|into|out|back|forward|backward)s?"
_TURN = r"(?P<to>(?:anti ?|counter ?)?clockwise)"
_PATTERNS = tuple(  # the first one that fits a place counts
    (_pattern(pattern), axis_or_kind)
    for pattern, axis_or_kind in (
        (r"(?:no|without)(?: any| a)? camera (?:movements?|motion|moves?)", "static"),
        (rf"(?:{_NOT_MOVING}|tripod) {_PICTURES}|locked (?:off|down)|on a tripod", "static"),
        (rf"camera (?:(?:is|stays|stands|remains) )?{_NOT_MOVING}", "static"),
        (rf"(?:pan|pans|panning|panned|trucking)~{_SIDE}", "pan"),
        (r"(?P<to>left|right)(?:ward)? (?:pan|panning)(?: shots?)?", "pan"),
        (rf"camera~{_GOES}~{_SIDE}", "pan"),
        (r"panning(?! for)(?: shots?)?|pans? shots?|camera pans?|(?<=whip )pans?|(?<=swish )pans?", "pan"),
        (rf"(?:tilt|tilts|tilting|tilted|pedestals?|cranes?|craning|booms?)~{_HEIGHT}", "tilt"),
        (r"(?P<to>up|down)(?:ward)? tilt(?: shots?)?", "tilt"),
        (rf"camera~{_GOES}~{_HEIGHT}", "tilt"),
        (r"tilting(?: shots?)?|tilts? shots?|camera tilts?", "tilt"),
        (rf"(?:zoom|zooms|zooming|zoomed|dolly|dollies|dollying)~{_DEPTH}", "zoom"),
        (rf"camera~(?:{_GOES}|pushes|pulls)~{_DEPTH}", "zoom"),
        (r"(?:zoom|zooms|zooming)~(?P<to>on|onto)", "zoom"),
        (r"zooming(?: shots?)?|zooms? shots?|camera zooms?|(?<=crash )zooms?", "zoom"),
        (rf"(?:camera )?(?:rolls?|rolling|rotates?|rotating|turns?|turning|spins?|spinning)~{_TURN}", "roll"),
        (r"camera (?:rolls?|rolling|rotat(?:es?|ing|ion)|turns?|turning|spins?|spinning)|barrel rolls?", "roll"),
        (rf"(?:unsteady|wobbly|jittery|jerky|bumpy|trembling|shaking) {_PICTURES}", "shaky"),
        (rf"shaky(?: {_PICTURES})?|hand ?held (?:{_PICTURES}|look|style)", "shaky"),
        (r"camera (?:shakes?|shaking|wobbles?|jitters?|trembles?)", "shaky"),
        (rf"(?:steady|stable|stabili[sz]ed|smooth|steadicam) {_PICTURES}", "steady"),
        (rf"(?:moving|mobile|travell?ing|tracking|dolly|trucking) {_PICTURES}", "moving"),
        (r"camera (?:movements?|motion|moves?|moving|travels?)", "moving"),
        (r"fast (?:action|paced|motion|movements?|moves|moving|camera)|action (?:shots?|scenes?|sequences?)", "fast"),
        (r"(?:much|lots? of|a lot of) (?:action|movement|motion)", "fast"),
        (r"slow (?:motion|mo|paced|movements?|camera)|slowmo", "slow"),
        (r"(?:moving subjects?|subject (?:motion|moves|moving)|movement in the (?:frame|picture))", "subject"),
        (r"(?:flashing|flickering|strobing|strobe|blinking) lights?", "light"),
        (r"fad(?:es?|ing) (?:in|out|to black|from black|to white)|brightness changes?", "light"),
    )
)
