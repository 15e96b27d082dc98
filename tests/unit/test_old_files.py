"""Files that an older version wrote open, and everything in them is as that version read it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

import va_widgets as va
from va_widgets.corpus import Filmstrip
from va_widgets.labels.label_store import check_file

OLD = Path(__file__).parents[1] / "data" / "old_corpus"
# Sums of another processor, or of another BLAS, differ in their last digits.
CLOSE = 1e-4
CORPUS_QUALITY = ["corpus_ap", "corpus_low", "corpus_high"]


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """What the version that wrote the corpus read from it."""
    read: dict[str, Any] = json.loads((OLD / "expected.json").read_text(encoding="utf-8"))
    return read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the old corpus, which may be changed."""
    shutil.copytree(OLD / "corpus", tmp_path / "corpus")
    return tmp_path / "corpus"


def assert_same_ranking(found: pd.DataFrame, ranking: dict[str, Any]) -> None:
    assert found["clip_id"].tolist() == ranking["clip_id"]
    assert found["score"].to_numpy() == pytest.approx(ranking["score"], abs=CLOSE)


def plain(table: pd.DataFrame) -> dict[str, Any]:
    """A table as `expected.json` holds it, with None for what is missing."""
    read: dict[str, Any] = json.loads(table.to_json(orient="split"))
    return read


def described(filmstrip: Filmstrip) -> list[object]:
    digest = hashlib.sha256(filmstrip.data).hexdigest()
    return [filmstrip.frames, filmstrip.width, filmstrip.height, filmstrip.mime, digest]


def test_a_corpus_without_digests_opens_and_is_searched(folder: Path, expected: dict[str, Any]) -> None:
    corpus = va.Corpus.open(folder)
    assert corpus.encoder_fingerprint == expected["fingerprint"]
    assert corpus.clips.reset_index().to_dict("list") == expected["clips"]
    assert corpus.report[["source", "status", "clips"]].to_dict("list") == expected["report"]
    assert np.array_equal(corpus.embeddings[:, :4].astype(float), expected["embeddings"])
    vector = np.asarray(corpus.embeddings[1], dtype=np.float32)
    assert_same_ranking(corpus.search_vector(vector, 5), expected["search"])
    assert {clip: described(corpus.filmstrip(clip)) for clip in expected["filmstrips"]} == expected["filmstrips"]
    with pytest.raises(va.PreviewUnavailableError, match=r"no longer in /films/videos"):
        corpus.preview(corpus.clips.index[0])


def test_new_files_of_a_corpus_without_digests_have_them(folder: Path, expected: dict[str, Any]) -> None:
    corpus = va.Corpus.open(folder)
    corpus.with_columns(pd.DataFrame({"number": range(len(corpus))}, index=corpus.clips.index))
    corpus = va.Corpus.open(folder)
    assert corpus.clips.drop(columns="number").reset_index().to_dict("list") == expected["clips"]
    assert corpus.clips["number"].tolist() == list(range(len(corpus)))
    assert {clip: described(corpus.filmstrip(clip)) for clip in expected["filmstrips"]} == expected["filmstrips"]
    statuses = corpus.verify(progress=False).set_index("file")["status"]
    new = statuses.index.str.match(r"manifest\.json|clips-")
    assert set(statuses[new]) == {"ok"}
    assert set(statuses[~new]) == {"unrecorded"}


def test_labels_of_version_1_go_on_in_a_session(folder: Path, expected: dict[str, Any]) -> None:
    session = va.Session(va.Corpus.open(folder), "night", annotator="kelli", seed=7)
    thomas = va.Session(session.corpus, "night", annotator="thomas", seed=7)
    assert session.ready, "the text vector that is stored with the labels is used: no model is loaded"
    assert session.labels["value"].to_dict() == expected["labels"]
    for opened in (session, thomas):
        assert opened.own_labels == expected["own"][opened.annotator]
        assert [opened.can_undo, opened.can_redo] == expected["steps"][opened.annotator]
        assert plain(opened.history.drop(columns=["time", "guideline_version"])) == expected["history"]
    assert session.guideline == expected["guideline"]
    assert session.queries == expected["queries"]
    assert session.version == expected["version"]
    assert plain(session.refits.drop(columns=CORPUS_QUALITY)) == expected["refits"]
    assert session.refits[CORPUS_QUALITY].isna().all(axis=None), "what was measured then was another figure"
    # Scores are calibrated now: the logits are those of then, all times one factor.
    factor = logit(session.scores().to_numpy()) / logit(expected["scores"])
    assert factor == pytest.approx(np.full(len(factor), factor[0]), rel=0.02)
    assert 1.2 < factor[0] < 2
    assert_same_ranking(session.search("night", 5), expected["search for night"])

    assert thomas.redo() == {session.corpus.clips.index[14]: "no"}
    session.label(session.corpus.clips.index[15], True)
    session.undo()
    refit = session.refit()
    assert (refit.version, refit.labels) == (expected["version"] + 1, 11)
    assert session.refits["version"].tolist() == [1, 2, refit.version]
    thomas.close()
    session.close()
    findings = check_file(folder / "labels.sqlite")
    assert findings.checksums, "the file was brought to this version"
    assert findings.problems == []


def test_a_published_model_scores_as_it_did(folder: Path, expected: dict[str, Any]) -> None:
    corpus = va.Corpus.open(folder)
    model = va.load_model(folder / "models" / "night_shots" / "v1")
    assert (model.name, model.version, model.concept) == ("Night shots", 1, "night")
    assert model.guideline == expected["guideline"]
    assert model.threshold == expected["model"]["threshold"]
    assert model.score_corpus(corpus).to_numpy() == pytest.approx(expected["model"]["scores"], abs=CLOSE)
    assert va.Session(corpus, "night", annotator="kelli", seed=7).publish("Night shots").version == 2
