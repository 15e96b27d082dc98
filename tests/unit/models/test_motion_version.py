"""A model that has learned from motion of one version says so where a corpus has motion of another."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest

import va_widgets as va
from tests.unit.corpus.damaging import DIM, write_filmed
from va_widgets.catalogue.exploration import Exploration
from va_widgets.corpus.files.digests import sealed
from va_widgets.corpus.manifest import MANIFEST_FILE, MOTION
from va_widgets.learning.views import APPEARANCE, Linear
from va_widgets.models.bundle import publish
from va_widgets.models.motion_version import motion_facts, motion_note
from va_widgets.video.motion.features import FEATURES, MOTION_VERSION


@pytest.fixture
def filmed(tmp_path: Path) -> va.Corpus:
    write_filmed(tmp_path / "c")
    return va.Corpus.open(tmp_path / "c")


def publish_moving(home: va.Corpus, **facts: int) -> va.Model:
    coefs = {APPEARANCE: np.ones(DIM), MOTION: np.ones(len(FEATURES))}
    return publish(
        home.path / "models",
        name="pan",
        concept="pan",
        guideline="",
        encoder_fingerprint=home.encoder_fingerprint,
        classifier=Linear(coefs, 0.0),
        labels=(["a", "b"], np.array([True, False])),
        metrics={},
        threshold=0.5,
        threshold_why="",
        facts=facts,
    )


def of_version(home: va.Corpus, version: int) -> va.Corpus:
    """Return a corpus whose manifest says that its motion was measured by a version."""
    file = home.path / MANIFEST_FILE
    content = {**json.loads(file.read_text()), "motion_version": version}
    del content["check"]
    file.write_text(json.dumps(sealed(content)))
    return va.Corpus.open(home.path)


def test_a_card_keeps_the_earliest_version_of_the_motion(filmed: va.Corpus) -> None:
    assert filmed.motion_version == MOTION_VERSION
    assert motion_facts(filmed, [APPEARANCE], None) == {}
    assert motion_facts(filmed, [APPEARANCE, MOTION], None) == {"motion_version": MOTION_VERSION}
    assert motion_facts(filmed, [APPEARANCE, MOTION], {"motion_version": 1}) == {"motion_version": 1}


@pytest.mark.parametrize(
    ("learned", "measured", "advice"),
    [
        (1, 2, "publish the model again from a corpus whose motion is of that version."),
        (2, 1, 'measure it anew by corpus.add_view("motion").'),
    ],
)
def test_another_version_is_told_once_and_scored_nevertheless(
    filmed: va.Corpus, caplog: pytest.LogCaptureFixture, learned: int, measured: int, advice: str
) -> None:
    corpus, model = of_version(filmed, measured), publish_moving(filmed, motion_version=learned)
    with caplog.at_level(logging.WARNING, logger="va_widgets"):
        assert len(model.score_corpus(corpus)) == len(corpus)
        assert len(corpus.query("pan")) > 0
        va.score(corpus, None, corpus.path.parent / "scores", progress=False)
    [warning] = caplog.messages
    assert Exploration(corpus).problem == warning  # which an explorer shows
    assert f"measured by version {learned} of the features" in warning
    assert f"has some of version {measured}" in warning
    assert warning.endswith(advice)


def test_nothing_is_told_of_the_same_version_or_an_unknown_one(filmed: va.Corpus) -> None:
    known: list[dict[str, int]] = [{"motion_version": MOTION_VERSION}, {}, {"motion_version": -3}]
    for facts in known:
        assert motion_note(publish_moving(filmed, **facts), filmed) == ""
    rng = np.random.default_rng(0)
    given = va.Corpus.from_embeddings(
        filmed.path.parent / "given",
        rng.normal(size=(4, DIM)),
        filmed.clips[["video", "start", "end"]].iloc[:4],
        views={MOTION: rng.normal(size=(4, len(FEATURES)))},
    )
    assert given.motion_version is None
    assert motion_note(publish_moving(filmed, motion_version=1), given) == ""
