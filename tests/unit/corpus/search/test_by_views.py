"""Clips that resemble a clip by other views than by what they show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.motion_views import motion_view

N = 50


@pytest.fixture
def corpus(tmp_path: Path) -> va.Corpus:
    """Clips whose looks go round a circle and whose moves, in columns of very different sizes, a spiral."""
    angle = np.linspace(0, 2 * np.pi, N, endpoint=False)
    looks = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    moves = np.stack([np.cos(7 * angle) * 1e3 + 5e3, np.sin(7 * angle) * 1e-3, np.ones(N)], axis=1)
    table = pd.DataFrame({"clip_id": [f"c{i}" for i in range(N)], "video": "a.mp4"})
    return va.Corpus.from_embeddings(tmp_path / "c", looks, table, views={"moves": moves})


def test_clips_are_similar_in_the_views_that_are_named(corpus: va.Corpus) -> None:
    clips = list(corpus.clips.index)
    assert set(corpus.similar(clips[0], 2)["clip_id"]) == {clips[1], clips[-1]}
    moving = corpus.similar(clips[0], 2, by="moves")  # 43 * 7 = 301 = 1 modulo 50
    assert set(moving["clip_id"]) == {clips[43], clips[7]}
    assert moving["score"].to_numpy() == pytest.approx(np.cos(2 * np.pi / N), abs=1e-3)
    both = corpus.similar(clips[0], N, by=["appearance", "moves"])
    assert len(both) == N - 1
    assert both["score"].is_monotonic_decreasing
    single = [corpus.similar(clips[0], N, by=name).set_index("clip_id")["score"] for name in ("appearance", "moves")]
    mean = (single[0] + single[1]) / 2
    np.testing.assert_allclose(both["score"], mean.loc[both["clip_id"]], atol=5e-3)


def test_a_filter_holds_and_the_clip_itself_is_left_out(corpus: va.Corpus) -> None:
    clips = corpus.clips.index
    where = np.arange(N) < 10
    found = corpus.similar(clips[3], 20, by="moves", where=where)["clip_id"]
    assert set(found) == set(clips[:10]) - {clips[3]}


def test_clips_whose_motion_is_not_known_resemble_none_by_motion(tmp_path: Path) -> None:
    moves = [None if i % 5 == 4 else {"pan": np.sin(i), "zoom": np.cos(i)} for i in range(N)]
    table = pd.DataFrame({"clip_id": [f"c{i}" for i in range(N)], "video": "a.mp4"})
    corpus = va.Corpus.from_embeddings(tmp_path / "m", np.eye(N), table, views={"motion": motion_view(moves)})
    scores = corpus.similar("c0", N, by="motion").set_index("clip_id")["score"]
    unknown = [f"c{i}" for i in range(4, N, 5)]
    assert (scores[unknown] == 0).all()
    assert (scores.drop(unknown) != 0).all()
    assert (corpus.similar("c4", N, by="motion")["score"] == 0).all()


def test_what_is_no_view_is_refused(corpus: va.Corpus) -> None:
    clip = corpus.clips.index[0]
    for by in ("motion", ["appearance", "motion"], [["moves"]], [3]):
        with pytest.raises(va.CorpusError, match=r"has no view .*: see corpus\.add_view"):
            corpus.similar(clip, by=by)  # type: ignore[arg-type]
    with pytest.raises(va.CorpusError, match=r"choose of appearance, moves|choose of 'appearance'"):
        corpus.similar(clip, by=[])
    with pytest.raises(va.ArgumentError, match=r"must be a view's name, or a list of names"):
        corpus.similar(clip, by=3)  # type: ignore[arg-type]
