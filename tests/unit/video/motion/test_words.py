"""Motion in words, and words for motion."""

from __future__ import annotations

import numpy as np
import pytest

from tests.motion_views import motion_view
from va_widgets.demo.captions import FREE, NAMES, caption
from va_widgets.demo.scenes import sample_scenes
from va_widgets.video.motion.readable import MotionNumbers
from va_widgets.video.motion.words import is_static, motion_in_words, motion_query, motion_scores, motion_sign

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


@pytest.mark.parametrize(
    ("numbers", "seconds", "words"),
    [
        ({"zoom": 0.009}, 3.0, "static"),
        ({"zoom": 0.009}, 20.0, "zooms in slowly"),
        ({"zoom": 0.013}, 3.0, "zooms in slowly"),
        ({"pan": -0.009}, 20.0, "camera moves left slowly"),
        ({"pan": -0.009}, 5.0, "static"),
        ({"pan": -0.009}, float("nan"), "static"),
        ({"tilt": 0.005}, 600.0, "static"),
        ({"tilt": 0.2, "zoom": 0.02}, 600.0, "camera moves up"),
    ],
)
def test_a_slow_move_is_named_where_it_comes_far(numbers: dict[str, float], seconds: float, words: str) -> None:
    assert motion_in_words(STILL | numbers, seconds) == words
    columns = {name: np.array([value]) for name, value in (STILL | numbers).items()}
    assert is_static(columns, np.array([seconds])).tolist() == [words == "static"]


@pytest.mark.parametrize(
    ("numbers", "direction", "word"),
    [
        ({}, None, "static"),
        ({"subject_motion": 0.1}, None, "static"),
        ({"shake": 0.2}, None, "shaky"),
        ({"pan": 0.2}, 0, ""),
        ({"pan": -0.03}, 180, ""),
        ({"tilt": 0.2}, 270, ""),
        ({"tilt": -0.2}, 90, ""),
        ({"tilt": -0.2, "pan": 0.15}, 45, ""),
        ({"tilt": 0.2, "pan": 0.15}, 315, ""),
        ({"zoom": -0.2}, None, "zooms out"),
        ({"zoom": 0.3, "pan": -0.15}, 180, "zooms in"),
        ({"roll": 0.4, "zoom": 0.2}, None, "turns, zooms in"),
    ],
)
def test_numbers_become_an_arrow_and_a_word(numbers: dict[str, float], direction: int | None, word: str) -> None:
    assert motion_sign(STILL | numbers) == (direction, word)


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
        ("flashing lights", "brightness changes", "flash"),
        ("strobe lights in a club", "brightness changes", "flash"),
        ("rotate clockwise", "camera turns clockwise", "clockwise"),
        ("slow pan across the skyline", "camera moves sideways slowly", "right slowly"),
        ("pan left in slow motion", "camera moves left", "left"),
        ("handheld", "shaky", "shaky"),
        ("pan left to right", "camera moves right", "right"),
        ("the camera is panning left and right", "camera moves sideways", "right"),
        ("zoom in and out", "zooms", "in"),
        ("the camera pans up", "camera moves up", "up"),
        ("slow camera movement", "camera moves slowly", "right slowly"),
        ("pann lefft", "camera moves left", "left"),
        ("zom-in", "zooms in", "in"),
        ("Statc shot", "static", "static"),
        ("shakey camra", "shaky", "shaky"),
        ("zoomout", "zooms out", "out"),
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


@pytest.mark.parametrize(
    ("text", "phrase", "measure", "worst"),
    [
        ("not shaky", "steady", "how little the camera shakes", "shaky"),
        ("without any camera shake", "steady", "how little the camera shakes", "shaky"),
        ("not a static shot", "camera moves", "how much the camera moves", "static"),
        ("the camera isn\u2019t moving", "static", "how little the camera moves", "right and in"),
        ("no fast action", "little motion", "how little moves", "right and in"),
        ("not fast", "little motion", "how little moves", "right and in"),
        ("no zoom", "not: zooms", "how little the camera moves (zooms)", "right and in"),
        ("don't pan left", "not: camera moves left", "how little the camera moves (left)", "left"),
        ("no strobe lights", "not: brightness changes", "how little the brightness changes", "flash"),
    ],
)
def test_what_a_text_takes_back_is_ranked_last(text: str, phrase: str, measure: str, worst: str) -> None:
    query = motion_query(text)
    assert query is not None
    assert (query.phrase, query.measure, query.rest) == (phrase, measure, "")
    assert list(CLIPS)[int(np.argmin(query.scores(TABLE)))] == worst


def test_a_move_that_is_taken_back_counts_beside_other_words() -> None:
    for text, rest in (("a face, no zooming in", "face"), ("no people, static shot", "no people")):
        query = motion_query(text)
        assert query is not None
        assert query.rest == rest
        assert query.negated == ("zooming" in text)


