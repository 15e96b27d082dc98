"""Queries over scores, columns and motion: what they mean, and how they fail."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import va_widgets as va
from tests.unit.catalogue import synthetic
from va_widgets.catalogue.query import Query, complete, kept, names, query
from va_widgets.catalogue.query.columns import column_of
from va_widgets.catalogue.query.parse import DEEPEST, LONGEST, parse
from va_widgets.catalogue.scores import score_columns
from va_widgets.cli import main

Result = TypeVar("Result")
N = 60
RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(N, 8))
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)


def model(corpus: va.Corpus, name: str, threshold: float = 0.4, concept: str = "") -> va.Model:
    rng = np.random.default_rng(sum(map(ord, name)))
    coef = (4 * rng.normal(size=8)).astype(np.float32)
    encoder = corpus.encoder_fingerprint
    return va.Model(name, 1, concept or name, "", encoder, 8, coef, -0.5, threshold, {}, Path())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> va.Corpus:
    rows = np.arange(N)
    clips = pd.DataFrame(
        {
            "clip_id": [f"clip{row:02d}" for row in rows],
            "video": [f"v{row % 4}.mp4" for row in rows],
            "year": np.where(rows % 10 == 9, np.nan, 1980 + rows),
            "big": 2**53 + rows,
            "mark": np.uint64(2**63) + rows.astype(np.uint64),
            "genre": np.where(rows % 3 == 0, "noir", "it's a drama").astype(object),
            "indoor": pd.array([None if row % 7 == 6 else row % 2 == 0 for row in rows], dtype="boolean"),
            "shot on": pd.to_datetime([datetime(2020, 1, 1 + row // 2, 12) for row in rows]),
            "day": [date(2020, 1, 1 + row // 2) for row in rows],
            "kind": pd.Categorical(np.where(rows < 30, "a", "b")),
            "rain": rows / N,
            "score": rows.astype(float),
        }
    )
    clips.loc[5, "genre"] = None
    folder = tmp_path_factory.mktemp("query") / "corpus"
    phrases = {"a red car": VECTORS[3], "nothing": VECTORS[4], 'a "red" car': VECTORS[3]}
    phrases |= {f"phrase {row}": VECTORS[row] for row in range(25)}
    return va.Corpus.from_embeddings(folder, VECTORS.astype(np.float32), clips, text_embeddings=phrases)


@pytest.fixture(scope="module")
def models(corpus: va.Corpus) -> list[va.Model]:
    return [model(corpus, "Night City"), model(corpus, "rain", 0.6), model(corpus, "fog", concept="thick fog")]


@pytest.fixture(scope="module")
def scores(corpus: va.Corpus, models: list[va.Model]) -> dict[str, np.ndarray]:
    return {one.slug: one.score_corpus(corpus).to_numpy() for one in models}


class Asked:
    """Asks queries over the corpus and its models."""

    def __init__(self, corpus: va.Corpus, models: list[va.Model]) -> None:
        self.corpus, self.models = corpus, models

    def __call__(self, text: str) -> Query:
        return Query(text, self.corpus, self.models)


@pytest.fixture(scope="module")
def ask(corpus: va.Corpus, models: list[va.Model]) -> Asked:
    return Asked(corpus, models)


def test_models_are_named_by_slug_name_or_concept_and_mean_above_their_threshold(
    ask: Asked, scores: dict[str, np.ndarray]
) -> None:
    night = scores["night_city"]
    for text in ("night_city", '"night city"', "'Night City'", "NIGHT_CITY", "“night city”", "models.night_city"):
        query = ask(text)
        assert query.names == ("night_city",)
        np.testing.assert_array_equal(query.matches, night >= 0.4)
        np.testing.assert_array_equal(query.scores, night)
        assert query.count == len(query) == (night >= 0.4).sum()
    np.testing.assert_array_equal(ask('"thick fog"').matches, scores["fog"] >= 0.4)


@pytest.mark.parametrize(
    ("text", "matches", "ranking"),
    [
        ("night_city > 0.7", "n > 0.7", "n"),
        ("0.7 <= night_city", "n >= 0.7", "n"),
        ("night_city < .3", "n < 0.3", "1 - n"),
        ("0.3 < night_city <= 0.7", "(n > 0.3) & (n <= 0.7)", "n * (1 - n)"),
        ("night_city and rain", "(n >= 0.4) & (r >= 0.6)", "n * r"),
        ("night_city or rain", "(n >= 0.4) | (r >= 0.6)", "1 - (1 - n) * (1 - r)"),
        ("night_city AND NOT rain", "(n >= 0.4) & (r < 0.6)", "n * (1 - r)"),
        ("not (night_city or rain)", "(n < 0.4) & (r < 0.6)", "(1 - n) * (1 - r)"),
        ("not night_city and rain or fog", "(n < 0.4) & (r >= 0.6) | (f >= 0.4)", "1 - (1 - (1 - n) * r) * (1 - f)"),
        ("2 * night_city + rain > 1.5", "2 * n + r > 1.5", "(2 * n + r) / 3"),
        ("2*night_city + rain", "2 * n + r >= 2 * 0.4 + 0.6", "(2 * n + r) / 3"),
        ("night_city > rain", "n > r", "(n + 1 - r) / 2"),
        ("-(night_city - 0.5*rain)/2 < 0", "n - 0.5 * r > 0", "(n + 0.5 * (1 - r)) / 1.5"),
        ("night_city > 0.5 and 1980 + 10 < year", "(n > 0.5) & (y > 1990)", "n * (y > 1990)"),
        ("2 * year - 10 >= 3970 + rain*0", "y >= 1990", "y >= 1990"),
    ],
)
def test_what_matches_and_its_ranking(
    ask: Asked, scores: dict[str, np.ndarray], text: str, matches: str, ranking: str
) -> None:
    known = {"n": scores["night_city"], "r": scores["rain"], "f": scores["fog"]}
    known |= {"y": ask.corpus.clips["year"].to_numpy()}
    query = ask(text)
    np.testing.assert_array_equal(query.matches, eval(matches, {}, known))
    np.testing.assert_allclose(query.scores, eval(ranking, {}, known), rtol=1e-5, atol=1e-6)
    assert query.scores.dtype == np.float32
    assert query.matches.dtype == bool


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("genre == 'noir'", lambda c: c["genre"] == "noir"),
        ("'noir' == genre", lambda c: c["genre"] == "noir"),
        ("genre == 'it''s a drama'", lambda c: c["genre"] == "it's a drama"),
        ("genre != \"noir\"", lambda c: c["genre"] == "it's a drama"),
        ("not genre == 'noir'", lambda c: c["genre"] == "it's a drama"),
        ("genre not in ('noir', 'x')", lambda c: c["genre"] == "it's a drama"),
        ("genre in ('noir', 'x')", lambda c: c["genre"] == "noir"),
        ("genre is missing", lambda c: c["genre"].isna()),
        ("not genre is missing", lambda c: c["genre"].notna()),
        ("kind == 'b' and clip_id != 'clip59'", lambda c: (c.index >= "clip30") & (c.index < "clip59")),
        ("year != 1981", lambda c: c["year"].notna() & (c["year"] != 1981)),
        ("not year > 1990", lambda c: c["year"] <= 1990),
        ("year in (1981, 1983)", lambda c: c["year"].isin([1981, 1983])),
        ("not year in (1981, 1983)", lambda c: c["year"].notna() & ~c["year"].isin([1981, 1983])),
        ("year is not missing", lambda c: c["year"].notna()),
        ("big == 9007199254740993", lambda c: c["big"] == 2**53 + 1),
        ("mark == 9223372036854775809", lambda c: c["mark"] == 2**63 + 1),
        ("mark in (9223372036854775810, 1234567890123456789)", lambda c: c["mark"] == 2**63 + 2),
        ("mark > 9223372036854775807 and mark < 18446744073709551616", lambda c: c["mark"] > 0),
        ("indoor", lambda c: c["indoor"].fillna(False)),
        ("not indoor", lambda c: ~c["indoor"].fillna(True)),
        ("indoor != true or indoor is missing", lambda c: ~c["indoor"].fillna(False)),
        ("\"shot on\" == '2020-01-03'", lambda c: c["shot on"].dt.day == 3),
        ("'shot on' <= '2020-01-03'", lambda c: c["shot on"].dt.day <= 3),
        ("\"shot on\" > '2020-01-03T11:59'", lambda c: c["shot on"] > pd.Timestamp("2020-01-03 11:59")),
        ("day < '2020-01-03'", lambda c: c["day"].map(lambda day: day < date(2020, 1, 3))),
        ("day in ('2020-01-03', '2020-01-05')", lambda c: c["day"].isin([date(2020, 1, 3), date(2020, 1, 5)])),
        ("day != '2020'", lambda c: c["rain"] < 0),
        ("clips.rain >= 0.5", lambda c: c["rain"] >= 0.5),
        ("clips.score == 3 or clips.score*2 == 8", lambda c: c["score"].isin([3, 4])),
    ],
)  # fmt: skip
def test_columns_select_clips_and_missing_values_match_neither_a_test_nor_its_opposite(
    ask: Asked, text: str, rows: Callable[[pd.DataFrame], object]
) -> None:
    query = ask(text)
    expected = np.array(rows(ask.corpus.clips), dtype=np.bool_)
    np.testing.assert_array_equal(query.matches, expected)
    assert query.scores[query.matches].tolist() == [1.0] * int(expected.sum())


@pytest.mark.parametrize(
    ("values", "kind", "known"),
    [
        ([True, None, False], "flag", [True, False, False]),
        ([1, None, 2.5], "number", [1, np.nan, 2.5]),
        (pd.array([2**60 + 1, 3, 4], dtype="Int64"), "number", [2**60 + 1, 3, 4]),
        (pd.array([1, None, 4], dtype="Int64"), "number", [1, np.nan, 4]),
        (pd.to_timedelta(["1s", None, "2min"]), "number", [1, np.nan, 120]),
        (
            [date(1999, 12, 31), None, date(2000, 1, 1)],
            "date",
            np.array(["1999-12-31", "NaT", "2000"], "datetime64[us]"),
        ),
        (pd.to_datetime(["2000-01-01T01:00+01:00"]), "date", np.array(["2000-01-01"], "datetime64[us]")),
        (pd.Categorical([True, False, None]), "flag", [True, False, False]),
        (["b", None, "a"], "text", [0, -1, 1]),
        ([None, None], "text", [-1, -1]),
    ],
)
def test_columns_of_all_types_become_numbers_flags_texts_or_dates(values: Any, kind: str, known: Any) -> None:
    series = pd.Series(values)
    column = column_of(series)
    assert column.kind == kind
    np.testing.assert_array_equal(column.values, np.asarray(known))
    missing = np.zeros(len(series), dtype=bool) if column.missing is None else column.missing
    np.testing.assert_array_equal(missing, series.isna())


def test_columns_that_cannot_be_compared_are_named() -> None:
    with pytest.raises(ValueError, match="values of the type bytes"):
        column_of(pd.Series([b"a", b"b"]))
    with pytest.raises(ValueError, match="values of the type mixed"):
        column_of(pd.Series(["a", 1]))


def test_a_text_scores_as_near_as_the_corpus_gets_to_it(ask: Asked) -> None:
    query = ask('text("a red car") and text("nothing") < 0.5')
    assert query.names == ('text("a red car")', 'text("nothing")')
    fit = query.column('text("a red car")')
    assert fit.argmax() == 3
    assert 0.9 < fit[3] < 1
    assert query.table(1).index[0] == "clip03"
    with pytest.raises(va.QueryError, match="no text encoder") as caught:
        ask('fog and text("unheard of")')
    assert caught.value.column == 8


def test_the_table_has_the_best_first_with_a_column_for_each_name(ask: Asked, scores: dict[str, np.ndarray]) -> None:
    query = ask("(fog or clips.score > 5) and year > 0")
    table = query.table(7)
    assert list(table.columns) == ["score", "fog", "clips.score", "year"]
    assert table.index.name == "clip_id"
    assert table.attrs == {"query": query.text, "count": query.count}
    rows = np.flatnonzero(query.matches)
    rows = rows[np.argsort(-query.scores[rows], kind="stable")]
    assert list(table.index) == list(ask.corpus.clips.index[rows[:7]])
    np.testing.assert_array_equal(table["fog"], scores["fog"][rows[:7]].astype(np.float32))
    pd.testing.assert_frame_equal(query.table(4, offset=3), table[3:])
    assert len(query.table(1000)) == query.count
    assert query.table(0).empty
    pd.testing.assert_frame_equal(ask.corpus.query(query.text, 7, ask.models), table)


def test_a_text_with_quotes_is_called_as_a_query_writes_it(ask: Asked) -> None:
    (name,) = ask("text('a \"red\" car') > 0.2").names
    assert name == 'text("a ""red"" car")'
    assert ask(name).names == (name,)


def test_clips_that_score_alike_are_in_the_order_of_the_corpus(ask: Asked) -> None:
    assert list(ask("year > 1990").table(3).index) == ["clip11", "clip12", "clip13"]


@pytest.mark.parametrize(
    ("text", "column", "suggestion", "words"),
    [
        ("", 0, "", "query is empty"),
        ("  ", 0, "", "query is empty"),
        ("fog and nigth_city", 8, "night_city", "did you mean night_city"),
        ("gendre == 'noir'", 0, "genre", "did you mean genre"),
        ("shoton == '2020'", 0, '"shot on"', "did you mean"),
        ("fog adn rain", 4, "and", "did you mean “and”"),
        ("fog & rain", 4, "and", "write “and”"),
        ("year = 3", 5, "==", "write “==”"),
        ("fog rain", 4, "", "cannot follow at column 5"),
        ("fog and", 7, "", "ends too early"),
        ("(fog", 4, "", "a “\\)” is missing"),
        ("fog)", 3, "", "cannot follow"),
        ("fog and\n and rain", 9, "", "line 2, column 2"),
        ("fog and 'rain", 8, "", "no closing quote"),
        ("fog > 1e999", 6, "", "too large"),
        ("1e308 * 1e10 * fog > 1", 19, "", "too large"),
        ("99999999999999999 * " * 30 + "fog > 1", 604, "", "too large"),
        ("fog / 1e-320 > 1", 13, "", "too large"),
        ("fog * rain > 1", 4, "", "multiplied by a number"),
        ("fog / 0", 4, "", "number other than 0"),
        ("3 > 2", 2, "", "No name decides this"),
        ("fog == fog", 4, "", "No name decides this"),
        ("year > '1990'", 7, "", "A number is compared with a number, without quotes"),
        ("'7' <= fog", 0, "", "A number is compared with a number, without quotes"),
        ("fog > 'nigth city'", 6, "night_city", "did you mean night_city"),
        ("genre is null", 6, "is missing", "did you mean “is missing”"),
        ("year", 0, "", "year is a number: compare it"),
        ("genre", 0, "", "compared with a value"),
        ("genre > 'a'", 6, "", "by == and != alone"),
        ("genre == noir", 9, "", "quoted value"),
        ("genre in ('noir', 3)", 6, "", "quote all"),
        ("indoor > 0.5", 7, "", "== or !="),
        ("day > 'monday'", 6, "", "no date"),
        ("day > '2020-13'", 6, "", "no date"),
        ("(fog and rain) > 0.5", 1, "", "Only names and numbers"),
        ("fog == true", 7, "", "Only names and numbers"),
        ("fog is missing", 0, "", "Only a column of the clips"),
        ("text('')", 0, "", "nothing to search for"),
        ("fog\x00", 0, "fog", "did you mean fog"),
    ],
)
def test_errors_name_the_column_and_what_may_be_meant(
    ask: Asked, text: str, column: int, suggestion: str, words: str
) -> None:
    with pytest.raises(va.QueryError, match=words) as caught:
        ask(text)
    assert caught.value.column == column
    assert caught.value.suggestion == suggestion


def test_a_name_of_two_models_is_refused_and_each_is_named(corpus: va.Corpus) -> None:
    both = [model(corpus, "one", concept="snow"), model(corpus, "two", concept="snow")]
    with pytest.raises(va.QueryError, match="may be one or two: write one of them"):
        Query("snow", corpus, both)


def test_a_models_own_name_goes_before_the_concept_of_others(corpus: va.Corpus) -> None:
    strict = model(corpus, "all the strict ones", concept="fog")
    asked = Asked(corpus, [strict, model(corpus, "fog"), model(corpus, "mist", concept="haze")])
    assert asked("FOG").names == ("fog",)
    assert asked("Haze").names == ("mist",)
    with pytest.raises(va.QueryError) as refused:
        asked("fogg")
    assert refused.value.suggestion == "fog"
    many = Asked(corpus, [model(corpus, f"fog {number}", concept="fog") for number in range(9)])
    with pytest.raises(va.QueryError, match=r"may be fog_0 or fog_1 or fog_2 or fog_3 or fog_4 …: write one of them"):
        many("Fog")


def test_a_corpus_may_grow_during_a_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    films, larger = (synthetic.corpus(tmp_path / str(clips), clips) for clips in (20, 30))
    rain = synthetic.model(films, "rain")

    def grown(*given: Any) -> Any:
        films.__dict__.update(larger.__dict__)
        return score_columns(*given)

    monkeypatch.setattr(query, "score_columns", grown)
    assert Query("rain and video != 'x'", films, rain).matches.shape == (20,)
    monkeypatch.undo()
    assert Query("rain and video != 'x'", films, rain).matches.shape == (30,)


def test_what_was_made_of_columns_goes_with_the_corpus(tmp_path: Path) -> None:
    gc.collect()
    before = len(kept._kept)
    films = synthetic.corpus(tmp_path / "films", 20)
    for _ in range(2):
        films.query("video == 'v0'", models=[])
    assert len(kept._kept) == before + 1
    del films
    gc.collect()
    assert len(kept._kept) <= before


def test_a_damaged_model_is_told_to_those_who_ask_for_it(tmp_path: Path) -> None:
    films = synthetic.corpus(tmp_path / "films", 20)
    rain = synthetic.model(films, "rain")
    synthetic.model(films, "night city")
    (rain.folder / "model.safetensors").write_bytes(b"")
    assert list(films.query("night_city > 0")) == ["score", "night_city"]
    with pytest.raises(va.QueryError, match=r"The model in .*rain.v1 is damaged") as refused:
        films.query("night_city and Rain")
    assert refused.value.column == 15
    with pytest.raises(va.ModelError, match=r"The model in .*rain.v1 is damaged"):
        films.query("night_city", models=["rain"])
    with pytest.raises(va.ModelError, match=r"The model in .*rain.v1 is damaged"):
        films.tag()


def test_a_query_is_bounded(ask: Asked) -> None:
    with pytest.raises(va.QueryError, match="at most"):
        ask("a" * (LONGEST + 1))
    for deep in ("not " * DEEPEST + "fog", "-" * (DEEPEST + 1) + "fog", "(fog or " * 60 + "fog" + ")" * 60):
        with pytest.raises(va.QueryError, match="inside each other"):
            ask(deep)
    parens = LONGEST // 2 - 2
    assert ask("(" * parens + "fog" + ")" * parens).count == ask("fog").count
    assert ask(" and ".join(["fog"] * 1000)).count == ask("fog").count
    with pytest.raises(va.QueryError, match="at most 20 texts"):
        ask(" or ".join(f"text('phrase {row}')" for row in range(25)))


def result(call: Callable[[], Result]) -> Result | va.QueryError:
    """What a call returns, or the error that it raises about a query."""
    try:
        return call()
    except va.QueryError as error:
        return error


WORDS = st.sampled_from(
    "fog rain night_city year genre indoor day clips.rain nope and or not in is missing true ( ) ( ) < <= == != > + - *"
    " / , 0.5 3 1e9 'noir' \"night city\" '2020-01-03' ' \" text( text('nothing') = & \\ “ ” é \x00 \n".split(" ")
)


@given(st.lists(WORDS, max_size=14).map(" ".join) | st.text(max_size=40))
def test_any_text_is_a_query_or_an_error_with_its_place(ask: Asked, text: str) -> None:
    query = result(lambda: ask(text))
    if isinstance(query, va.QueryError):
        assert query.column is not None
        assert 0 <= query.column <= len(text)
        assert str(query)
    else:
        assert query.count == int(query.matches.sum())
        assert np.isfinite(query.scores).all()
        assert ((query.scores >= 0) & (query.scores <= 1)).all()
        assert not (query.matches & ask(f"not ({text})").matches).any()


@given(st.integers(0, 150), st.sampled_from(["(", "-", "not ", "fog and (", "2*(", "fog or not ("]))
def test_repetition_never_exhausts_the_stack(number: int, part: str) -> None:
    refused = result(lambda: parse(part * number + "fog"))
    assert not isinstance(refused, va.QueryError) or refused.column is not None


def test_all_names_are_listed_with_what_they_are(corpus: va.Corpus, models: list[va.Model]) -> None:
    known = {name.name: name for name in names(corpus, models)}
    assert [name.kind for name in known.values()][:4] == ["model"] * 3 + ["column"]
    assert known["night_city"].insert == "night_city"
    assert known["shot on"].insert == '"shot on"'
    assert known["clips.rain"].kind == known["clips.score"].kind == "column"
    assert "version 1" in known["fog"].detail
    for name in known.values():  # each can be written as it is listed
        assert Query(f"{name.insert} is missing or fog" if name.kind == "column" else name.insert, corpus, models)


@pytest.mark.parametrize(
    ("text", "cursor", "first", "start", "end"),
    [
        ("nig", 3, "night_city", 0, 3),
        ("fog and (nig > 2", 12, "night_city", 9, 12),
        ("fog and cit", 11, "night_city", 8, 11),
        ('fog and "night c', 16, "night_city", 8, 16),
        ('fog and "sho" > 2', 12, "shot on", 8, 13),
        ("ge and fog", 1, "genre", 0, 2),
        ("", 0, "fog", 0, 0),
    ],
)
def test_completion_finds_names_and_what_they_replace(
    corpus: va.Corpus, models: list[va.Model], text: str, cursor: int, first: str, start: int, end: int
) -> None:
    found, begin, stop = complete(text, cursor, corpus, models)
    assert (begin, stop) == (start, end)
    assert first in [name.name for name in found[:3]]
    written = text[:begin] + found[0].insert + text[stop:]
    assert complete(written, begin + 1, corpus, models)[1] == begin


@given(st.lists(WORDS, max_size=6).map(" ".join) | st.text(max_size=12), st.integers(0, 60))
def test_completion_takes_any_text(ask: Asked, text: str, cursor: int) -> None:
    cursor = min(cursor, len(text))
    _, start, end = complete(text, cursor, ask.corpus, ask.models)
    assert 0 <= start <= cursor <= end <= len(text)


def test_a_text_that_all_clips_are_equally_near_to_fits_none(tmp_path: Path) -> None:
    clips = pd.DataFrame({"clip_id": ["a", "b"]})
    same = va.Corpus.from_embeddings(tmp_path / "c", np.ones((2, 4)), clips, text_embeddings={"x": np.ones(4)})
    assert same.query("text('x')").empty
    assert same.query("text('x') < 0.5").index.tolist() == ["a", "b"]


def test_the_command_prints_hits_names_and_the_place_of_an_error(
    corpus: va.Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(corpus.path)
    assert main(["query", folder, "year > 1990 and genre == 'noir'", "-k", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["clip_id", "score", "year", "genre", "video", "start", "end"]
    assert lines[-1] == "2 of 15 clips that match"
    assert main(["query", folder, "year == 1992", "--json"]) == 0
    (hit,) = json.loads(capsys.readouterr().out)
    assert (hit["clip_id"], hit["year"], hit["video"]) == ("clip12", 1992, "v0.mp4")
    assert main(["query", folder, "'shot on' == '2020-01-01' and year == 1981", "--json"]) == 0
    assert "2020-01-01T12:00:00" in capsys.readouterr().out
    assert main(["query", folder, "year < 0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["query", folder, "indoor and gendre == 'noir'"]) == 1
    shown = capsys.readouterr().err.splitlines()
    assert shown[1].index("^") == shown[0].index("gendre")
    assert "did you mean genre?" in shown[2]
    assert main(["query", folder, "--names", "--json"]) == 0
    assert {"name": '"shot on"', "kind": "column", "detail": "column of dates"} in json.loads(capsys.readouterr().out)
    assert main(["query", folder, "year > 1990", "--out", str(tmp_path / "hits.csv")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "hits.csv")
    assert main(["query", folder]) == 1
    assert "Give a query" in capsys.readouterr().err
