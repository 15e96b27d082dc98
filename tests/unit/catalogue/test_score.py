"""`va.score`: scores of corpora as files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

import va_widgets as va
from tests.unit.catalogue import synthetic
from va_widgets.catalogue import local_score
from va_widgets.catalogue.scores import read_models
from va_widgets.cli import main


@pytest.fixture
def films(tmp_path: Path) -> va.Corpus:
    """A corpus with two models, one of which smooths and has a view."""
    corpus = synthetic.corpus(tmp_path / "films", views={"look": 3})
    synthetic.model(corpus, "Night city", 1, smoothing=0.3, look=3)
    synthetic.model(corpus, "rain", 2)
    return corpus


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "scores"


def grown(films: va.Corpus, clips: Any, **options: Any) -> va.Corpus:
    """Return a corpus with other clips in the place of `films`, and with its models."""
    shutil.copytree(films.path / "models", films.path.parent / "models")
    shutil.rmtree(films.path)
    corpus = synthetic.corpus(films.path, clips, views={"look": 3}, **options)
    shutil.move(films.path.parent / "models", films.path / "models")
    return corpus


def stored(out: Path, name: str = "films") -> pd.DataFrame:
    return pd.read_parquet(out / f"corpus={name}" / "scores.parquet").set_index("clip_id")


def check_scores(table: pd.DataFrame, corpus: va.Corpus, **models: va.Model) -> None:
    assert table.index.tolist() == corpus.clips.index.tolist()
    for name, model in (models or read_models(None, corpus)).items():
        assert table[name].dtype == np.float32
        np.testing.assert_allclose(table[name], model.score_corpus(corpus), atol=2e-6)


def test_there_is_a_file_for_each_corpus_and_a_column_for_each_model(
    films: va.Corpus, tmp_path: Path, out: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = synthetic.corpus(tmp_path / "Série 2", range(1000, 1050), views={"look": 3})
    report = va.score([films, other], ["night_city", "rain"], out)
    assert report.index.tolist() == ["films", "série_2"]
    assert report[["clips", "models", "scored"]].to_numpy().tolist() == [[300, 2, 600], [50, 2, 100]]
    assert report["file"].map(Path.is_file).all()
    check_scores(stored(out), films)
    check_scores(stored(out, "série_2"), other, **read_models(None, films))
    assert "scoring: 2/2 corpora, 350 clips" in capfd.readouterr().err

    table = pd.read_parquet(out)  # the folder as one table
    assert list(table) == ["clip_id", "night_city", "rain", "corpus"]
    assert table["corpus"].value_counts().to_dict() == {"films": 300, "série_2": 50}
    dataset = ds.dataset(out, partitioning="hive")
    assert dataset.count_rows(ds.field("rain") > 0.5) == (table["rain"] > 0.5).sum()


def test_the_files_say_which_models_scored(films: va.Corpus, out: Path) -> None:
    va.score(films, None, out, progress=False)
    field = pq.read_schema(out / "corpus=films" / "scores.parquet").field("night_city")
    facts = {key.decode(): json.loads(value) for key, value in field.metadata.items()}
    assert (field.type, facts["name"], facts["version"], facts["threshold"]) == (pa.float32(), "Night city", 1, 0.5)
    summary = json.loads((out / "_scores.json").read_text())["corpora"]["films"]
    assert summary["models"] == {"night_city": facts, "rain": {**facts, **summary["models"]["rain"]}}
    assert (summary["path"], summary["clips"]) == (str(films.path), 300)


def test_a_second_call_scores_only_what_is_new(films: va.Corpus, out: Path) -> None:
    assert va.score(films, "rain", out, progress=False)["scored"].item() == 300
    before = (out / "corpus=films" / "scores.parquet").stat()
    assert va.score(films, "rain", out, progress=False)["scored"].item() == 0
    assert (out / "corpus=films" / "scores.parquet").stat().st_ino == before.st_ino
    assert va.score(films, None, out, progress=False)["scored"].item() == 300  # of night city
    synthetic.model(films, "rain", 7)
    assert va.score(films, None, out, progress=False)["scored"].item() == 300  # of the new version
    check_scores(stored(out), films)
    assert json.loads((out / "_scores.json").read_text())["corpora"]["films"]["models"]["rain"]["version"] == 2


def test_new_clips_are_scored_and_those_that_have_new_nearest_clips(films: va.Corpus, out: Path) -> None:
    va.score(films, None, out, progress=False)
    marked = stored(out)
    more = grown(films, [*range(700, 730), *range(300)])
    assert more.neighbours is not None
    scored = va.score(more, None, out, progress=False)["scored"].item()
    is_new = more.clips.index.str[1:].astype(int) >= 700
    affected = is_new | is_new[more.neighbours].any(axis=0)
    assert scored == 2 * affected.sum() < 2 * 330
    table = stored(out)
    check_scores(table[affected], more) if affected.all() else None
    for name, model in read_models(None, more).items():
        np.testing.assert_allclose(table[name][affected], model.score_corpus(more)[affected], atol=2e-6)
        kept = table.index[~affected]
        np.testing.assert_array_equal(table[name][kept], marked[name][kept])
    assert va.score(more, None, out, progress=False)["scored"].item() == 0


def test_without_smoothing_only_the_new_clips_are_scored(films: va.Corpus, out: Path) -> None:
    va.score(films, "rain", out, progress=False)
    more = grown(films, range(310))
    assert va.score(more, "rain", out, progress=False)["scored"].item() == 10
    check_scores(stored(out), more, **read_models("rain", more))


def test_a_corpus_that_was_opened_before_it_grew_does_not_remove_scores(films: va.Corpus, out: Path) -> None:
    larger = grown(films, 310)
    va.score(larger, None, out, progress=False)
    with pytest.raises(va.ScoresError, match=r"has got clips since it was opened.* open it again"):
        va.score(films, "rain", out, progress=False)
    check_scores(stored(out), larger)


def test_clips_that_left_leave_the_file_and_other_models_keep_their_scores(films: va.Corpus, out: Path) -> None:
    va.score(films, None, out, progress=False)
    fewer = grown(films, [5, *range(10, 300), 301])
    assert va.score(fewer, "rain", out, progress=False)["scored"].item() == 1
    table = stored(out)
    check_scores(table, fewer, **read_models("rain", fewer))
    assert table["night_city"].isna().tolist() == [False] * 291 + [True]
    va.score(fewer, None, out, progress=False)
    assert stored(out).notna().all(axis=None)


@pytest.mark.parametrize("view", ["appearance", "look"])
def test_other_vectors_of_the_same_clips_are_scored_anew(films: va.Corpus, out: Path, view: str) -> None:
    va.score(films, None, out, progress=False)
    if view == "look":
        changed = films.add_view("look", np.random.default_rng(9).normal(size=(300, 3)))
    else:
        changed = grown(films, 300, seed=5)
    assert va.score(changed, None, out, progress=False)["scored"].item() == (300 if view == "look" else 600)
    check_scores(stored(out), changed)


@pytest.mark.parametrize("view", ["appearance", "look"])
def test_scores_of_former_vectors_do_not_stay_by_models_that_a_call_does_not_name(
    films: va.Corpus, out: Path, view: str
) -> None:
    va.score(films, None, out, progress=False)
    if view == "look":
        changed = films.add_view("look", np.random.default_rng(9).normal(size=(300, 3)))
        synthetic.model(changed, "rain", 8)
    else:
        changed = grown(films, 300, seed=5)
    va.score(changed, "rain", out, progress=False)
    assert list(stored(out)) == ["rain"]
    va.score(changed, None, out, progress=False)
    check_scores(stored(out), changed)


def test_a_view_that_was_filled_in_for_few_clips_is_scored_anew(films: va.Corpus, out: Path) -> None:
    va.score(films, None, out, progress=False)
    rows = np.array(films.view("look"))
    again = films.add_view("look", rows)
    assert va.score(again, None, out, progress=False)["scored"].item() == 0  # the same in another file
    rows[7] += 1  # no clip of the sample
    changed = films.add_view("look", rows)
    assert va.score(changed, "rain", out, progress=False)["scored"].item() == 0  # which has not learned from it
    assert va.score(changed, None, out, progress=False)["scored"].item() == 300
    check_scores(stored(out), changed)


def test_former_scores_may_be_larger_than_the_memory(
    films: va.Corpus, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_score, "_IN_MEMORY", 100)
    va.score(films, None, out, progress=False)
    larger = grown(films, 310)
    va.score(larger, None, out, progress=False)
    check_scores(stored(out), larger)
    assert [entry.name for entry in out.iterdir() if "scores" not in entry.name] == [".lock", "corpus=films"]


def test_a_damaged_model_is_left_out_and_told(films: va.Corpus, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (films.path / "models" / "rain" / "v1" / "model.safetensors").write_bytes(b"")
    report = va.score(films, None, out, progress=False)
    assert "rain" not in stored(out)
    [problem] = report.attrs["damaged"].values()
    assert "is damaged" in problem
    assert main(["score", str(films.path), "--out", str(out)]) == 1
    assert problem in capsys.readouterr().err
    other = synthetic.corpus(films.path.parent / "other", 20, views={"look": 3})
    synthetic.model(other, "rain", 5)  # does not take the place of the damaged one
    assert va.score([films, other], None, out, progress=False)["models"].tolist() == [1, 1]
    with pytest.raises(va.ModelError, match="is damaged"):
        va.score([films, other], "rain", out, progress=False)


def test_a_version_of_another_corpus_that_goes_on_from_the_first_is_the_one(
    films: va.Corpus, tmp_path: Path, out: Path
) -> None:
    series = synthetic.corpus(tmp_path / "series", 20, views={"look": 3})
    synthetic.model(series, "rain", 7)
    with pytest.raises(va.ModelError, match=r"Two of the models are called 'rain', in .*films.* and .*series"):
        va.score([films, series], None, out, progress=False)
    (series.path / "models" / "rain").rename(tmp_path / "gone")
    second = synthetic.model(series, "rain", 7, parent=read_models("rain", films)["rain"])
    for given in (None, ["rain"]):
        va.score([series, films], given, out, progress=False)
        np.testing.assert_allclose(stored(out)["rain"], second.score_corpus(films), atol=2e-6)


def test_an_empty_folder_will_do(films: va.Corpus, out: Path) -> None:
    out.mkdir()
    (out / ".unfinished-0123456789abcdef0123456789abcdef").write_text("of a call that was killed")
    va.score({"Films of 1990": films}, "rain", out, progress=False)
    assert sorted(entry.name for entry in out.iterdir() if entry.name != ".lock") == [
        "_scores.json",
        "corpus=films_of_1990",
    ]


def with_file(name: str, text: str) -> Callable[[Path], object]:
    def prepare(out: Path) -> None:
        out.mkdir()
        (out / name).write_text(text)

    return prepare


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (
            with_file("a.txt", ""),
            r"The folder .* holds other files \(a\.txt\), and no scores: give a new or an empty .*",
        ),
        (Path.touch, r"Scores are written to a folder, but .* is a file: give another path\."),
        (
            with_file("_scores.json", "[]"),
            r"The folder .* is not one of scores \(_scores\.json cannot be read\): give .*",
        ),
        (
            with_file("_scores.json", '{"schema": 9}'),
            r"The scores in .* were written by another va-widgets \(schema 9.*",
        ),
    ],
)
def test_a_folder_of_another_is_left_as_it_is(
    films: va.Corpus, out: Path, prepare: Callable[[Path], object], told: str
) -> None:
    prepare(out)
    before = sorted(map(str, out.rglob("*")))
    with pytest.raises(va.ScoresError, match=f"^{told}$"):
        va.score(films, None, out, progress=False)
    assert sorted(map(str, out.rglob("*"))) == before


def test_what_cannot_be_scored_is_refused_before_anything_is_written(
    films: va.Corpus, tmp_path: Path, out: Path
) -> None:
    other = synthetic.corpus(tmp_path / "o" / "films", 10, encoder="others")
    foreign = synthetic.model(other, "snow", encoder="others")
    bare = synthetic.corpus(tmp_path / "bare", 10)
    rain = read_models("rain", films)["rain"]
    for corpora, models, error, told in [
        (films, [rain, foreign], va.ModelError, "'rain' and 'snow' were trained on embeddings of two encoders"),
        ([films, bare], None, va.ModelError, "'Night city' has also learned from the view 'look'"),
        (other, rain, va.EncoderMismatchError, "'rain' was trained on embeddings of words"),
        ([films, other], foreign, va.ScoresError, "Two of the corpora are called 'films': name them"),
        (films, "snow", va.ModelError, "No model 'snow' is published from this corpus; there are"),
        ([], None, va.ArgumentError, "There is no corpus to score"),
        (bare, None, va.ModelError, "There is no model to score by"),
        ("films", None, va.ArgumentError, "The corpora to score must be"),
        ([1], "rain", va.ArgumentError, "A corpus to score must be"),
        (films, synthetic.model(other, "Clip id"), va.ModelError, "has a column 'clip_id' of its own"),
    ]:
        with pytest.raises(error, match=told):
            va.score(corpora, models, out, progress=False)  # type: ignore[arg-type]
    with pytest.raises(va.ArgumentError, match=r"^engine must be .* not 'spark'"):
        va.score(films, None, out, engine="spark")
    assert not out.exists()


def test_a_name_that_has_other_scores_is_refused(films: va.Corpus, tmp_path: Path, out: Path) -> None:
    va.score(films, "rain", out, progress=False)
    other = synthetic.corpus(tmp_path / "o" / "films", range(500, 520))
    with pytest.raises(va.ScoresError, match=r"The scores called 'films' are those of another corpus, .*films_2"):
        va.score(other, read_models("rain", films)["rain"], out, progress=False)
    alike = synthetic.corpus(tmp_path / "third" / "films", 300, seed=7)  # clips of the same ids
    with pytest.raises(va.ScoresError, match="are those of another corpus"):
        va.score(alike, read_models("rain", films)["rain"], out, progress=False)
    check_scores(stored(out), films, **read_models("rain", films))


def test_damaged_scores_are_told(films: va.Corpus, out: Path) -> None:
    va.score(films, "rain", out, progress=False)
    file = out / "corpus=films" / "scores.parquet"
    whole = file.read_bytes()
    table = pd.read_parquet(file)
    for data in (whole[:-100], b"", b"PAR1", table.to_parquet(), pd.concat([table, table]).to_parquet()):
        file.write_bytes(data)
        with pytest.raises(va.ScoresError, match=r"^The scores in .* are damaged \(.*\): delete the file and score"):
            va.score(films, "rain", out, progress=False)
    schema = pq.read_schema(pa.BufferReader(whole))
    facts = json.loads(schema.metadata[b"va_widgets"])
    for changes in ({"sample": None}, {"sample": {"look": ["c0001"]}}, {"digests": {"look": 3}}, {"neighbours": "yes"}):
        other = schema.with_metadata({"va_widgets": json.dumps({**facts, **changes})})
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False).cast(other), file)
        with pytest.raises(va.ScoresError, match=r"^The scores in .* are damaged \(.*\): delete the file and score"):
            va.score(films, "rain", out, progress=False)


def test_two_calls_do_not_write_at_once(films: va.Corpus, out: Path) -> None:
    va.score(films, "rain", out, progress=False)
    with FileLock(out / ".lock"), pytest.raises(va.ScoresError, match=r"Another va\.score is writing to"):
        va.score(films, None, out, progress=False)


class Interruption:
    """Raises an exception before the n-th step on the disk in a folder."""

    def __init__(self) -> None:
        self.folder, self.left, self.error = "", 0, BaseException
        sys.addaudithook(self._step)

    def _step(self, event: str, told: tuple[Any, ...]) -> None:
        if self.folder and event in {"open", "os.rename", "os.remove", "os.mkdir"} and self.folder in str(told):
            self.left -= 1
            if self.left == 0:
                raise self.error("interrupted")


@pytest.fixture(scope="module")
def audited() -> Interruption:
    return Interruption()  # a hook cannot be removed


@pytest.fixture
def interruption(audited: Interruption) -> Iterator[Interruption]:
    yield audited
    audited.folder = ""


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_call_leaves_whole_files_and_can_be_repeated(
    films: va.Corpus, out: Path, interruption: Interruption, error: type[BaseException]
) -> None:
    va.score(films, "rain", out, progress=False)
    shutil.copytree(out, out.with_name("before"))
    interruption.error = error
    for step in range(1, 100, 2):
        shutil.rmtree(out)
        shutil.copytree(out.with_name("before"), out)
        interruption.folder, interruption.left = str(out), step
        try:
            va.score(films, None, out, progress=False)
        except (KeyboardInterrupt, va.ScoresError):
            pass
        finally:
            interruption.folder = ""
        columns = list(stored(out))
        assert columns in (["rain"], ["night_city", "rain"])
        leftovers = [entry.name for entry in out.rglob(".unfinished-*")]
        assert not leftovers or error is OSError  # an error may meet the removal itself
        va.score(films, None, out, progress=False)
        check_scores(stored(out), films)
        assert not list(out.rglob(".unfinished-*"))
        if interruption.left > 0:
            break
    assert 8 < step < 99


# Imports once; then a child of its own is killed before each of the steps, or may not write files beyond a size.
PROGRAM = """
import json, os, resource, signal, shutil, sys
import va_widgets as va
from va_widgets.catalogue import local_score, score

