"""Every public function with values that it is not made for: a result, or one sentence of ours, and nothing written."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import shutil
import threading
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.unit.experiments.synthetic_pool import make_pool
from va_widgets import experiments
from va_widgets.base import arguments
from va_widgets.labels import database
from va_widgets.learning.statistics import CorpusStatistics

Door = Callable[[Any], object]

CLIPS = [f"c{i}" for i in range(40)]


def odd_values() -> list[Any]:
    """New ones at each call: a generator can be used once."""
    return [
        None, True, np.bool_(False), 0, 1, 5, -1, 10**30, np.int64(3), np.uint8(7), 2.5, -0.5, float("nan"),
        float("inf"), np.float32(0.5), 1j, Decimal("1.5"), Decimal("NaN"), "", "   ", "abc", "3", "c1", "left",
        "\ud800", "a\0b", "x" * 300, "two\nlines", b"abc", Path("abc"), Path(), [], [1], ["c1"], ["c1", "c1"], [None],
        [["c1"]], (), ("c1", 5), {}, {"c1": True}, {"c1": 7}, {1: True}, set(), {"c1", "c2"}, frozenset({1}), range(3),
        (letter for letter in "ab"), object(), int, len, slice(2), np.array(3), np.array("c1"), np.array([1.0, np.nan]),
        np.array([["a"]]), np.zeros((2, 4)), np.zeros(0), np.array([{}], dtype=object), np.datetime64("NaT", "ns"),
        pd.NA, pd.NaT, pd.Timestamp(0), pd.Series([1, 2]), pd.Series(["c1", "c2"]),
        pd.Series([True, None], ["c1", "c2"]), pd.Index(["c1"]), pd.MultiIndex.from_tuples([("a", 1)]),
        pd.Categorical(["c1"]), pd.DataFrame(), pd.DataFrame({"a": [1]}),
        pd.DataFrame({"clip_id": ["c1"], "value": ["maybe"]}), pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame({1: [2]}, ["c1"]), pd.DataFrame({"mine": [1, 2]}, ["c1", "c1"]),
        pd.DataFrame({"mine": [object()]}, ["c1"]), pd.DataFrame({"mine": [b"\xff", 3, "a"]}, ["c1", "c2", "c3"]),
    ]  # fmt: skip


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> va.Corpus:
    """Forty points on a line, to be searched by two phrases; relative paths lead into a folder beside it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(len(CLIPS), 4))
    clips = pd.DataFrame({"clip_id": CLIPS, "video": [f"v{i // 4}" for i in range(len(CLIPS))]})
    clips["truth:left"] = vectors[:, 0] < 0
    texts = {"left": [-1, 0, 0, 0], "right": [1, 0, 0, 0]}
    return va.Corpus.from_embeddings(tmp_path / "corpus", vectors, clips, text_embeddings=texts)


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """What lies in a folder; SQLite's shared memory, which is no content, left out."""
    files = [file for file in folder.rglob("*") if file.is_file() and not file.name.endswith(("-shm", ".lock"))]
    return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in files}


def wait_for_labels() -> None:
    """Wait until what was labelled before is tidied up: that is done by threads, which write to the folder."""
    for thread in threading.enumerate():
        if thread.name in ("va-labels", "va-labels-copy"):  # not "va-labels-watch", which only looks and lasts
            thread.join()


def faults(name: str, door: Door, folder: Path) -> list[str]:
    """What goes wrong when a function is called with each odd value."""
    found = []
    for number, value in enumerate(odd_values()):
        wait_for_labels()
        before = state(folder)
        told = f"{name}({number}: {arguments.described(value)})"
        try:
            door(value)
        except va.VaError as error:
            said = str(error).replace("two\nlines", "")  # a path may have two lines
            if "\n" in said or not said.endswith(".") or len(said) > 1500 or said.count(": ") > 3:
                found.append(f"{told} says {said!r}")
            if state(folder) != before:
                found.append(f"{told} wrote something")
        except Exception as error:  # whatever it is, it is not ours
            found.append(f"{told} raises {type(error).__name__}: {str(error)[:150]}")
    return found


