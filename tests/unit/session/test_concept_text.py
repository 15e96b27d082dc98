"""A session and its concept's text: kept with the labels, used without the model, taken when the model is back."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

import va_widgets as va
from va_widgets.corpus import OpenClipEncoder, TextSearch
from va_widgets.labels.label_store import LabelStore

TINY = Path(va.__file__).parent / "demo" / "tiny"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The folder of a model that can be taken away."""
    return Path(shutil.copytree(TINY, tmp_path / "model"))


@pytest.fixture
def corpus(demo_corpus: va.Corpus, model: Path, tmp_path: Path) -> va.Corpus:
    """A corpus whose own encoder is the model in the folder."""
    clips = demo_corpus.clips[["video", "start", "end"]]
    encoder = OpenClipEncoder(f"local-dir:{model}")
    return va.Corpus.from_embeddings(tmp_path / "own", demo_corpus.embeddings, clips, text_encoder=encoder)


def feeds(session: va.Session) -> list[list[str]]:
    return [session.feed(name, 12)["clip_id"].tolist() for name in session.feeds]


def labelled(session: va.Session) -> None:
    clips = session.corpus.clips.index
    session.label(clips[:6], True)
    session.label(clips[6:12], False)
    session.refit()


def test_without_its_model_a_session_is_the_same_to_the_bit(corpus: va.Corpus, model: Path) -> None:
    first = va.Session(corpus, "a city at night")
    before = first.scores()
    labelled(first)
    scores, shown, found = first.scores(), feeds(first), first.search("a city at night", 5)
    shutil.rmtree(model)
    again = va.Session(va.Corpus.open(corpus.path), "a city at night")
    assert again.ready
    assert not before.equals(scores)
    assert again.scores().equals(scores)
    assert feeds(again) == shown
    assert again.search("a city at night", 5).equals(found)  # the concept itself needs no model
    with pytest.raises(va.SearchUnavailableError, match=r"The folder .*model holds no OpenCLIP model: it needs"):
        again.search("rain")
    assert again.text_search.state == "unavailable"
    assert str(model) in again.text_search.reason


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_without_model_and_vector_a_session_opens_and_gets_its_text_later(
    corpus: va.Corpus, model: Path, harm: str
) -> None:
    away = model.with_name("away")
    shutil.copytree(model, away)
    shutil.rmtree(model)
    if harm == "damaged":
        shutil.copytree(away, model)
        (weights,) = model.glob("*.safetensors")
        weights.write_bytes(weights.read_bytes()[:1000])
    session = va.Session(va.Corpus.open(corpus.path), "a city at night")
    assert not session.ready
    labelled(session)
    without = feeds(session)
    with pytest.raises(va.SearchUnavailableError):
        session.warm_up()
    assert session.text_search.state == "unavailable"
    shutil.rmtree(model, ignore_errors=True)
    shutil.copytree(away, model)
    told: list[str] = []
    session.subscribe(lambda event, _data: told.append(event))
    assert len(session.search("rain", 3)) == 3
    assert session.corpus.text_search == TextSearch("ready")
    assert "refit" in told  # the page hears of fresh clips
    assert feeds(session) != without
    with_text = va.Session(va.Corpus.open(corpus.path), "a city at night")
    assert with_text.scores().equals(session.scores())  # as if it had been there from the beginning
    assert with_text.version == 1


def test_other_sessions_of_the_corpus_get_their_text_with_their_next_feed(corpus: va.Corpus, model: Path) -> None:
    away = model.rename(model.with_name("away"))
    one = va.Session(va.Corpus.open(corpus.path), "a city at night")
    other = one.for_concept("rain")
    one.scores()
    later = one.for_concept("snow")
    assert later.ready  # what failed for one concept is not tried by every other one
    assert other.scores().nunique() < 5
    away.rename(model)
    one.search("snow")
    other.feed("top_positive", 3)
    assert other.scores().nunique() > 50


def test_the_vector_is_kept_by_concept_and_encoder_and_the_first_one_counts(corpus: va.Corpus) -> None:
    va.Session(corpus, "night").scores()
    key = f"text:{corpus.encoder_fingerprint}"
    with LabelStore(corpus.path / "labels.sqlite") as store:
        kept = store.get_state("", "night", key)
        assert kept["read"] is None
        assert kept["nonsense"] is False
        assert store.set_state_if_absent("", "night", key, {"float32": "other"}) == kept
        assert store.get_state("", "rain", key) is None
    vector = va.Session(va.Corpus.open(corpus.path), "night")._classifier.trainer.text
    assert vector is not None
    assert vector.tobytes() == corpus.text_embedding("night").tobytes()


@pytest.mark.parametrize("document", [3, {}, {"float32": "!", "read": None, "nonsense": False}, {"float32": "AAAA"}])
def test_a_damaged_vector_is_made_anew(corpus: va.Corpus, document: object) -> None:
    key = f"text:{corpus.encoder_fingerprint}"
    with LabelStore(corpus.path / "labels.sqlite") as store:
        store.set_state("", "night", key, document)
    session = va.Session(corpus, "night")
    assert session.scores().nunique() > 50
    again = va.Session(va.Corpus.open(corpus.path), "night")
    assert again.ready
    assert again.scores().equals(session.scores())


