"""Texts as moves are looked for in them: in lower case, common misspellings put right, and "not" before its move."""

from __future__ import annotations

import re

NEGATIONS = "no not non never without don't doesn't isn't aren't didn't wasn't won't cannot can't nor neither".split()
NEGATION = rf"(?:(?:do|does|is|are|was) )?(?:{'|'.join(NEGATIONS)})(?: (?:a|an|any|the|very|too|much|so))*"
"""A pattern of what takes back the word after it."""
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
# Words of moves with a letter doubled, dropped or exchanged, as far as that makes no other word.
_MISSPELT = {
    wrong: right
    for right, wrongs in {
        "pan": "pann",
        "pans": "panns",
        "panning": "paning pannning pannig",
        "zoom": "zom zomm zooom zoooom",
        "zooms": "zoms zooms zoooms",
        "zooming": "zoming zoomming zooimng zoomig",
        "tilt": "tillt titl tiltt",
        "static": "statc statik sttaic statci staic satic staitc stattic",
        "shaky": "shakey shakky shakie",
        "steady": "stedy steddy staedy",
        "handheld": "handhled handeld hanheld",
        "camera": "camra cammera camerra cemera",
        "left": "lefft leftt letf",
        "right": "rigth rihgt rightt righ rght",
        "slow": "sloww solw",
        "slowly": "slowy slowley slwoly",
        "action": "aciton acction",
        "motion": "moton motoin",
        "movement": "movment movemnt movemant",
        "moving": "movinng moveing",
    }.items()
    for wrong in wrongs.split()
}
_MISSPELT |= {word.replace("'", ""): word for word in ("don't", "doesn't", "isn't", "aren't", "didn't", "wasn't")}
_JOINED = re.compile(r"\b(pan|tilt|zoom)(left|right|up|down|in|out)\b")
_CAMERA_IS = re.compile(r"\bcamera is (?=\w+ing\b)")
_CAMERA_IS_NOT = re.compile(rf"\bcamera ({NEGATION}) (?:be )?(?=(static|stationary|fixed|still|motionless|locked)?)")


def tidied(text: str) -> str:
    """Return the words of a text with a space between them, so that patterns of moves fit it.

    "The camera isn't moving!" becomes "the isn't camera moving": what is taken back follows its negation.
    """
    words = (word.replace("\u2019", "'") for word in _WORD.findall(text.lower()))
    joined = _JOINED.sub(r"\1 \2", " ".join(_MISSPELT.get(word, word) for word in words))
    moved = _CAMERA_IS_NOT.sub(lambda match: f"{match[1]} camera {'is ' if match[2] else ''}", joined)
    return _CAMERA_IS.sub("camera ", moved)