def doors_of_corpus(corpus: va.Corpus, folder: Path) -> dict[str, Door]:
    (folder / "empty").mkdir(exist_ok=True)
    vectors, clips = np.eye(3), pd.DataFrame({"clip_id": ["a", "b", "c"]})

    def give(**given: Any) -> None:
        to = folder / "given"
        va.Corpus.from_embeddings(to, **{"embeddings": vectors, "clips": clips, **given})
        shutil.rmtree(to)

    build = partial(va.Corpus.build, folder / "none", folder / "empty")
    cuts = pd.DataFrame({"video": ["a.mp4"], "start": [0], "end": [1]})
    return {
        "Corpus": lambda v: va.Corpus(v),
        "Corpus(encoder)": lambda v: va.Corpus(corpus.path, v),
        "Corpus(search)": lambda v: va.Corpus(corpus.path, search=v),
        "open": va.Corpus.open,
        "open(search)": lambda v: va.Corpus.open(corpus.path, search=v),
        "build": lambda v: va.Corpus.build(v, folder / "empty"),
        "build(videos)": lambda v: va.Corpus.build(folder / "none", v),
        "build(frames_per_shot)": lambda v: build(frames_per_shot=v),
        "build(window)": lambda v: build(window=v),
        "build(pictures)": lambda v: build(pictures=v),
        "build(progress)": lambda v: build(progress=v),
        "add": corpus.add,
        "add(pictures)": lambda v: corpus.add(folder / "empty", pictures=v),
        "from_manifest": lambda v: va.Corpus.from_manifest(v, cuts),
        "from_manifest(table)": lambda v: va.Corpus.from_manifest(folder / "none", v),
        "from_manifest(videos)": lambda v: va.Corpus.from_manifest(folder / "none", cuts, videos=v),
        "from_manifest(frames_per_shot)": lambda v: va.Corpus.from_manifest(folder / "none", cuts, frames_per_shot=v),
        "from_embeddings": lambda v: va.Corpus.from_embeddings(v, vectors, pd.DataFrame()),
        "from_embeddings(embeddings)": lambda v: give(embeddings=v),
        "from_embeddings(clips)": lambda v: give(clips=v),
        "from_embeddings(text_encoder)": lambda v: give(text_encoder=v),
        "from_embeddings(text_embeddings)": lambda v: give(text_embeddings=v),
        "from_embeddings(a phrase's)": lambda v: give(text_embeddings={"a": v}),
        "from_embeddings(a column's)": lambda v: give(clips=clips.assign(start=pd.Series([v] * 3, dtype=object))),
        "from_embeddings(ids)": lambda v: give(clips=clips.assign(clip_id=pd.Series([v, 1, "c"], dtype=object))),
        "with_columns": lambda v: va.Corpus.open(corpus.path).with_columns(v),
        "map": corpus.map,
        "row": corpus.row,
        "search": corpus.search,
        "search(k)": lambda v: corpus.search("left", v),
        "similar": corpus.similar,
        "similar(k)": lambda v: corpus.similar("c1", v),
        "text_embedding": corpus.text_embedding,
        "filmstrip": corpus.filmstrip,
        "thumbnail": corpus.thumbnail,
        "play": corpus.play,
        "preview": corpus.preview,
        "preview(context)": lambda v: corpus.preview("c1", v),
        "demo.corpus": lambda v: va.demo.corpus(v, clips=0),
        "demo.corpus(clips)": lambda v: va.demo.corpus(folder / "demo", v, seed=-1),
        "demo.corpus(seed)": lambda v: va.demo.corpus(folder / "demo", 0, v),
        "demo.corpus(videos)": lambda v: va.demo.corpus(folder / "demo", 0, videos=v),
        "demo.truth_of": lambda v: va.demo.truth_of(v, "left"),
        "demo.truth_of(concept)": lambda v: va.demo.truth_of(corpus, v),
    }


