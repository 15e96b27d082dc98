"""A search whose scores hardly differ from clip to clip is said to tell nothing apart; others are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from benchmarks.flat_search import texts
from va_widgets.corpus.search.clip_search import FLAT
from va_widgets.corpus.search.spread import Spread
from va_widgets.experiments.pools import TEXT_QUALITIES, open_pool


@pytest.mark.slow
def test_the_demos_texts_are_never_called_flat_and_nonsense_mostly_is(demo_folder: Path) -> None:
    corpus = va.Corpus.open(demo_folder)
    shares = {
        kind: np.mean([FLAT in corpus.search(text, 1).attrs["note"] for text in some[:60]])
        for kind, some in texts().items()
    }
    assert shares.pop("39 concepts") == 0
    assert shares.pop("held-out captions") == 0
    assert shares.pop("lorem ipsum") > 0.7  # it has syllables of words that the model knows
    assert shares.pop("English unknown to va-tiny") > 0.7
    assert set(shares.values()) == {1.0}, shares


def test_phrases_that_came_with_the_embeddings_are_never_called_flat(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clips = pd.DataFrame({"clip_id": [str(i) for i in range(50)]})
    phrases = {"nothing like it": np.ones(8), "up": np.eye(8)[0]}
    corpus = va.Corpus.from_embeddings(tmp_path / "c", 5 + rng.normal(size=(50, 8)), clips, text_embeddings=phrases)
    for phrase in phrases:
        assert corpus.search(phrase, 3).attrs["note"] == ""
    assert corpus.search("up", 0).attrs["note"] == ""


def test_texts_of_the_pool_are_not_flat(shared_data: Path) -> None:
    for quality in TEXT_QUALITIES:
        pool = open_pool(shared_data / "pools" / "real_images", quality)
        spread = Spread.of(pool.embeddings)
        for text in pool.texts.values():
            vector = np.divide(text, np.linalg.norm(text), dtype=np.float32)
            assert not spread.is_flat(vector, float((pool.embeddings @ vector).max()))


def test_few_clips_or_clips_that_are_all_alike_say_nothing_of_words() -> None:
    vector = np.full(4, 0.5, dtype=np.float32)
    for embeddings in (np.empty((0, 4)), np.eye(4), np.ones((40, 4))):
        assert not Spread.of(embeddings.astype(np.float16)).is_flat(vector, 0.5)
    rng = np.random.default_rng(0)
    spread = Spread.of(rng.normal(size=(40, 4)).astype(np.float32))
    assert spread.is_flat(vector, float(spread.center @ vector))
    assert not spread.is_flat(vector, float(spread.center @ vector) + 2.0)
