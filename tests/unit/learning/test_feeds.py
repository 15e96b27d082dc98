"""The feeds: their order, what they leave out, and the reasons on the cards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from va_widgets.learning.feeds import FEEDS, NEAR_DUPLICATE, feed, reason
from va_widgets.learning.score_index import ScoreIndex


@given(
    n=st.integers(0, 80),
    k=st.integers(0, 30),
    seed=st.integers(0, 50),
    name=st.sampled_from(FEEDS),
    share=st.floats(0, 1),
)
def test_a_feed_is_full_unlabelled_unique_and_repeatable(n: int, k: int, seed: int, name: str, share: float) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=n).astype(np.float32)
    labelled = rng.random(n) < share
    vectors = rng.normal(size=(n, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    videos = rng.integers(0, 5, n)

    def rows() -> np.ndarray:
        return feed(
            name,
            ScoreIndex(scores),
            k,
            labelled=labelled,
            embeddings=vectors,
            center=vectors.sum(axis=0),
            videos=videos,
            seed=seed,
        )

    found = rows()
    assert len(found) == min(k, int((~labelled).sum()))
    assert len(set(found.tolist())) == len(found)
    assert not labelled[found].any()
    np.testing.assert_array_equal(found, rows())


def test_feeds_are_ordered_by_what_their_name_says() -> None:
    scores = np.array([2.2, -2.2, 0.1, 0.4, 4.6], dtype=np.float32)
    none = np.zeros(5, dtype=bool)
    assert feed("top_positive", ScoreIndex(scores), 2, labelled=none).tolist() == [4, 0]
    assert feed("top_negative", ScoreIndex(scores), 2, labelled=none).tolist() == [1, 2]
    assert feed("borderline", ScoreIndex(scores), 2, labelled=none).tolist() == [2, 3]
    assert feed("suggested", ScoreIndex(scores), 2, labelled=none, any_yes=False).tolist() == [4, 0]
    doubtful = np.array([3.0, 0.1, -1.1, 0.2, -1.2, -4.0], dtype=np.float32)
    assert feed("suggested", ScoreIndex(doubtful), 4, labelled=np.zeros(6, dtype=bool)).tolist() == [1, 2, 3, 4]
    with pytest.raises(ValueError, match="no feed called 'best'"):
        feed("best", ScoreIndex(scores), 2, labelled=none)


@pytest.mark.parametrize(
    ("name", "score", "nearest", "expected"),
    [
        ("top_positive", 0.93, "yes", "near a yes · likely yes"),
        ("top_positive", 0.93, "no", "likely yes"),
        ("top_positive", 0.05, "no", "highest left: .05"),
        ("top_negative", 0.0, "yes", "likely no"),
        ("top_negative", 0.0, "no", "near a no · likely no"),
        ("top_negative", 0.62, "", "lowest left: .62"),
        ("top_negative", 1.0, "yes", "lowest left: 1.00"),
        ("borderline", 0.51, "no", "near a no · undecided"),
        ("borderline", 0.04, "no", "nearest to .50: .04"),
        ("suggested", 0.31, "yes", "near a yes · teaches most"),
        ("suggested", 0.1, "yes", "teaches most"),
        ("random", 0.31, "", "at random"),
        ("random", 0.0, "yes", "at random"),
        ("random", 0.0, "no", "near a no · at random"),
        ("random", 0.9, "yes", "near a yes · at random"),
    ],
)
def test_the_reason_of_a_clip_agrees_with_its_score(name: str, score: float, nearest: str, expected: str) -> None:
    assert reason(name, score, nearest) == expected


def test_a_random_page_of_a_large_corpus_is_drawn_without_shuffling_all_of_it() -> None:
    labelled = np.zeros(150_000, dtype=bool)
    labelled[::2] = True
    scores = np.zeros(len(labelled), dtype=np.float32)
    pages = [feed("random", ScoreIndex(scores), 500, labelled=labelled, version=version) for version in (1, 1, 2)]
    assert pages[0].tolist() == pages[1].tolist() != pages[2].tolist()
    assert len(set(pages[0].tolist())) == 500
    assert not labelled[pages[0]].any()


def test_near_duplicates_and_one_video_s_clips_are_thinned_out() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[1] = vectors[0]
    videos = np.repeat(np.arange(10), 4)
    scores = np.linspace(1, 0, 40, dtype=np.float32)
    found = feed("top_positive", ScoreIndex(scores), 10, labelled=np.zeros(40, bool), embeddings=vectors, videos=videos)
    assert not {0, 1} <= set(found.tolist())
    assert np.bincount(videos[found]).max() <= 2
    assert float(vectors[0] @ vectors[1]) > NEAR_DUPLICATE
