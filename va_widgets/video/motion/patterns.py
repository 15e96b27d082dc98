"""The words by which English texts name camera moves, and what must not stand beside them."""

from __future__ import annotations

import re

from va_widgets.video.motion.texts import NEGATION

PACES = dict.fromkeys("slow slowly gentle gently gradual gradually".split(), "slow") | dict.fromkeys(
    "fast quick quickly rapid rapidly sudden whip swish crash".split(), "fast"
)
SIGNS = {"left": -1, "right": 1, "down": -1, "up": 1, "out": -1, "back": -1, "backward": -1, "in": 1, "into": 1}
_TURNS = dict.fromkeys(("anticlockwise", "counterclockwise", "anti clockwise", "counter clockwise"), -1)
SIGNS |= {"on": 1, "onto": 1, "forward": 1, "clockwise": 1, **_TURNS}
FILLERS = frozenset("a an the shot shots clip clips scene scenes footage very".split())
BARE_PACES = frozenset(("slow", "slowly", "fast"))  # a text of one of them asks for little or much motion
BARE = {  # names of moves that are too common words to be looked for within a longer text
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
    **dict.fromkeys(("roll", "rotate", "rotating", "rotation"), ("roll", 0)),
    **dict.fromkeys(
        ("static", "still", "stationary", "fixed", "motionless", "no movement", "no motion"), ("static", 0)
    ),
    **dict.fromkeys(("moving", "tracking", "movement"), ("moving", 0)),
    **dict.fromkeys(
        ("shaky", "shaking", "handheld", "hand held", "unsteady", "wobbly", "jerky", "jittery"), ("shaky", 0)
    ),
    **dict.fromkeys(("steady", "steadicam"), ("steady", 0)),
    **dict.fromkeys(("action", "hectic", "dynamic"), ("fast", 0)),
    **dict.fromkeys(("flash", "flashes", "flashing lights", "strobe", "flicker", "flickering", "fade"), ("light", 0)),
}

LEADING_NEGATION = re.compile(rf"{NEGATION}\b")
LEADING = re.compile(  # what is left over before the rest of a text
    r"^(?:(?:a|an|the|camera|shots?|footage|of|and|with|on|onto|over|across|along|to|towards?|in|at|from"
    r"|through|past|around|showing)\b ?)+"
)