def test_a_read_only_store_neither_fails_nor_loses_the_text(corpus: va.Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    session = va.Session(corpus, "night")
    session._labels.store.read_only = True
    assert session.scores().nunique() > 50
    with LabelStore(corpus.path / "labels.sqlite") as store:
        assert store.get_state("", "night", f"text:{corpus.encoder_fingerprint}") is None


@pytest.mark.slow
def test_labels_that_come_before_the_model_give_the_same_versions_and_feeds(corpus: va.Corpus, tmp_path: Path) -> None:
    other = shutil.copytree(corpus.path, tmp_path / "copy")
    early, late = va.Session(corpus, "night"), va.Session(va.Corpus.open(other), "night")
    early.scores()
    labelled(early)
    clips = corpus.clips.index
    late.label(clips[:6], True)  # nothing has been fitted yet
    late.label(clips[6:12], False)
    assert late.pending == 12
    late.refit()
    assert feeds(late) == feeds(early)
    assert late.version == early.version == 1


class Cutting:
    """An encoder that reads three words."""

    def __init__(self, inner: OpenClipEncoder) -> None:
        self.inner = inner
        self.dim, self.fingerprint = inner.dim, inner.fingerprint

    def encode_frames(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return self.inner.encode_frames(frames)

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.inner.encode_text([self.cut_text(text) or text for text in texts])

    def cut_text(self, text: str) -> str | None:
        words = text.split()
        return " ".join(words[:3]) if len(words) > 3 else None


def test_a_text_that_is_cut_is_said_so(corpus: va.Corpus, model: Path) -> None:
    long = "city at night seen from a slow helicopter"
    note = "Only the first words are read: “city at night”."
    cutting = va.Corpus.open(corpus.path, encoder=Cutting(OpenClipEncoder(f"local-dir:{model}")))
    session = va.Session(cutting, long)
    assert session.search(long, 3).attrs["note"] == note
    assert session.search("red circle", 3).attrs["note"] == ""
    assert session.concept_note == note
    again = va.Session(va.Corpus.open(corpus.path), long)  # of an encoder that is not loaded
    assert again.concept_note == note
    assert again.search(long, 3).attrs["note"] == note
    assert va.Session(cutting, "red circle").concept_note == ""


def test_va_tiny_says_what_it_cuts(corpus: va.Corpus) -> None:
    text = "city at night, " * 30
    note = str(corpus.search(text, 3).attrs["note"])
    assert note.startswith("Only the first words are read: “city at night, city")
    assert corpus.search("city at night", 3).attrs["note"] == ""


class Broken(Cutting):
    """An encoder that fails in ways of its own."""

    result: NDArray[np.float32] | Exception = RuntimeError("CUDA out of memory\nand a long trace")

    def encode_text(self, _texts: Sequence[str]) -> NDArray[np.float32]:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (
            RuntimeError("CUDA out of memory\nat …"),
            r"could not be used \(RuntimeError: CUDA out of memory\): mend that",
        ),
        (ImportError("No module named 'transformers'"), "No module named 'transformers'"),
        (np.full((1, 256), np.nan, dtype=np.float32), r"must be finite and of shape \(256,\)"),
        (np.ones((1, 3), dtype=np.float32), r"not \(3,\)"),
    ],
)
def test_whatever_an_encoder_does_the_session_opens(
    corpus: va.Corpus, model: Path, result: NDArray[np.float32] | Exception, says: str
) -> None:
    broken = Broken(OpenClipEncoder(f"local-dir:{model}"))
    broken.result = result
    session = va.Session(va.Corpus.open(corpus.path, encoder=broken), "night")
    assert len(session.feed("random", 5)) == 5
    with pytest.raises(va.SearchUnavailableError, match=says):
        session.search("rain")


@pytest.mark.slow
def test_a_session_with_a_stored_vector_opens_without_heavy_packages(corpus: va.Corpus) -> None:
    va.Session(corpus, "night").scores()
    script = """
import sys, va_widgets as va
session = va.Session(va.Corpus.open(sys.argv[1]), "night")
assert session.ready and len(session.feed("top_positive", 12)) == 12
assert len(session.search("night", 12)) == 12
heavy = {"torch", "open_clip", "sklearn", "cv2", "av", "scipy.stats", "matplotlib", "IPython"} & sys.modules.keys()
assert not heavy, heavy
session = va.Session(session.corpus, "rain")  # has no vector yet: it opens at once all the same
assert not session.ready and "torch" not in sys.modules
session.label(session.corpus.clips.index[0], True)
assert session.pending == 1
"""
    subprocess.run([sys.executable, "-c", script, str(corpus.path)], check=True)


@pytest.mark.parametrize("limit", ["LARGE", "_SORTED"])
def test_a_large_corpus_is_scored_by_torch_whenever_it_is_opened(
    corpus: va.Corpus, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    va.Session(corpus, "night").scores()
    monkeypatch.setattr(f"va_widgets.base.matrix.{limit}", 0)
    at_once = va.Session(va.Corpus.open(corpus.path), "night")
    with monkeypatch.context() as patch:
        patch.setattr(
            "va_widgets.session.concept_classifier.sys", SimpleNamespace(modules={})
        )  # torch is not loaded yet
        waiting = va.Session(va.Corpus.open(corpus.path), "night")
        assert not waiting.ready
    assert at_once.ready
    assert at_once.answers_at_once("night")
    assert not waiting.answers_at_once("night")
    assert waiting.scores().equals(at_once.scores())