def doors_of_session(corpus: va.Corpus, session: va.Session, folder: Path) -> dict[str, Door]:
    def guided(value: Any) -> None:
        session.guideline = value

    return {
        "Session": lambda v: va.Session(v, "left"),
        "Session(concept)": lambda v: va.Session(corpus, v),
        "Session(annotator)": lambda v: va.Session(corpus, "left", v),
        "Session(seed)": lambda v: va.Session(corpus, "left", seed=v),
        "for_concept": session.for_concept,
        "search": session.search,
        "search(k)": lambda v: session.search("left", v),
        "similar": session.similar,
        "similar(k)": lambda v: session.similar("c1", v),
        "feed": session.feed,
        "feed(k)": lambda v: session.feed("suggested", v),
        "feed(exclude)": lambda v: session.feed("random", 3, exclude=v),
        "label": session.label,
        "label(clip, value)": lambda v: session.label("c1", v),
        "label(clips, value)": lambda v: session.label(["c1", "c2"], v),
        "label(clips, True)": lambda v: session.label(v, True),
        "label(source)": lambda v: session.label("c1", True, v),
        "label(message_id)": lambda v: session.label("c1", True, message_id=v),
        "undo": lambda v: session.undo(message_id=v),
        "redo": lambda v: session.redo(message_id=v),
        "review": session.review,
        "review(order)": lambda v: session.review(order=v),
        "review(annotator)": lambda v: session.review(annotator=v),
        "plot_history": session.plot_history,
        "plot_scores": session.plot_scores,
        "plot_precision_recall": session.plot_precision_recall,
        "report": session.report,
        "Report.save": session.report().save,
        "threshold_for": session.threshold_for,
        "publish": session.publish,
        "publish(precision)": lambda v: session.publish("left", v),
        "guideline": guided,
        "filmstrip": session.filmstrip,
        "preview": session.preview,
        "preview(context)": lambda v: session.preview("c1", v),
        "subscribe": lambda v: session.subscribe(v)(),
        "load_model": va.load_model,
    }


def doors_of_learning(corpus: va.Corpus, session: va.Session) -> dict[str, Door]:
    model = session.publish("a model")
    X, y = np.asarray(corpus.embeddings, dtype=np.float32), np.arange(len(CLIPS)) % 2 == 0
    fitted = va.learning.Classifier().fit(X, y)

    def fit(**options: Any) -> object:
        return va.learning.Classifier(**options).fit(X, y)

    return {
        "Model.score": model.score,
        "Model.score(rows)": lambda v: model.score([v, v]),
        "Model.score_corpus": model.score_corpus,
        "fit(X)": lambda v: va.learning.Classifier().fit(v, y),
        "fit(rows)": lambda v: va.learning.Classifier().fit([v, v], y[:2]),
        "fit(y)": lambda v: va.learning.Classifier().fit(X, v),
        "fit(a label)": lambda v: va.learning.Classifier().fit(X[:2], np.array([v, True], dtype=object)),
        "fit(sample_weight)": lambda v: va.learning.Classifier().fit(X, y, v),
        "Classifier(prior)": lambda v: fit(prior=v),
        "Classifier(statistics)": lambda v: fit(statistics=v),
        "Classifier(prior_strength)": lambda v: fit(prior_strength=v),
        "Classifier(C)": lambda v: fit(C=v),
        "Classifier(background_weight)": lambda v: fit(background_weight=v, statistics=CorpusStatistics(X)),
        "predict": fitted.predict,
        "predict_proba": fitted.predict_proba,
        "decision_function": fitted.decision_function,
    }