def _pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern with a negation and a pace before it, a pace after it, and where it has a ~ for a space."""
    pace = f"(?:{'|'.join(PACES)})"
    return re.compile(
        rf"\b(?:(?P<no>{NEGATION}) )?(?:{pace} )?(?:{pattern.replace('~', f'(?: {pace})? ')})(?: {pace})?\b"
    )


def _not_after(words: str) -> str:
    """Return a pattern that fits where none of some words precedes."""
    return "".join(rf"(?<!\b{word} )" for word in words.split())


_GOES = "(?:moves?|moving|goes|going|turns?|turning|sweeps?|swings?|tracks?|tracking|slides?|travels?)"
_SHOTS = "(?:shots?|footage|video|take)"
_CAMERA = f"(?:camera|cam|{_SHOTS})"
_SIDE = (
    r"(?:(?:from )?(?:the )?(?:left|right) to (?=(?:the )?(?:left|right)\b))?(?:to )?(?:the )?"
    r"(?P<to>left|right)(?:wards?)?(?P<both> (?:and|or|then) (?:back )?(?:left|right)(?:wards?)?\b)?"
)
_HEIGHT = r"(?P<to>up|down)(?:wards?)?(?P<both> (?:and|or|then) (?:up|down)(?:wards?)?\b)?"
_DEPTH = (
    r"(?P<to>in|into|out|back|forward|backward)s?"
    r"(?P<both> (?:and|or|then) (?:back )?(?:in|out|forwards?|backwards?)\b)?"
)
_TURN = r"(?P<to>(?:anti ?|counter ?)?clockwise)"
# Most of these words also name things: a pan left on the stove, a crane up in the sky, a call on Zoom, a child's dolly.
_NO_PAN = _not_after("frying fry cooking sauce baking bread cake hot dust roasting sheet peter same your my his her")
_NO_CALL = _not_after("on over via by through using with")
_NO_THING = r"(?! (?:on|at|by|high|above|against|close|behind|near|next|out|unattended|in (?:a|an|the|his|her|my))\b)"
_NOBODYS = r"(?! (?:a|an|the|his|her|its|their|my|your|traffic)\b)"
_NO_SCREEN = r"(?! (?:(?:a|the|his|her|their) )?(?:laptop|computer|phone|tablet|screen|call|calls|meeting|lens)\b)"
PATTERNS = tuple(  # the first one that fits a place counts
    (_pattern(pattern), axis_or_kind)
    for pattern, axis_or_kind in (
        (r"(?:no|without)(?: any| a)? camera (?:movements?|motion|moves?)", "static"),
        (rf"(?:static|stationary|fixed|motionless|unmoving|locked(?: (?:off|down))?) {_CAMERA}", "static"),
        (rf"(?:still|tripod) {_SHOTS}|(?:{_SHOTS}|filmed|recorded) (?:on|from) a tripod", "static"),
        (r"(?:static|fixed) (?:framing|frame)", "static"),
        (r"locked off(?! (?:area|road|street|zone|door|room|building)s?\b)", "static"),
        (r"camera (?:is|stays|stands|remains|keeps) (?:static|stationary|fixed|still|motionless|locked)", "static"),
        (rf"(?:camera (?:pans?|panning)|panning)~{_HEIGHT}", "tilt"),
        (rf"{_NO_PAN}pans?~{_HEIGHT}{_NO_THING}(?! (?:the|his|her|their|my|your)\b)", "tilt"),
        (rf"{_NO_PAN}pans?~{_SIDE}{_NO_THING}", "pan"),
        (rf"(?:panning|panned|camera~{_GOES})~{_SIDE}", "pan"),
        (r"(?<!the )(?P<to>left|right)(?:ward)? (?:pan(?! of\b)|panning)(?: shots?)?", "pan"),
        (r"pan(?:ning)? shots?|panning camera|camera (?:pans?|panning)|(?:pans?|panning) (?=(?:across|along) )", "pan"),
        (r"(?:(?<=whip )|(?<=swish )|(?<=slow )|(?<=fast ))pans?", "pan"),
        (rf"(?:tilts?|tilting|camera~{_GOES})~{_HEIGHT}", "tilt"),
        (rf"(?:pedestals?|cranes?|craning|booms?)~{_HEIGHT}{_NO_THING}", "tilt"),
        (r"(?P<to>up|down)(?:ward)? tilt(?: shots?)?", "tilt"),
        (r"(?:tilting|tilt) shots?|camera (?:tilts?|tilting)", "tilt"),
        (rf"{_NO_CALL}(?:zoom|zooms|zooming)~{_DEPTH}(?! traffic)", "zoom"),
        (rf"camera~(?:{_GOES}|pushes|pulls)~{_DEPTH}", "zoom"),
        (rf"(?:dolly|dollies|dollying)~{_DEPTH}{_NOBODYS}", "zoom"),
        (rf"{_NO_CALL}(?:zoom|zooms|zooming)~(?P<to>on|onto){_NO_SCREEN}", "zoom"),
        (r"(?:zooming|zoom) shots?|zooming camera|camera (?:zooms?|zooming)", "zoom"),
        (rf"(?:(?<=crash )|(?<=slow )|(?<=fast ))zooms?{_NO_SCREEN}", "zoom"),
        (rf"(?:camera|shot) (?:rolls?|rolling|rotates?|rotating|turns?|turning|spins?|spinning)~{_TURN}", "roll"),
        (r"camera (?:rotat(?:es?|ing|ion)|turns|turning|spins?|spinning)|roll(?:ing)? shots?", "roll"),
        (rf"(?:shaky|unsteady|wobbly|jittery|jerky|trembling|shaking) {_CAMERA}", "shaky"),
        (rf"(?:shaky )?hand ?held (?:{_CAMERA}|look|style)(?! (?:game|console)s?\b)", "shaky"),
        (r"(?:shot|filmed) hand ?held", "shaky"),
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
