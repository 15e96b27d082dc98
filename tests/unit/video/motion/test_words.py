"""Motion in words, and words for motion."""

from __future__ import annotations

import numpy as np
import pytest

from va_widgets.video.motion.readable import MotionNumbers
from va_widgets.video.motion.words import motion_in_words, motion_query

STILL = dict.fromkeys(MotionNumbers._fields, 0.0)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({}, "static"),
        ({"pan": 0.005, "shake": 0.02}, "static"),
        ({"subject_motion": 0.1}, "static, subject moves"),
        ({"pan": -0.2}, "camera moves left"),
        ({"pan": 0.2, "tilt": 0.02}, "camera moves right"),
        ({"pan": 0.03}, "camera moves right slowly"),
        ({"pan": 0.8, "shake": 0.2}, "camera moves right fast"),
        ({"tilt": 0.2}, "camera moves up"),
        ({"tilt": -0.2, "pan": 0.15}, "camera moves down and right"),
        ({"zoom": 0.2}, "zooms in"),
        ({"zoom": -0.05}, "zooms out slowly"),
        ({"zoom": 0.1, "pan": -0.3}, "camera moves left"),
        ({"zoom": 0.3, "pan": -0.15}, "zooms in, camera moves left"),
        ({"roll": 0.3}, "camera turns clockwise"),
        ({"roll": -0.3}, "camera turns anticlockwise"),
        ({"shake": 0.2, "pan": 0.05}, "shaky"),
        ({"shake": 0.1, "pan": 0.3}, "camera moves right"),
    ],
)
def test_numbers_become_words(numbers: dict[str, float], words: str) -> None:
    assert motion_in_words(STILL | numbers) == words


CLIPS = {
    "static": {},
    "busy": {"subject_motion": 0.2},
    "left": {"pan": -0.2, "shake": 0.01},
    "right": {"pan": 0.25, "tilt": 0.02},
    "right slowly": {"pan": 0.05},
    "right and in": {"pan": 0.2, "zoom": 0.4},
    "up": {"tilt": 0.2},
    "down": {"tilt": -0.2},
    "in": {"zoom": 0.3},
    "in slowly": {"zoom": 0.06},
    "out": {"zoom": -0.3},
    "clockwise": {"roll": 0.4},
    "anticlockwise": {"roll": -0.4},
    "shaky": {"shake": 0.25, "pan": 0.02},
    "flash": {"brightness_change": 2.0},
}
TABLE = {name: np.array([clip.get(name, 0.0) for clip in CLIPS.values()]) for name in MotionNumbers._fields}


@pytest.mark.parametrize(
    ("text", "phrase", "best"),
    [
        ("pan left", "camera moves left", "left"),
        ("the camera pans to the right across a beach", "camera moves right", "right"),
        ("a slow pan right", "camera moves right slowly", "right slowly"),
        ("Panning shot", "camera moves sideways", "right"),
        ("whip pan", "camera moves sideways fast", "right"),
        ("tilt up", "camera moves up", "up"),
        ("crane down over the harbour", "camera moves down", "down"),
        ("zoom-in", "zooms in", "in"),
        ("a slow zoom in on a face", "zooms in slowly", "in slowly"),
        ("pull back", "zooms out", "out"),
        ("dolly out", "zooms out", "out"),
        ("pan right and zoom in", "camera moves right, zooms in", "right and in"),
        ("camera rolls clockwise", "camera turns clockwise", "clockwise"),
        ("camera turns counter-clockwise", "camera turns anticlockwise", "anticlockwise"),
        ("static shot", "static", "static"),
        ("a locked-off view of the street", "static", "static"),
        ("no camera movement", "static", "static"),
        ("shaky", "shaky", "shaky"),
        ("hand-held camera", "shaky", "shaky"),
        ("moving camera", "camera moves", "right and in"),
        ("slow", "little motion", "static"),
        ("fast action", "much motion", "right and in"),
        ("subject moves", "subject moves", "busy"),
        ("flashing lights at a concert", "brightness changes", "flash"),
    ],
)
def test_texts_that_name_a_move_rank_by_it(text: str, phrase: str, best: str) -> None:
    query = motion_query(text)
    assert query is not None
    assert query.phrase == phrase
    scores = query.scores(TABLE)
    assert scores.shape == (len(CLIPS),)
    assert np.isfinite(scores).all()
    assert list(CLIPS)[int(np.argmax(scores))] == best


def test_a_move_is_ranked_above_rest_and_rest_above_its_opposite() -> None:
    query = motion_query("pan left")
    assert query is not None
    scores = dict(zip(CLIPS, query.scores(TABLE), strict=True))
    assert scores["left"] > scores["static"] > scores["right"]


def test_the_rest_of_a_text_is_kept() -> None:
    query = motion_query("The camera pans slowly to the left across a beach at night")
    assert query is not None
    assert query.rest == "across a beach at night"
    assert query.phrase == "camera moves left slowly"


@pytest.mark.parametrize(
    "text",
    "frying pan|still life|fast food|a slow cooker|zoom call|panning for gold|bread roll|shaking hands|a fast car"
    "|truck on the left|rolling hills|shot of a dog|日本|the camera|action figure|".split("|"),
)
def test_texts_that_name_no_move(text: str) -> None:
    assert motion_query(text) is None