def test_a_move_is_ranked_above_rest_and_rest_above_its_opposite() -> None:
    query = motion_query("pan left")
    assert query is not None
    scores = dict(zip(CLIPS, query.scores(TABLE), strict=True))
    assert scores["left"] > scores["static"] > scores["right"]


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("The camera pans slowly to the left across a beach at night", "beach at night"),
        ("a slow zoom in on a face", "face"),
        ("Pan left over 2 dogs", "2 dogs"),
        ("static shot of a man's hat", "man's hat"),
        ("\ud574\ubcc0, pan left", "\ud574\ubcc0"),
        ("a panning shot", ""),
        ("a shaky scene", ""),
    ],
)
def test_the_rest_of_a_text_is_kept(text: str, rest: str) -> None:
    query = motion_query(text)
    assert query is not None
    assert query.rest == rest


NO_MOVES = (
    # Words of moves that mean something else here.
    "a frying pan on a stove|a pan left on the stove|pans hanging in a kitchen|choosing the right pan"
    "|the left pan of the scales|dust pan and brush|Peter Pan flies over London|people panning gold in a river"
    "|panning for gold|a panda|rolling hills|a bread roll|sushi rolls|rolls of paper|cameras rolling on a film set"
    "|camera roll|rock and roll|a plane doing a barrel roll|dice rolling on a table|a roller coaster|still life"
    "|a still lake at dawn|an old still camera|still frame from a film|standing still|static electricity|static shock"
    "|television static|fast food|a fast car|a fast moving stream|breakfast|a slow cooker|slow motion"
    "|a kayak in slow motion|a zoom call|zoom call|people on zoom on a laptop|a camera with a zoom lens"
    "|cars zooming past|zoomed in photo of an insect|shaking hands|shaky hands holding a cup|a shaky bridge"
    "|a milkshake|a dog shaking off water|her head tilted up|tilting at windmills|a man tilting his head"
    "|a hat tilted down over the eyes|a crane up in the sky|a crane down by the harbour|cranes over a building site"
    "|a statue on a pedestal up on a hill|a girl with a dolly in her arms|Dolly Parton|the camera|camera crew"
    "|a man with a camera on a tripod|a telescope on a tripod|a video camera|an action camera|action figure"
    "|an action movie poster|moving boxes|a moving van|a stable with horses|a steady hand|smooth jazz|calm sea"
    "|a handheld game console|a handheld video game|running track on the left|truck on the left|a road turns right"
    "|a boat goes up the river|a wheel turning clockwise|a fan spinning|a camera flash|flash photography"
    "|flashing lights of a police car|blinking lights|a flickering candle|faded jeans|colours fade in the sun"
    "|dynamic duo|a city locked down|a locked-off road|motion sensor|a motion picture camera|traveling by train"
    "|travel video|a boom microphone|car crash|a crash|a whip|gentle rain|get out of the car|moving in together"
    # Texts without any.
    "|wide shot of a valley|a close-up of a face|establishing shot|over-the-shoulder shot|aerial view of a city"
    "|low angle shot of a tower|shot of a dog|someone running|children playing|a horse galloping|waves on a beach"
    "|traffic at night|two people kissing|a red circle at night|snowy mountains|fireworks|a train crossing a bridge"
    "|a man cooking|hands typing|golden hour|a bread roll, not a bun|no dogs|a pan up on the shelf|an inn on the right"
    # Other languages.
    "|schwenk nach links|Zoom auf das Gesicht|un pan de chocolate|la c\u00e1mara se mueve|zoom arri\u00e8re"
    "|\u9759\u6b62|\u65e5\u672c|\ube60\ub974\uac8c \ub2ec\ub9ac\ub294 \uc0ac\ub78c|"
).split("|")


@pytest.mark.parametrize("text", NO_MOVES)
def test_texts_that_name_no_move(text: str) -> None:
    assert motion_query(text) is None


def test_captions_of_the_demo_name_no_move_unless_they_speak_of_the_camera() -> None:
    rng = np.random.default_rng(0)
    captions = [caption(scene, rng) for scene in sample_scenes(300, 0)]
    camera = NAMES.index("camera")
    named = {text for text, codes in captions if motion_query(text)}
    assert named <= {text for text, codes in captions if codes[camera] != FREE}
    assert named


def test_static_clips_are_those_that_the_words_call_so() -> None:
    called = [motion_in_words(STILL | clip).startswith("static") for clip in CLIPS.values()]
    assert is_static(TABLE).tolist() == called
    assert not is_static({name: np.array([np.nan]) for name in MotionNumbers._fields}).any()


def test_scores_of_a_text_are_shares_of_the_clips_that_fit_worse() -> None:
    view = motion_view([{"pan": -0.2}, {"pan": 0.2}, {}, {}, None])
    scores = motion_scores("pan left", view)
    assert scores is not None
    np.testing.assert_allclose(scores, [0.875, 0.125, 0.5, 0.5, 0.0])
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(motion_scores("pan left over a beach", view), scores)
    assert motion_scores("a frying pan", view) is None
    assert motion_scores("pan left", view[:0]).shape == (0,)  # type: ignore[union-attr]
