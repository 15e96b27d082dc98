"""Published models."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
import pytest
from scipy.special import logit

import va_widgets as va
from tests.conftest import labelled
from va_widgets.catalogue.scores import score_columns
from va_widgets.learning.smoothing import smoothed
from va_widgets.models.names import slug
from va_widgets.models.reference import LABELS_FILE, REFERENCE_FILE

KEPT = (REFERENCE_FILE, LABELS_FILE)


@pytest.fixture
def session(demo_corpus: va.Corpus) -> va.Session:
    return labelled(demo_corpus, annotator="kelli")


def test_a_published_model_scores_as_the_session_does(session: va.Session) -> None:
    model = session.publish("Night!")
    again = va.load_model(session.corpus.path / "models" / model.slug / "v1")
    np.testing.assert_allclose(again.score_corpus(session.corpus), session.scores(), atol=1e-4)
    assert again.card["labels"]["yes"] == 8
    assert again.concept == "night"


def test_clips_by_themselves_are_scored_without_their_neighbours(session: va.Session) -> None:
    model, corpus = session.publish("night"), session.corpus
    assert corpus.neighbours is not None
    assert 0 < model.smoothing == model.card["smoothing"] < 1
    logits = logit(model.score(corpus.embeddings))
    np.testing.assert_allclose(
        logit(model.score_corpus(corpus)), smoothed(logits, corpus.neighbours, model.smoothing), rtol=1e-3, atol=1e-3
    )


@pytest.fixture
def moving(demo_corpus: va.Corpus) -> va.Session:
    """A session of a concept that only the motion view shows, in a corpus with one more view that tells nothing."""
    noise = np.random.default_rng(0).normal(size=(len(demo_corpus), 3))
    corpus = demo_corpus.add_view("noise", noise)
    session = va.Session(corpus, "pan")
    truth = va.demo.truth_of(corpus, "pan")
    for value in (True, False):
        session.label(truth.index[truth == value][:16].tolist(), value)
    session.refit()
    return session


def test_a_model_holds_the_coefficients_of_the_views_that_it_has_learned_from(moving: va.Session) -> None:
    corpus, model = moving.corpus, moving.publish("pan")
    assert list(model.views) == ["motion"]
    assert model.card["schema"] == 2
    assert model.card["views"] == {"motion": corpus.view("motion").shape[1]}
    again = va.load_model(model.folder)
    np.testing.assert_allclose(again.score_corpus(corpus), moving.scores(), atol=1e-3)
    alone = replace(again, smoothing=0.0)
    by_itself = alone.score(corpus.embeddings, {"motion": corpus.view("motion")})
    np.testing.assert_allclose(by_itself, alone.score_corpus(corpus), atol=1e-6)


def test_a_model_scores_clips_of_unknown_motion_as_the_session_does(demo_corpus: va.Corpus, tmp_path: Path) -> None:
    motion = np.array(demo_corpus.view("motion"))
    unknown = np.arange(len(motion)) % 4 == 0
    motion[unknown] = 0
    table = demo_corpus.clips[["video", "start", "end"]]
    corpus = va.Corpus.from_embeddings(tmp_path / "c", demo_corpus.embeddings, table, views={"motion": motion})
    session, truth = va.Session(corpus, "pan"), va.demo.truth_of(demo_corpus, "pan")
    for value in (True, False):
        session.label(truth.index[truth == value][:24].tolist(), value)
    session.refit()
    model = session.publish("pan")
    assert list(model.missing) == ["motion"]
    assert model.missing["motion"] != 0
    np.testing.assert_allclose(model.score_corpus(corpus), session.scores(), atol=1e-3)
    np.testing.assert_allclose(score_columns(corpus, {"pan": model})["pan"], session.scores(), atol=1e-3)
    as_zeros = replace(model, missing={}).score_corpus(corpus)
    assert not np.allclose(as_zeros[unknown], session.scores()[unknown], atol=1e-3)
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    exported = runtime.InferenceSession(model.to_onnx().SerializeToString())
    inputs = [np.asarray(matrix, np.float32) for matrix in (corpus.embeddings, motion)]
    (scores,) = exported.run(None, dict(zip([one.name for one in exported.get_inputs()], inputs, strict=True)))
    np.testing.assert_allclose(scores, model.score(corpus.embeddings, {"motion": motion}), atol=1e-4)


def test_a_model_of_several_views_refuses_what_lacks_one(moving: va.Session, tmp_path: Path) -> None:
    corpus, model = moving.corpus, moving.publish("pan")
    vectors = np.asarray(corpus.embeddings)
    other = va.Corpus.from_embeddings(tmp_path / "other", vectors, _named(len(vectors)))
    with pytest.raises(va.ModelError, match=r"has also learned from the view 'motion'.*corpus\.add_view\('motion'\)"):
        replace(model, encoder=other.encoder_fingerprint).score_corpus(other)
    with pytest.raises(va.ModelError, match=r"has also learned from the view 'motion'"):
        model.score(vectors)
    with pytest.raises(va.ModelError, match=r"scores the view 'motion' \(n, 109\), not \(120, 3\)"):
        model.score(vectors, {"motion": vectors[:, :3]})
    with pytest.raises(va.ModelError, match=r"5 rows for 120 embeddings"):
        model.score(vectors, {"motion": corpus.view("motion")[:5]})


@pytest.mark.parametrize(
    ("views", "fault"),
    [({}, "not of the views"), ({"motion": 3}, "not of the views"), ({"other": 109}, "not of the views"), (3, "views")],
)
def test_a_card_that_names_other_views_than_its_weights_is_damaged(
    moving: va.Session, views: object, fault: str
) -> None:
    model = moving.publish("pan")
    card = json.loads((model.folder / "card.json").read_text())
    (model.folder / "card.json").write_text(json.dumps({**card, "views": views}))
    with pytest.raises(va.ModelError, match=fault):
        va.load_model(model.folder)


def test_versions_are_never_overwritten(session: va.Session) -> None:
    first, second = session.publish("night"), session.publish("night")
    assert (first.version, second.version) == (1, 2)
    assert va.load_model(session.corpus.path / "models" / "night").version == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such permissions")
def test_a_published_model_may_be_read_by_those_who_may_read_its_folder(session: va.Session) -> None:
    before = os.umask(0o027)
    try:
        model = session.publish("night")
    finally:
        os.umask(before)
    folder = session.corpus.path / "models" / model.slug / "v1"
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (folder, *folder.iterdir())}
    assert modes.pop("v1") == 0o750
    assert {"model.safetensors", "card.json", "README.md"} <= modes.keys()
    assert set(modes.values()) == {0o640}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the names of open files")
def test_a_published_model_is_on_the_disk(session: va.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    sync = os.fsync

    def noted(opened: int) -> None:
        synced.append(Path(f"/proc/self/fd/{opened}").readlink())
        sync(opened)

    monkeypatch.setattr(os, "fsync", noted)
    session.publish("night", pictures=False)
    home = session.corpus.path / "models" / "night"
    assert [file.name for file in synced[:5]] == [*KEPT, "model.safetensors", "README.md", "card.json"]
    assert synced[5] == synced[0].parent  # the names of all
    assert synced[6] == home  # the version's own name


@pytest.mark.skipif(os.name == "nt", reason="a limit on the size of files")
def test_where_the_disk_takes_no_more_one_sentence_says_so(session: va.Session) -> None:
    import resource

    session.refit()
    session.publish("night")
    _, most = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, most))
    try:
        with pytest.raises(va.ModelError, match="cannot be used, because a limit on the size of files is reached"):
            session.publish("night")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [entry.name for entry in (session.corpus.path / "models" / "night").iterdir()] == ["v1"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
@pytest.mark.parametrize("link", ["models", "models/night"])
def test_a_link_that_leads_out_of_the_corpus_is_not_written_through(
    session: va.Session, tmp_path: Path, link: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (session.corpus.path / link).parent.mkdir(exist_ok=True)
    (session.corpus.path / link).symlink_to(outside)
    with pytest.raises(va.ModelError, match="leads out of"):
        session.publish("night")
    assert not list(outside.iterdir())
    assert session.report().summary


def test_another_encoder_s_corpus_is_refused(session: va.Session, tmp_path: Path) -> None:
    model = session.publish("night")
    other = va.Corpus.from_embeddings(tmp_path / "o", np.eye(model.dim)[:3], _named(3))
    with pytest.raises(va.EncoderMismatchError, match="was trained on embeddings of"):
        model.score_corpus(other)


def test_nothing_is_published_of_one_class(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "night")
    session.label(demo_corpus.clips.index[0], True)
    with pytest.raises(va.NotEnoughLabelsError, match="at least one yes and one no"):
        session.publish("night")


def test_a_damaged_model_is_refused(session: va.Session) -> None:
    model = session.publish("night")
    folder = session.corpus.path / "models" / model.slug / "v1"
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "dim": 3}))
    with pytest.raises(va.ModelError, match="damaged"):
        va.load_model(folder)
    with pytest.raises(va.ModelError, match="no published model"):
        va.load_model(folder.parent.parent / "none")


def test_names_become_safe_folders_that_stay_apart() -> None:
    assert slug("Night city") == "night_city"
    assert slug(" 바다 풍경") == "바다_풍경"
    odd = [slug(name) for name in ("../x", "🎬", "“night”", "night", "NIGHT?")]
    assert len(set(odd)) == len(odd)
    assert all("/" not in name and not name.startswith(".") for name in odd)
    with pytest.raises(va.ModelError, match="needs a name"):
        slug("  ")


def test_the_versions_of_a_folder_with_a_former_name_are_counted_on(session: va.Session) -> None:
    models = session.corpus.path / "models"
    session.publish("바다")
    (models / "바다").rename(models / "model_1ea5c356")  # as version 0.1.0 called it
    assert va.load_model(models / "model_1ea5c356").name == "바다"
    assert session.publish("바다").version == 2
    assert va.load_model(models / "바다").version == 2
    assert va.load_model(models / "model_1ea5c356").version == 1


def test_a_threshold_for_a_wanted_precision(session: va.Session) -> None:
    session.refit()
    strict, why = session.threshold_for(0.95)
    assert "estimated for all clips; unsure, as there are only" in why
    plainly = r"About \d+ % of them should be right, .+ That is a guess from \d+ labels: .+"
    assert re.fullmatch(plainly, session.expectation)
    lenient, _ = session.threshold_for(0.5)
    assert 0 <= lenient < strict <= 1
    model = session.publish("night", precision=0.95)
    assert (model.threshold, model.card["threshold_why"]) == (strict, why)
    for ask in (session.threshold_for, lambda precision: session.publish("night", precision)):
        with pytest.raises(va.ModelError, match="A precision is a number"):
            ask(90)


def test_a_card_says_what_was_estimated_and_what_was_cross_validated(session: va.Session) -> None:
    metrics = session.publish("night").card["metrics"]
    assert session.quality is not None
    assert session.cross_validated is not None
    assert metrics["corpus_average_precision"] == session.quality.ap
    assert metrics["average_precision"] == session.cross_validated.ap


def _named(n: int) -> pd.DataFrame:
    return pd.DataFrame({"clip_id": [f"c{i}" for i in range(n)]})


def test_a_card_says_what_the_classifier_has_learned_from(session: va.Session) -> None:
    session.guideline = "lamps are not enough"
    card = session.publish("night").card
    assert card["guideline"] == "lamps are not enough"
    assert card["annotators"] == [{"annotator": "kelli", "yes": 8, "no": 8, "unsure": 0}]
    assert session.quality is not None
    corpus = card["quality"]["corpus"]
    assert (corpus["ap"], corpus["method"], corpus["interval"]) == (session.quality.ap, session.quality.method, 0.9)
    assert card["calibration"]["factor"] > 0
    assert {"python", "numpy", "scikit-learn", "torch", "open_clip_torch", "va_widgets"} == card["libraries"].keys()
    assert card["parent"] is None
    second = session.publish("night")
    assert second.card["parent"]["version"] == 1
    row = session.corpus.models.loc["night"].iloc[0]
    assert (row["version"], row["parent"], row["yes"], row["ap"]) == (2, 1, 8, session.quality.ap)


def test_a_bundle_has_pictures_of_clips_and_of_its_curve(demo_corpus: va.Corpus) -> None:
    pytest.importorskip("matplotlib")
    session = labelled(demo_corpus, concept="밤 🎬")  # which matplotlib's font lacks
    model = session.publish("night")
    sizes = {}
    for name in ("yes.jpg", "no.jpg", "borderline.jpg", "precision_recall.png"):
        assert f"]({name})" in model.read_file("README.md").decode()
        with PIL.Image.open(io.BytesIO(model.read_file(name))) as image:
            image.load()
            sizes[name] = image.size
    assert sizes["yes.jpg"] == sizes["no.jpg"] == (4 * 162 - 2, 2 * 92 - 2)
    assert sum(facts["bytes"] for facts in model.files.values()) < 200_000
    assert model._repr_html_().count("<img") == 3
    bare = session.publish("night", pictures=False)
    assert set(bare.files) == {"model.safetensors", "README.md", *KEPT}
    assert "Not in this bundle: clips that were labelled yes" in bare.read_file("README.md").decode()
    assert "<img" not in bare._repr_html_()
    with pytest.raises(va.ArgumentError, match="pictures must be True or False"):
        session.publish("night", pictures="no")  # type: ignore[arg-type]


def test_a_corpus_without_pictures_and_an_environment_without_matplotlib_publish_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = np.random.default_rng(0).normal(size=(60, 4))
    session = va.Session(va.Corpus.from_embeddings(tmp_path / "corpus", vectors, _named(60)), "left")
    for value, rows in ((True, vectors[:, 0] > 0.5), (False, vectors[:, 0] < -0.5)):
        session.label([f"c{row}" for row in np.flatnonzero(rows)[:8]], value)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert set(session.publish("left").files) == {"model.safetensors", "README.md", *KEPT}