corpus, out, steps, most = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
left = 0

def count(event, told):
    global left
    if left and event in {"open", "os.rename", "os.remove", "os.mkdir"} and out in str(told):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
for step in steps:
    child = os.fork()
    if not child:
        films, left = va.Corpus.open(corpus), step
        if most:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        try:
            va.score(films, None, f"{out}-{step}", progress=False)
        except va.VaError as error:
            print(error, flush=True)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def in_processes(films: va.Corpus, out: Path, *steps: int, most: int = 0) -> list[str]:
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(films.path), str(out), json.dumps(steps), str(most)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_killed_call_is_continued_by_the_same_call(films: va.Corpus, out: Path) -> None:
    steps = range(2, 40, 5)
    codes = in_processes(films, out, *steps)
    assert codes[:2] == ["-9"] * 2
    assert codes[-1] == "0"
    for step in steps[: codes.index("0") + 1]:
        folder = out.with_name(f"scores-{step}")
        if (folder / "corpus=films" / "scores.parquet").exists():
            check_scores(stored(folder), films)
        va.score(films, None, folder, progress=False)
        check_scores(stored(folder), films)
        assert not list(folder.rglob(".unfinished-*"))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no limit on the size of files")
def test_a_disk_that_fills_is_told_and_the_former_scores_stay(films: va.Corpus, out: Path) -> None:
    va.score(films, "rain", f"{out}-0", progress=False)
    [told, code] = in_processes(films, out, 0, most=2000)
    assert told.startswith(f"The folder of scores {out}-0 cannot be used, because a limit on the size of files is")
    assert code == "0"
    assert list(stored(out.with_name("scores-0"))) == ["rain"]
    assert not list(out.with_name("scores-0").rglob(".unfinished-*"))