def doors_of_experiments(corpus: va.Corpus, session: va.Session) -> dict[str, Door]:
    pool = make_pool(60)
    results = pd.DataFrame({"strategy": ["a", "b"], "concept": "c", "seed": 0, "n": 10, "ap": 0.5})
    truth = corpus.clips["truth:left"]
    once: dict[str, Any] = {"strategies": ["zero_shot"], "concepts": ["truck"], "budgets": [10], "seeds": 1, "jobs": 1}

    def compared(pool: Any = pool, **options: Any) -> object:
        return experiments.compare(pool, **{**once, "budgets": [0], **options})  # no run is made

    return {
        "compare": compared,
        "compare(strategies)": lambda v: compared(strategies=v),
        "compare(a strategy)": lambda v: compared(strategies=[v]),
        "compare(concepts)": lambda v: compared(concepts=v),
        "compare(budgets)": lambda v: compared(budgets=v, seeds=0),
        "compare(seeds)": lambda v: compared(seeds=0 if isinstance(v, int) and v > 5 else v),
        "compare(error)": lambda v: compared(error=v),
        "compare(jobs)": lambda v: compared(jobs=v),
        "compare(folder)": lambda v: compared(folder=v),
        "half": experiments.half,
        "open_pool": experiments.open_pool,
        "from_corpus": experiments.from_corpus,
        "from_corpus(prefix)": lambda v: experiments.from_corpus(corpus, v),
        "from_corpus(name)": lambda v: experiments.from_corpus(corpus, name=v),
        "from_corpus(queries)": lambda v: experiments.from_corpus(corpus, queries=v),
        "from_corpus(a query)": lambda v: experiments.from_corpus(corpus, queries={"left": v}),
        "from_corpus(seed)": lambda v: experiments.from_corpus(corpus, seed=v),
        "with_pairs": experiments.with_pairs,
        "with_pairs(number)": lambda v: experiments.with_pairs(pool, v),
        "with_pairs(least)": lambda v: experiments.with_pairs(pool, least=v),
        "bent": experiments.bent,
        "bent(gap)": lambda v: experiments.bent(pool, gap=v),
        "bent(narrow)": lambda v: experiments.bent(pool, narrow=v),
        "bent(text)": lambda v: experiments.bent(pool, text=v),
        "bent(seed)": lambda v: experiments.bent(pool, text="fair", seed=v),
        "label_by_oracle": lambda v: experiments.label_by_oracle(v, truth),
        "label_by_oracle(truth)": lambda v: experiments.label_by_oracle(session, v),
        "label_by_oracle(budget)": lambda v: experiments.label_by_oracle(session, truth, v, page=40, error=2),
        "label_by_oracle(page)": lambda v: experiments.label_by_oracle(session, truth, 4, page=v, error=2),
        "label_by_oracle(query)": lambda v: experiments.label_by_oracle(session, truth, 4, query=v, error=2),
        "label_by_oracle(error)": lambda v: experiments.label_by_oracle(session, truth, 0, error=v),
        "curves": experiments.curves,
        "curves(level)": lambda v: experiments.curves(results, v, 5),
        "curves(resamples)": lambda v: experiments.curves(results, resamples=v),
        "curves(seed)": lambda v: experiments.curves(results, resamples=5, seed=v),
        "table": experiments.table,
        "wins": experiments.wins,
        "wins(n)": lambda v: experiments.wins(results, v),
        "wins(tie)": lambda v: experiments.wins(results, tie=v),
        "markdown": experiments.markdown,
        "markdown(of)": lambda v: experiments.markdown(results, of=v),
        "plot": experiments.plot,
        "plot(ax)": lambda v: experiments.plot(results, v),
        "open_release": experiments.open_release,
        "experiment_1": experiments.experiment_1,
        "experiment_2": experiments.experiment_2,
        "experiment_2(policies)": lambda v: experiments.experiment_2(None, v),  # type: ignore[arg-type]
        "gains": experiments.gains,
    }


