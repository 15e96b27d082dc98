"""What the explorer is told: orders, counts, thresholds in a query's text, timelines of long videos."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from va_widgets.catalogue import exploration as module
from va_widgets.catalogue import scores
from va_widgets.catalogue.counting import countable, histogram, values_of
from va_widgets.catalogue.exploration import Exploration, Question
from va_widgets.catalogue.saved_queries import MOST, SavedQueries, SavedQuery
from va_widgets.catalogue.thresholds import thresholds, with_threshold
from va_widgets.catalogue.timeline import MOST_PLACES, labels_of, places
from va_widgets.models.bundle import Model


def corpus_of(folder: Path, clips: pd.DataFrame) -> va.Corpus:
    """A corpus with as many random embeddings as the table has clips."""
    vectors = np.random.default_rng(0).normal(size=(len(clips), 8)).astype(np.float32)
    return va.Corpus.from_embeddings(folder, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), clips)


def model_of(name: str, corpus: va.Corpus, threshold: float = 0.5) -> Model:
    """A model that looks at one direction alone."""
    coef = np.zeros(8, dtype=np.float32)
    coef[len(name) % 8] = 4.0
    return Model(
        name=name,
        version=1,
        concept=name,
        guideline="",
        encoder=corpus.encoder_fingerprint,
        dim=8,
        coef=coef,
        intercept=0.0,
        threshold=threshold,
        card={},
        folder=Path(name),
    )


@pytest.fixture
def corpus(tmp_path: Path) -> va.Corpus:
    table = pd.DataFrame(
        {
            "video": ["b.mp4", "b.mp4", "a.mp4", "a.mp4", "c.mp4", "a.mp4"],
            "start": [4.0, 0.0, 2.0, 0.0, np.nan, 4.0],
            "end": [6.0, 4.0, 4.0, 2.0, np.nan, 5.0],
            "year": [1990, 1991, 1990, 1992, 1990, 1993],
            "genre": ["noir", "comedy", None, "noir", "noir", "=x"],
        }
    )
    return corpus_of(tmp_path / "corpus", table)


@pytest.fixture
def exploration(corpus: va.Corpus) -> Exploration:
    return Exploration(corpus, [model_of("night", corpus), model_of("a wet day", corpus, 0.25)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("night", {"night": (0.5, True)}),
        ("not night", {"night": (0.5, False)}),
        ("night > 0.7 and a_wet_day <= .25", {"night": (0.7, True), "a_wet_day": (0.25, False)}),
        ("0.3 < night", {"night": (0.3, True)}),
        ("not (night > 0.7 or year > 1990)", {"night": (0.7, False), "year": (1990.0, False)}),
        ('"a wet day" >= 1e-1 or night', {"a_wet_day": (0.1, True), "night": (0.5, True)}),
        ("night > - 0.5", {"night": (-0.5, True)}),
        ("night > 0.2 and night < 0.4", {"night": (0.2, True)}),
        ("0.5 * night + a_wet_day > 0.3", {}),
        ("genre == 'noir' and year == 1990", {}),
    ],
)
def test_thresholds_are_read_from_a_query(exploration: Exploration, text: str, expected: dict[str, Any]) -> None:
    found = thresholds(text, exploration.corpus, exploration.models)
    assert {name: (one.value, one.above) for name, one in found.items()} == expected


@pytest.mark.parametrize(
    ("text", "name", "value", "expected"),
    [
        ("night > 0.7 and year > 1990", "night", 0.55, "night > 0.55 and year > 1990"),
        ("night > 0.7 and year > 1990", "year", 1992.0, "night > 0.7 and year > 1992"),
        ("0.3 < night or year > 1990", "night", 0.123456, "0.1235 < night or year > 1990"),
        ("not night", "night", 1.0, "not night >= 1"),
        ('"a wet day"', "a_wet_day", 0.05, '"a wet day" >= 0.05'),
        ("night > - 0.5", "night", 0.5, "night > 0.5"),
        ("night - a_wet_day > 0 or night", "a_wet_day", 0.2, "(night - a_wet_day > 0 or night) and a_wet_day >= 0.2"),
        ("night - a_wet_day > 0", "night", 0.00001, "night - a_wet_day > 0 and night >= 0"),
    ],
)
def test_a_threshold_is_written_into_a_query(
    exploration: Exploration, text: str, name: str, value: float, expected: str
) -> None:
    written = with_threshold(text, name, value, exploration.corpus, exploration.models)
    assert written == expected
    assert exploration.thresholds(written)[name].value == pytest.approx(value, abs=1e-4)
    exploration.count(Question(written))


def test_clips_come_in_the_order_that_is_asked_for(exploration: Exploration, corpus: va.Corpus) -> None:
    everything = Question("night >= 0 or night < 0")
    scores = exploration.query(everything.text).column("night")  # type: ignore[union-attr]
    best = exploration.answer(everything, "best", "night").rows
    assert best.tolist() == np.argsort(-scores, kind="stable").tolist()
    assert exploration.answer(everything, "worst", "night").rows.tolist() == np.argsort(scores, kind="stable").tolist()
    assert exploration.answer(everything, "time").rows.tolist() == [1, 0, 3, 2, 5, 4]  # a clip without times is last
    assert exploration.answer(Question(""), "worst").rows.tolist() == list(range(6))
    genres = exploration.answer(Question("genre is missing or genre is not missing"), "best", "genre").table()["genre"]
    assert [value if isinstance(value, str) else "" for value in genres] == ["noir"] * 3 + ["comedy", "=x", ""]
    page = exploration.answer(everything, "best", "night").table(2, 3)
    assert page.index.tolist() == corpus.clips.index[best[3:5]].tolist()


def test_values_are_counted_as_texts_and_chosen(exploration: Exploration, corpus: va.Corpus) -> None:
    assert countable(corpus) == ["video", "cluster", "year", "genre"]
    assert exploration.facet(Question("", "genre")) == ([("noir", 3), ("comedy", 1), ("", 1), ("=x", 1)], 0)
    assert exploration.facet(Question("year == 1990", "genre")) == ([("noir", 2), ("", 1)], 0)
    assert exploration.count(Question("", "genre", ("", "=x"))) == 2
    assert exploration.count(Question("year > 1990", "year", ("1990", "1993"))) == 1
    assert exploration.count(Question("", "genre", ("nothing",))) == 0
    assert exploration.facet(Question("")) is None
    assert values_of(corpus, "year").most_frequent(np.ones(6, dtype=bool), 1) == ([("1990", 3)], 3)


def test_a_histogram_has_all_clips_and_the_matching_ones() -> None:
    values = np.array([0.0, 0.5, 0.5, 1.0, np.nan])
    counted = histogram(values, np.array([True, True, False, False, True]), is_probability=True)
    assert counted is not None
    assert (counted.low, counted.high, int(counted.all.sum()), int(counted.matching.sum())) == (0.0, 1.0, 4, 2)
    same = histogram(np.array([7, 7]), np.array([True, True]), is_probability=False)
    assert same is not None
    assert (same.low, same.high, int(same.all.sum())) == (7.0, 8.0, 2)
    assert histogram(np.array([np.nan]), np.array([True]), is_probability=False) is None


def test_a_long_video_has_at_most_so_many_places_with_the_highest_score_of_each(tmp_path: Path) -> None:
    number = 2 * MOST_PLACES + 7
    table = pd.DataFrame({"video": "a.mp4", "start": np.arange(number) * 2.0, "end": np.arange(number) * 2.0 + 2})
    found = places(corpus_of(tmp_path / "corpus", table), "a.mp4")
    assert len(found.rows) == MOST_PLACES
    assert np.concatenate(found.rows).tolist() == list(range(number))
    scores = np.arange(number) % 5 / 10
    assert found.highest(scores).tolist() == [np.float32(scores[rows].max()) for rows in found.rows]
    assert scores[found.best_rows(scores)].tolist() == [scores[rows].max() for rows in found.rows]
    assert found.starts[0] == 0.0
    assert found.ends[-1] == 2.0 * number


def test_a_timeline_leaves_out_clips_without_times_and_makes_no_file_of_labels(corpus: va.Corpus) -> None:
    assert [rows.tolist() for rows in places(corpus, "a.mp4").rows] == [[3], [2], [5]]
    assert places(corpus, "c.mp4").rows == []
    assert labels_of(corpus, ["night"]) == {}
    assert not (corpus.path / "labels.sqlite").exists()
    with pytest.raises(va.QueryError, match=r"no video 'x\.mp4'"):
        places(corpus, "x.mp4")


def test_a_damaged_model_is_said_and_the_others_are_used(published_corpus: va.Corpus) -> None:
    exploration = Exploration(published_corpus)
    assert set(exploration.models) == {"night", "a_city"}
    card = published_corpus.path / "models" / "night" / "v1" / "card.json"
    card.write_bytes(b"{")
    exploration.refresh()
    assert "night" in exploration.problem
    assert exploration.count(Question("night")) > 0


def test_at_most_so_many_queries_are_saved_and_a_folder_that_leads_out_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "corpus"
    home.mkdir()
    saved = SavedQueries(home)
    for number in range(MOST):
        saved.save(SavedQuery(f"query {number}", "night"))
    with pytest.raises(va.QueryError, match="remove one first"):
        saved.save(SavedQuery("one more", "night"))
    saved.save(SavedQuery("query 7", "rain"), replace=True)
    assert {query.text for query in saved.all() if query.name == "query 7"} == {"rain"}
    with pytest.raises(va.QueryError, match="already"):
        saved.rename("query 7", "query 8")
    for name in ("\ud800", " "):
        with pytest.raises(va.QueryError):
            saved.save(SavedQuery(name, "night"), replace=True)
    other = tmp_path / "other"
    other.mkdir()
    os.symlink(home / "queries", other / "queries")  # noqa: PTH211
    with pytest.raises(va.QueryError, match="leads out of"):
        SavedQueries(other).all()


def test_what_queries_wait_for_is_done_beforehand_for_models_that_fit(
    corpus: va.Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = [model_of("a", corpus), replace(model_of("bb", corpus), encoder="another"), model_of("ccc", corpus)]
    exploration = Exploration(corpus, models)
    exploration.prepare()
    with monkeypatch.context() as patch:
        patch.setattr(scores, "score_blocks", lambda *_: pytest.fail("scored twice"))
        assert exploration.count(Question("a or ccc")) == len(corpus.query("a or ccc", models=models, k=6))
    with pytest.raises(va.EncoderMismatchError):
        exploration.count(Question("bb"))
    monkeypatch.setattr(module, "_PREPARED", 4 * len(corpus))
    first = Exploration(corpus_of(corpus.path.parent / "second", corpus.clips), models)
    first.prepare()
    monkeypatch.setattr(scores, "score_blocks", lambda *_: pytest.fail("scored later"))
    first.count(Question("a"))
    with pytest.raises(pytest.fail.Exception, match="scored later"):
        first.count(Question("ccc"))
