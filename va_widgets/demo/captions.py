"""Writes captions for scenes, and computes which other scenes a caption is true of.

A caption names a random part of a scene's attributes, in varied words and order. As the other attributes stay open ("a
night city" leaves the weather open), a caption is true of many scenes; the training loss uses all of these pairs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from va_widgets.demo.scenes import ATTRIBUTES, Scene

FREE = -1  # the code of an attribute that a caption leaves open
NAMES: tuple[str, ...] = tuple(ATTRIBUTES)
_CODES: dict[str, dict[str, int]] = {
    name: {value: code for code, value in enumerate([*shares, *([] if "none" in shares else ["none"])])}
    for name, shares in ATTRIBUTES.items()
}

_PLACES = {
    "city": ["in the city", "in a city", "on a city street", "downtown", "in an urban street", "in town"],
    "sea": ["at sea", "by the sea", "over the sea", "on the ocean", "above the water", "at the ocean"],
    "forest": ["in the forest", "in a forest", "in the woods", "among trees", "between trees"],
    "mountains": ["in the mountains", "in front of mountains", "among mountains", "near a mountain"],
    "desert": ["in the desert", "in a desert", "on sand dunes", "among dunes", "on the sand"],
    "meadow": ["in a meadow", "in the meadow", "on green hills", "in a field of flowers", "on the grass"],
    "interior": ["indoors", "inside", "in a room", "in a living room", "in an interior", "inside a house"],
}
_PLACE_NOUNS = {
    "city": ["city", "street", "skyline", "town"],
    "sea": ["sea", "ocean", "water"],
    "forest": ["forest", "woods", "trees"],
    "mountains": ["mountains", "mountain", "mountain landscape"],
    "desert": ["desert", "sand dunes", "dunes"],
    "meadow": ["meadow", "green hills", "field", "grass"],
    "interior": ["interior", "room", "living room", "house"],
}
_TIMES = {
    "day": ["by day", "in daylight", "in the daytime", "during the day", "in bright light"],
    "night": ["at night", "by night", "in the night", "after dark", "in the dark", "under the moon"],
    "golden": ["at golden hour", "at sunset", "in the golden hour", "at dusk", "in evening light", "at sunrise"],
}
_TIME_NOUNS = {
    "day": ["daylight", "day", "daytime", "bright day"],
    "night": ["night", "darkness", "dark night", "nighttime"],
    "golden": ["golden hour", "sunset", "dusk", "evening", "sunrise"],
}
_SKIES = {
    "clear": ["in clear weather", "under a clear sky", "in good weather"],
    "rain": ["in the rain", "in rain", "while it rains", "in rainy weather", "in a storm"],
    "snow": ["in the snow", "in snow", "while it snows", "in snowy weather", "in winter"],
    "fog": ["in the fog", "in fog", "in foggy weather", "in the mist", "in haze"],
}
_SKY_ADJECTIVES = {"rain": ["rainy", "wet"], "snow": ["snowy"], "fog": ["foggy", "misty"]}
_SKY_NOUNS = {
    "clear": ["clear weather", "clear sky"],
    "rain": ["rain", "rainy weather", "a storm"],
    "snow": ["snow", "snowy weather", "winter"],
    "fog": ["fog", "mist", "haze"],
}
_SINGULAR = {
    "circle": ["circle", "ball", "disc", "round shape"],
    "square": ["square", "box"],
    "triangle": ["triangle", "pyramid"],
    "star": ["star"],
    "heart": ["heart"],
    "ring": ["ring", "hoop", "donut"],
    "cross": ["cross", "plus sign"],
    "car": ["car", "automobile", "vehicle"],
    "balloon": ["balloon", "hot air balloon"],
}
_PLURAL = {
    "circle": ["circles", "balls", "discs"],
    "square": ["squares", "boxes"],
    "triangle": ["triangles", "pyramids"],
    "star": ["stars"],
    "heart": ["hearts"],
    "ring": ["rings", "hoops", "donuts"],
    "cross": ["crosses", "plus signs"],
    "car": ["cars", "automobiles", "vehicles"],
    "balloon": ["balloons", "hot air balloons"],
}
_COUNTS = {
    "one": ["a single", "one", "a lone", "just one"],
    "two": ["two", "a pair of", "a couple of"],
    "three": ["three", "a trio of"],
    "many": ["many", "a crowd of", "a group of", "lots of", "several"],
}
_COUNT_NOUNS = {
    "one": ["a single object", "one thing", "a lone object"],
    "two": ["a pair", "pair", "two things", "two objects", "a couple"],
    "three": ["three things", "three objects", "a trio"],
    "many": ["a crowd", "crowd", "many things", "many objects", "a group", "lots of things"],
}
_FRAMINGS = {
    "close-up": ["a close-up of", "close-up of", "a close up of", "close view of", "a tight shot of"],
    "medium": ["a medium shot of", "medium shot of", "a mid shot of"],
    "wide": ["a wide shot of", "wide shot of", "a long shot of", "a distant view of"],
}
_FRAMING_NOUNS = {
    "close-up": ["close-up", "close up", "a close-up", "close-up shot", "tight shot"],
    "medium": ["medium shot", "a medium shot", "mid shot"],
    "wide": ["wide shot", "a wide shot", "long shot", "wide view"],
}
_CAMERAS = {
    "static": ["with a static camera", "filmed from a tripod", "static shot", "camera still"],
    "pan": ["with a panning camera", "camera pans", "panning shot", "camera moves sideways", "pan"],
    "zoom": ["with a zooming camera", "camera zooms", "zooming shot", "camera zooms in", "zoom"],
}
_EMPTY = ["an establishing shot of", "establishing shot of", "an empty", "a landscape view of", "a view of an empty"]
_EMPTY_NOUNS = ["establishing shot", "an establishing shot", "empty scene", "nothing", "empty landscape"]
_THINGS = ["something", "a thing", "an object", "a shape"]
_OPENINGS = ["", "", "", "", "a photo of", "a video of", "a shot of", "a picture of", "video of", "a scene with"]


@dataclass(slots=True)
class _Draft:
    """An unfinished caption: its phrases, and the values of the attributes that they name."""

    stated: dict[str, str] = field(default_factory=dict)
    phrases: list[str] = field(default_factory=list)


def codes(scenes: Sequence[Scene]) -> NDArray[np.int8]:
    """Return the attributes of scenes as codes (n, attributes), in the order of `NAMES`."""
    return np.array([[_CODES[name][getattr(scene, name)] for name in NAMES] for scene in scenes], dtype=np.int8)


def matches(caption_codes: NDArray[np.int8], scene_codes: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return which captions are true of which scenes: bool (captions, scenes).

    `caption_codes` is (captions, attributes) with `FREE` for open attributes; `scene_codes` is (scenes, attributes).
    """
    stated = caption_codes[:, None, :]
    return np.asarray(((stated == FREE) | (stated == scene_codes[None, :, :])).all(axis=2))