def doors_of_widgets(session: va.Session) -> tuple[dict[str, Door], Callable[[], None]]:
    annotator = va.Annotator(session)
    return {
        "Annotator": va.Annotator,
        "show": annotator.show,
        "show(title)": lambda v: annotator.show("c1", v),
        "Annotator.subscribe": lambda v: annotator.subscribe(v)(),
        "Map": va.Map,
        "Map(seed)": lambda v: va.Map(None, seed=v),  # type: ignore[arg-type]
    }, annotator.close


@pytest.mark.slow
@pytest.mark.parametrize("part", ["corpus", "session", "learning", "experiments", "widgets"])
def test_every_odd_value_is_taken_or_refused_in_one_sentence(
    part: str, corpus: va.Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_QUIET_SECONDS", 0.0)
    session = va.Session(corpus, "left")
    session.label(CLIPS[:6], [True, False] * 3)
    session.refit()
    close: Callable[[], None] = session.close
    if part == "corpus":
        doors = doors_of_corpus(corpus, tmp_path)
    elif part == "session":
        doors = doors_of_session(corpus, session, tmp_path)
    elif part == "learning":
        doors = doors_of_learning(corpus, session)
    elif part == "experiments":
        doors = doors_of_experiments(corpus, session)
    else:
        doors, close = doors_of_widgets(session)
    found = [fault for name, door in doors.items() for fault in faults(name, door, tmp_path)]
    if part in ("session", "experiments"):
        from matplotlib import pyplot

        pyplot.close("all")
    close()
    assert not found, f"{len(found)} faults\n" + "\n".join(found)


def refused(door: Door, *values: object) -> list[str]:
    """The messages of a function that refuses these values."""
    said = []
    for value in values:
        with pytest.raises(va.VaError) as error:
            door(value)
        said.append(str(error.value))
    return said


def test_what_is_refused_is_named(corpus: va.Corpus, tmp_path: Path) -> None:
    session = va.Session(corpus, "left")
    assert refused(lambda v: session.search("left", v), -1, "3", 2.5, None, True) == [
        f"k must be a whole number of at least 0, not {told}." for told in ("-1", "'3'", "2.5", "None", "True")
    ]
    assert refused(session.search, 5, None) == [f"The text to search for must be a text, not {v}." for v in (5, None)]
    assert refused(lambda v: va.Session(v, "left"), "my-corpus", Path("my-corpus"))[0] == (
        "A Session needs a corpus, not its path: open it first with va.Corpus.open('my-corpus')."
    )
    assert refused(lambda v: va.Session(corpus, v), None, 5, "")[1] == (
        "The concept must be a text with at least one character, not 5."
    )
    assert refused(lambda v: va.Session(corpus, "left", seed=v), "a", -1, 2**32, 1.0)[0] == (
        "seed must be a whole number from 0 to 4294967295, not 'a'."
    )
    assert refused(session.publish, None, "", "  ", 5)[0] == "A model's name must be a text, not None."
    assert refused(lambda v: session.publish("left", precision=v), "high", 0, 1.5, float("nan"))[0] == (
        "A precision is a number above 0 and up to 1, not 'high'."
    )
    assert refused(session.feed, 3, None, ["random"])[0].startswith(
        "There is no feed called 3: choose one of suggested"
    )
    assert refused(session.similar, None, 5, ["c1"])[2] == "A clip id is a text, not a list: see corpus.clips.index."
    assert refused(lambda v: session.feed("random", 3, exclude=v), pd.DataFrame({"a": [1]}), [1], 5)[1] == (
        "exclude must be clip ids, which are texts, but one of them is 1."
    )
    assert refused(va.Corpus.open, None, 5, b"corpus")[0] == (
        "A corpus's folder must be a path, a text or a pathlib.Path, not None."
    )
    assert refused(lambda v: va.Corpus.build(tmp_path / "new", v), None, 5, {}, [1])[0] == (
        "videos must be a folder, or a list of folders, files and URLs, not None."
    )
    assert refused(va.load_model, 5, None)[0] == "A model's folder must be a path, a text or a pathlib.Path, not 5."
    assert refused(session.report, 5, "", tmp_path)[0].startswith("The report's file must be a path")
    assert refused(corpus.with_columns, {"mine": [1]}, pd.Series([1], ["c1"]))[0] == (
        "The columns to add must be a DataFrame indexed by clip_id, not a dict."
    )
    assert not (tmp_path / "new").exists()


def test_numbers_of_numpy_are_numbers(corpus: va.Corpus) -> None:
    threes: list[Any] = [np.int64(3), np.uint8(3), np.array(3)]
    session = va.Session(corpus, "left", seed=threes[1])
    expected = corpus.search("left", 3)
    for three in threes:
        pd.testing.assert_frame_equal(corpus.search(np.str_("left"), three), expected)
        assert len(session.feed("random", three)) == 3
    assert len(session.feed("random", 10**30)) == len(CLIPS)
    assert corpus.search("left", 0).empty


@pytest.mark.parametrize("kind", [list, tuple, set, pd.Index, pd.Series, np.array, dict.fromkeys, iter])
def test_clips_are_excluded_in_any_container(corpus: va.Corpus, kind: Callable[[list[str]], Any]) -> None:
    session = va.Session(corpus, "left")
    page = session.feed("random", 30)
    rest = set(CLIPS) - set(page["clip_id"])
    assert set(session.feed("random", 40, exclude=kind(page["clip_id"].tolist()))["clip_id"]) == rest
    for table in (page, page.set_index("clip_id")):
        assert set(session.feed("random", 40, exclude=table)["clip_id"]) == rest
    assert "c7" not in set(session.feed("random", 40, exclude="c7")["clip_id"])


def test_columns_that_would_spoil_the_corpus_are_refused(corpus: va.Corpus) -> None:
    for table in (
        pd.DataFrame({"mine": [1, 2]}, ["c1", "c1"]),  # a join would make two clips of c1
        pd.DataFrame({"mine": [1, 2]}),  # no clip is named 0
        pd.DataFrame([[1, 2]], ["c1"], ["mine", "mine"]),
        pd.DataFrame({5: [1]}, ["c1"]),
        pd.DataFrame({"video": ["other"]}, ["c1"]),
        pd.DataFrame({"mine": [b"a", 3]}, ["c1", "c2"]),
    ):
        with pytest.raises(va.CorpusError):
            corpus.with_columns(table)
    pd.testing.assert_frame_equal(va.Corpus.open(corpus.path).clips, corpus.clips)
    more = corpus.with_columns(pd.DataFrame({"clip_id": ["c2", "c1", "elsewhere"], "mine": [2.0, 1.0, 9.0]}))
    assert more.clips.index.tolist() == CLIPS
    assert more.clips["mine"].dropna().to_dict() == {"c1": 1.0, "c2": 2.0}


def test_tables_that_would_spoil_a_new_corpus_are_refused(tmp_path: Path) -> None:
    vectors = np.eye(3)
    for table in (
        pd.DataFrame({"clip_id": ["a", None, "c"]}),
        pd.DataFrame({"clip_id": ["a", "b", "c"], "start": 1j}),
        pd.DataFrame({"clip_id": ["a", "b", "c"], 5: 1}),
        pd.DataFrame([["a", 1, 2], ["b", 1, 2], ["c", 1, 2]], columns=["clip_id", "mine", "mine"]),
        pd.DataFrame({"mine": [1, 2, 3]}, pd.MultiIndex.from_product([["a", "b", "c"], [1]])),
        pd.DataFrame({"clip_id": ["a", "b", "c"], "mine": [1, "two", b"three"]}),
    ):
        with pytest.raises(va.CorpusError):
            va.Corpus.from_embeddings(tmp_path / "new", vectors, table)
        assert not (tmp_path / "new").exists()


def test_a_truth_with_gaps_is_no_truth(corpus: va.Corpus) -> None:
    gaps = corpus.with_columns(pd.DataFrame({"truth:right": [True, False]}, ["c1", "c2"]))
    with pytest.raises(va.CorpusError, match="missing for 38 clips"):
        va.demo.truth_of(gaps, "right")
    with pytest.raises(experiments.ExperimentError, match="'truth:right' is no truth"):
        experiments.from_corpus(gaps)
    with pytest.raises(va.LabelError, match="without gaps"):
        experiments.label_by_oracle(va.Session(gaps, "right"), gaps.clips["truth:right"])


# --- copies ----------------------------------------------------------------------------------------


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def found(corpus: va.Corpus) -> list[str]:
    """What another process does with a corpus that it was given."""
    return corpus.search("left", 5)["clip_id"].tolist()


@pytest.mark.parametrize("again", [pickled, copy.deepcopy, copy.copy])
def test_a_corpus_and_all_that_hangs_on_it_is_copied(
    corpus: va.Corpus, tmp_path: Path, again: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = va.Session(corpus, "left", "kelli", seed=7)
    session.label(CLIPS[:6], [True, False] * 3)
    session.refit()
    assert len(pickle.dumps(corpus)) < 1000  # its path, not its matrix
    relative = va.Corpus.open(Path("..") / "corpus")
    other, moved, second = again(corpus), again(relative), again(session)
    monkeypatch.chdir(tmp_path)
    assert found(other) == found(corpus)
    assert found(moved) == found(corpus)
    pd.testing.assert_frame_equal(other.clips, corpus.clips)
    assert np.array_equal(other.embeddings, corpus.embeddings)
    assert not other.embeddings.flags.writeable
    assert (second.concept, second.annotator, second.seed, second.counts) == ("left", "kelli", 7, session.counts)
    pd.testing.assert_series_equal(second.scores(), session.scores())
    second.label("c9", True)
    assert session.counts["yes"] == 4
    second.close()
    session.undo()  # its own connexion is still open
    model = session.publish("left")
    np.testing.assert_array_equal(again(model).score_corpus(corpus), model.score_corpus(corpus))
    X = np.asarray(corpus.embeddings, dtype=np.float32)
    classifier = va.learning.Classifier(X[0], CorpusStatistics(X)).fit(X[:4], [0, 1, 0, 1])
    np.testing.assert_array_equal(again(classifier).predict_proba(X), classifier.predict_proba(X))


def test_a_deep_copy_has_a_table_of_its_own(corpus: va.Corpus) -> None:
    other = copy.deepcopy([corpus, corpus])
    assert other[0] is other[1]
    other[0].clips["mine"] = 1
    assert "mine" not in corpus.clips


def test_a_corpus_reopens_as_it_was_opened(corpus: va.Corpus, tmp_path: Path) -> None:
    dump = pickle.dumps(corpus)
    shutil.move(corpus.path, tmp_path / "elsewhere")
    with pytest.raises(va.CorpusError, match="There is no corpus in"):
        pickle.loads(dump)
    tiny = va.Corpus.from_embeddings(
        tmp_path / "tiny", np.eye(256)[:3], pd.DataFrame({"clip_id": ["a", "b", "c"]}), text_encoder="va-tiny"
    )
    assert pickled(tiny).searchable
    assert len(pickle.dumps(tiny)) < 1000  # the encoder is named, not copied


@pytest.mark.slow
def test_a_corpus_goes_to_other_processes(corpus: va.Corpus) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(found, [corpus]) == [found(corpus)]


def test_an_annotator_is_neither_copied_nor_pickled(corpus: va.Corpus) -> None:
    annotator = va.Annotator(va.Session(corpus, "left"))
    for again in (pickled, copy.deepcopy, copy.copy):
        with pytest.raises(va.VaError, match=r"An Annotator can be neither copied nor pickled, .* va\.Annotator\("):
            again(annotator)
    annotator.close()
