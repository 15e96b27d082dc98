"""Texts that name a camera move are ranked by the motion view; all others find what they found before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import va_widgets as va
from tests.motion_views import motion_view
from tests.unit.video.motion.test_words import NO_MOVES

BEACH, CITY = np.eye(4, dtype=np.float32)[:2]
# The motion of each clip; in even rows there is a beach, in odd ones a city.
CLIPS: dict[str, dict[str, float] | None] = {
    "beach, left": {"pan": -0.2},
    "city, left": {"pan": -0.3},
    "beach, right": {"pan": 0.2},
    "city, right": {"pan": 0.3},
    "beach, in": {"zoom": 0.2},
    "city, in": {"zoom": 0.1},
    "beach, static": {},
    "city, static": {"subject_motion": 0.1},
    "beach, shaky": {"shake": 0.3},
    "city, unknown": None,
}
WORDS = {"beach": BEACH, "a beach": BEACH, "the sea": BEACH, "city": CITY, "skyline": CITY}


class Words:
    """An encoder of texts that knows a few words, and gives all others a place of their own."""

    dim = 4
    fingerprint = "words"

    def encode_frames(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        raise NotImplementedError

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([WORDS.get(text, [0.1, 0.2, 0.3, 0.4]) for text in texts], dtype=np.float32)


def make(path: Path, *, motion: bool = True, text: bool = True) -> va.Corpus:
    rng = np.random.default_rng(0)
    vectors = np.where(np.arange(len(CLIPS))[:, None] % 2 == 0, BEACH, CITY) + rng.normal(size=(len(CLIPS), 4)) * 0.1
    views = {"motion": motion_view(list(CLIPS.values()))} if motion else None
    clips = pd.DataFrame(index=pd.Index(CLIPS, name="clip_id"))
    return va.Corpus.from_embeddings(path, vectors, clips, Words() if text else None, views=views)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> va.Corpus:
    return make(tmp_path_factory.mktemp("moving") / "corpus")


@pytest.fixture(scope="module")
def unmoved(tmp_path_factory: pytest.TempPathFactory) -> va.Corpus:
    """The same corpus without a motion view."""
    return make(tmp_path_factory.mktemp("unmoved") / "corpus", motion=False)


@pytest.mark.parametrize(
    ("text", "best", "motion", "note"),
    [
        ("pan left", ["city, left", "beach, left"], "camera moves left", "how the camera moves (left)"),
        ("zoom in", ["beach, in", "city, in"], "zooms in", "how the camera moves (zooms in)"),
        ("static shot", ["beach, static", "city, static"], "static", "how little the camera moves"),
        ("Shaky", ["beach, shaky"], "shaky", "how much the camera shakes"),
        ("subject moves", ["city, static"], "subject moves", "how much moves in front of the camera"),
    ],
)
def test_a_text_that_is_a_move_is_ranked_by_it(
    corpus: va.Corpus, text: str, best: list[str], motion: str, note: str
) -> None:
    found = corpus.search(text, len(CLIPS))
    assert list(found.columns) == ["clip_id", "score"]
    assert found["clip_id"].head(len(best)).tolist() == best
    assert found["score"].is_monotonic_decreasing
    assert "city, unknown" not in set(found["clip_id"])
    assert found.attrs["motion"] == motion
    assert found.attrs["note"] == f"Ranked by {note}."


def test_a_move_and_other_words_count_together(corpus: va.Corpus) -> None:
    found = corpus.search("pan left over a beach", len(CLIPS))
    assert found["clip_id"].iloc[0] == "beach, left"
    assert set(found["clip_id"].head(5)) == {clip for clip in CLIPS if "beach" in clip}
    assert len(found) == len(CLIPS)  # those whose motion is not known, too
    assert found.attrs["note"] == "Ranked by “beach” and by how the camera moves (left)."
    assert corpus.search("zoom in on the skyline", 1)["clip_id"].item() == "city, in"


def test_texts_without_a_move_find_what_they_found_before(corpus: va.Corpus, unmoved: va.Corpus) -> None:
    for text in [*NO_MOVES, *WORDS]:
        if text.strip():
            found, before = corpus.search(text), unmoved.search(text)
            pd.testing.assert_frame_equal(found, before)
            assert found.attrs == before.attrs
            assert found.attrs["motion"] == ""


def test_moves_are_words_like_all_others_where_motion_was_not_measured(unmoved: va.Corpus) -> None:
    assert unmoved.motion_query("pan left") is None
    assert unmoved.search("pan left").attrs == {"note": "", "motion": ""}


def test_moves_are_found_without_a_text_model(tmp_path: Path) -> None:
    mute = make(tmp_path / "corpus", text=False)
    assert mute.search("pan right", 2)["clip_id"].tolist() == ["city, right", "beach, right"]
    found = mute.search("pan right over a beach", 2)
    assert found["clip_id"].tolist() == ["city, right", "beach, right"]
    assert found.attrs["note"].startswith("Ranked by how the camera moves (right) alone. This corpus has no")
    with pytest.raises(va.SearchUnavailableError, match="only for camera moves such as “pan left”, and for clips that"):
        mute.search("a beach")


def test_a_phrase_with_a_vector_of_its_own_is_found_by_it(tmp_path: Path) -> None:
    clips = pd.DataFrame(index=pd.Index(CLIPS, name="clip_id"))
    vectors = np.where(np.arange(len(CLIPS))[:, None] % 2 == 0, BEACH, CITY)
    views = {"motion": motion_view(list(CLIPS.values()))}
    own = va.Corpus.from_embeddings(tmp_path / "c", vectors, clips, text_embeddings={"pan left": CITY}, views=views)
    assert all("city" in clip for clip in own.search("pan left", 5)["clip_id"])
    assert own.search("pan right", 1)["clip_id"].item() == "city, right"


def test_a_filter_chooses_the_clips(corpus: va.Corpus) -> None:
    zooms = corpus.motion["zoom"] > 0.05
    for found in (corpus.search("a beach", where=zooms), corpus.search("pan left", where=zooms)):
        assert set(found["clip_id"]) == {"beach, in", "city, in"}
    assert corpus.search("a beach", where=zooms)["clip_id"].tolist() == ["beach, in", "city, in"]
    assert corpus.similar("beach, in", where=zooms)["clip_id"].tolist() == ["city, in"]
    assert corpus.search("a beach", where=zooms.to_numpy())["clip_id"].tolist() == ["beach, in", "city, in"]
    assert corpus.search("city", where=zooms[["city, in", "beach, left"]])["clip_id"].tolist() == ["city, in"]
    assert corpus.search("city", where=zooms & False).empty


@pytest.mark.parametrize("where", [[True], "zoom", pd.Series([True, False]).astype(int), np.ones(10), 3])
def test_what_is_no_filter_is_refused(corpus: va.Corpus, where: object) -> None:
    with pytest.raises(va.ArgumentError, match="A filter of clips is a Series of booleans"):
        corpus.search("a beach", where=where)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [None, ["pan left"], 3])
def test_what_is_no_text_is_refused_as_before(corpus: va.Corpus, text: object) -> None:
    with pytest.raises(va.ArgumentError, match="text to search for"):
        corpus.search(text)  # type: ignore[arg-type]


def test_a_session_searches_for_moves_too(corpus: va.Corpus) -> None:
    session = va.Session(corpus, "pan left")
    assert session.answers_at_once("zoom in")
    assert session.search("pan left", 1)["clip_id"].item() == "city, left"  # though its own vector is known
    assert session.search("pan left", where=corpus.motion["pan"] > 0).attrs["motion"] == "camera moves left"
    assert session.queries == ["pan left"]
    session.close()