def caption(scene: Scene, rng: Generator) -> tuple[str, NDArray[np.int8]]:
    """Write a caption that is true of `scene`; returns it and its codes (attributes,), `FREE` for open attributes."""
    draft = _Draft()
    style = rng.uniform()
    if style < 0.22:
        _write_one_attribute(draft, scene, rng)
    elif style < 0.40:
        _write_attributes(draft, scene, rng)
    else:
        _write_sentence(draft, scene, rng)
    text = " ".join(phrase for phrase in draft.phrases if phrase)
    caption_codes = np.full(len(NAMES), FREE, dtype=np.int8)
    for name, value in draft.stated.items():
        caption_codes[NAMES.index(name)] = _CODES[name][value]
    return text, caption_codes


def _pick(options: Sequence[str], rng: Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _add_phrase(draft: _Draft, scene: Scene, name: str, phrase: str) -> None:
    """Add a phrase that names the scene's value of the attribute `name`."""
    draft.stated[name] = getattr(scene, name)
    draft.phrases.append(phrase)


def _subject_names(scene: Scene, counted: bool) -> list[str]:
    return _SINGULAR[scene.subject] if not counted or scene.count == "one" else _PLURAL[scene.subject]


def _write_one_attribute(draft: _Draft, scene: Scene, rng: Generator) -> None:
    """Write one attribute, with or without an article, as people type searches."""
    name = _pick([*NAMES, "subject", "colour"], rng)
    if scene.subject == "none" and name in ("colour", "count"):
        name = "subject"
    _add_attribute(draft, scene, name, rng)
    if rng.uniform() < 0.2:
        draft.phrases.insert(0, _pick(["a photo of", "a video of", "a shot of", "a picture of"], rng))


def _add_attribute(draft: _Draft, scene: Scene, name: str, rng: Generator) -> None:
    """Add one attribute as a noun or a short noun phrase."""
    value = getattr(scene, name)
    if name == "subject":
        if value == "none":
            _add_phrase(draft, scene, name, _pick(_EMPTY_NOUNS, rng))
        else:
            article = _pick(["", "a", "the"], rng)
            _add_phrase(draft, scene, name, f"{article} {_pick(_SINGULAR[value], rng)}".strip())
    elif name == "colour":
        _add_phrase(draft, scene, name, f"{_pick([*_THINGS, '', ''], rng)} {value}".strip())
    else:
        nouns = {
            "setting": _PLACE_NOUNS,
            "light": _TIME_NOUNS,
            "weather": _SKY_NOUNS,
            "count": _COUNT_NOUNS,
            "framing": _FRAMING_NOUNS,
            "camera": _CAMERAS,
        }[name]
        noun = _pick(nouns[value], rng)
        article = _pick(["", "", "the", "a"], rng) if name == "setting" else ""
        _add_phrase(draft, scene, name, f"{article} {noun}".strip())


def _write_attributes(draft: _Draft, scene: Scene, rng: Generator) -> None:
    """Write two or three attributes as bare words, in any order; sometimes a place with its weather or hour."""
    names = [name for name in NAMES if scene.subject != "none" or name not in ("colour", "count")]
    if rng.uniform() < 0.25:
        # This adds the scenery once for every name, so that its phrases repeat; va-tiny was trained on such captions.
        names = [name for name in names if name not in _add_scenery(draft, scene, rng)]
    for name in rng.permutation(names)[: max(0, int(rng.integers(2, 4)) - len(draft.phrases))]:
        if name == "colour":
            _add_phrase(draft, scene, name, scene.colour)
        else:
            _add_attribute(draft, scene, str(name), rng)


def _add_scenery(draft: _Draft, scene: Scene, rng: Generator) -> tuple[str, ...]:
    """Add a place with its weather or hour ("snowy mountains", "city at night"); returns the attributes it names."""
    noun = _pick(_PLACE_NOUNS[scene.setting], rng)
    if scene.weather in _SKY_ADJECTIVES and rng.uniform() < 0.6:
        _add_phrase(draft, scene, "weather", _pick(_SKY_ADJECTIVES[scene.weather], rng))
        _add_phrase(draft, scene, "setting", noun)
        return ("weather", "setting")
    if scene.light == "night" and rng.uniform() < 0.4:
        _add_phrase(draft, scene, "light", "night")
        _add_phrase(draft, scene, "setting", noun)
    else:
        _add_phrase(draft, scene, "setting", noun)
        _add_phrase(draft, scene, "light", _pick(_TIMES[scene.light], rng))
    return ("light", "setting")


def _write_sentence(draft: _Draft, scene: Scene, rng: Generator) -> None:
    """Write a sentence: the subject or an empty landscape, then up to four more attributes in any order."""
    if scene.subject == "none":
        _add_landscape(draft, scene, rng)
    else:
        _add_subject(draft, scene, rng)
    tail: list[tuple[str, str]] = []
    if "setting" not in draft.stated and rng.uniform() < 0.5:
        tail.append(("setting", _pick(_PLACES[scene.setting], rng)))
    if "light" not in draft.stated and rng.uniform() < 0.5:
        tail.append(("light", _pick(_TIMES[scene.light], rng)))
    if "weather" not in draft.stated and rng.uniform() < (0.5 if scene.weather != "clear" else 0.1):
        tail.append(("weather", _pick(_SKIES[scene.weather], rng)))
    if rng.uniform() < 0.25:
        tail.append(("camera", _pick(_CAMERAS[scene.camera], rng)))
    for i in rng.permutation(len(tail)):
        _add_phrase(draft, scene, *tail[i])


def _add_subject(draft: _Draft, scene: Scene, rng: Generator) -> None:
    """Add the subject, with its framing, count and colour in some of the cases."""
    if rng.uniform() < 0.25:
        _add_phrase(draft, scene, "framing", _pick(_FRAMINGS[scene.framing], rng))
    else:
        draft.phrases.append(_pick(_OPENINGS, rng))
    if counted := rng.uniform() < 0.4:
        _add_phrase(draft, scene, "count", _pick(_COUNTS[scene.count], rng))
    elif scene.count == "one" or rng.uniform() < 0.5:
        draft.phrases.append(_pick(["a", "the", ""], rng))
    if rng.uniform() < 0.65:
        _add_phrase(draft, scene, "colour", scene.colour)
    if rng.uniform() < 0.88 or "colour" not in draft.stated:
        _add_phrase(draft, scene, "subject", _pick(_subject_names(scene, counted), rng))
    else:
        draft.phrases.append(
            _pick(["thing", "object", "shape"], rng) + ("s" if counted and scene.count != "one" else "")
        )


def _add_landscape(draft: _Draft, scene: Scene, rng: Generator) -> None:
    """Add a setting without a subject, with its weather and hour in some of the cases."""
    if rng.uniform() < 0.7:
        _add_phrase(draft, scene, "subject", _pick(_EMPTY, rng))
    else:
        _add_phrase(draft, scene, "framing", _pick(_FRAMINGS["wide"], rng))
    if rng.uniform() < 0.4 and scene.weather in _SKY_ADJECTIVES:
        _add_phrase(draft, scene, "weather", _pick(_SKY_ADJECTIVES[scene.weather], rng))
    if rng.uniform() < 0.3 and scene.light == "night":
        _add_phrase(draft, scene, "light", "night")
    _add_phrase(draft, scene, "setting", _pick(_PLACE_NOUNS[scene.setting], rng))


_WORD = re.compile(r"[a-z]+")


def vocabulary() -> list[str]:
    """Return all words of captions and searches, sorted."""
    tables = (
        _PLACES, _PLACE_NOUNS, _TIMES, _TIME_NOUNS, _SKIES, _SKY_ADJECTIVES, _SKY_NOUNS, _SINGULAR, _PLURAL,
        _COUNTS, _COUNT_NOUNS, _FRAMINGS, _FRAMING_NOUNS, _CAMERAS,
    )  # fmt: skip
    phrases = [phrase for table in tables for options in table.values() for phrase in options]
    phrases += [*_EMPTY, *_EMPTY_NOUNS, *_THINGS, *_OPENINGS, *ATTRIBUTES["colour"], "objects things shapes and with"]
    return sorted({word for phrase in phrases for word in _WORD.findall(phrase.lower())})
