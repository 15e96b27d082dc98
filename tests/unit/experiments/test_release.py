"""VA's release: its corpus, its labels, and the errors for a damaged one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.unit.experiments.synthetic_release import CONCEPTS, DIM, SHOTS, write_release
from va_widgets.experiments.release import Release, open_release

Truth = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """A release whose corpus is already built, and its truth."""
    folder = tmp_path_factory.mktemp("release") / "videoannotator"
    truth = write_release(folder)
    open_release(folder)
    return folder, truth


@pytest.fixture
def release(written: tuple[Path, Truth], tmp_path: Path) -> Release:
    """A copy of the release for one test."""
    shutil.copytree(written[0], tmp_path / "videoannotator")
    return open_release(tmp_path / "videoannotator")


def change(file: Path, edit: Callable[[str], str]) -> None:
    file.write_text(edit(file.read_text(encoding="utf-8")), encoding="utf-8")


def test_both_names_are_the_same_function() -> None:
    assert va.experiments.open_release is va.experiments.release.open_release is open_release


def test_its_shots_become_a_corpus(release: Release) -> None:
    corpus = release.corpus
    table = pd.read_csv(release.folder / "shot-data.csv", keep_default_na=False)
    assert corpus.path == release.folder / "va-corpus"
    assert corpus.clips.index.tolist() == table["key"].tolist()
    assert corpus.clips["video"].tolist() == table["yt_id"].tolist()
    assert corpus.clips["cluster"].tolist() == table["cluster_index"].tolist()
    for name in ("start", "end", "fps"):
        np.testing.assert_allclose(corpus.clips[name], table[name], rtol=1e-12)
    for name in ("frame_in", "frame_out", "desc"):
        assert corpus.clips[name].tolist() == table[name].tolist()
    assert corpus.clips["genre"].fillna("").tolist() == table["genre"].tolist()
    with h5py.File(release.folder / "embeddings.h5", "r") as opened:
        stored = opened["embeddings"][:]
    assert stored.shape == (SHOTS, DIM)
    np.testing.assert_allclose(corpus.embeddings, stored / np.linalg.norm(stored, axis=1, keepdims=True), atol=1e-3)


def test_its_corpus_can_be_searched_for_labels_and_queries(release: Release, written: tuple[Path, Truth]) -> None:
    for concept in CONCEPTS:
        shown = pd.Series(written[1][concept], index=release.corpus.clips.index)
        for text in (concept, *release.queries[concept]):
            assert shown[release.corpus.search(text, 10)["clip_id"]].all()
    with pytest.raises(va.SearchUnavailableError, match="'aerial'"):
        release.corpus.search("a dog on a skateboard")


def test_its_corpus_is_built_once(release: Release) -> None:
    manifest = release.corpus.path / "manifest.json"
    before = manifest.stat()
    (release.folder / "embeddings.h5").write_bytes(b"is not read again")
    again = open_release(release.folder)
    assert manifest.stat().st_mtime_ns == before.st_mtime_ns
    assert again.corpus.clips.equals(release.corpus.clips)


def test_its_corpus_may_be_in_another_folder(written: tuple[Path, Truth], tmp_path: Path) -> None:
    release = open_release(str(written[0]), tmp_path / "elsewhere")
    assert release.corpus.path == tmp_path / "elsewhere"
    assert len(open_release(written[0], tmp_path / "elsewhere").corpus) == SHOTS


def test_its_labels_are_those_of_all_annotators(release: Release, written: tuple[Path, Truth]) -> None:
    assert release.concepts == sorted(CONCEPTS)
    assert release.annotators("car-chase") == ["B", "A", "C"]
    labels = release.labels("car-chase")
    assert labels.columns.tolist() == ["primary", "A", "C", "agg", "pos_cnt"]
    assert labels.index.name == "key"
    assert (labels.dtypes[:-1] == np.bool_).all()
    positives = labels[["primary", "A", "C"]].sum(axis=1)
    assert (labels["pos_cnt"] == positives).all()
    assert (labels["agg"] == (positives >= 2)).all()
    truth = pd.Series(written[1]["car-chase"], index=release.corpus.clips.index)
    assert (labels["agg"] == truth[labels.index]).mean() > 0.95


def test_its_other_parts_keep_their_order(release: Release) -> None:
    stored = json.loads((release.folder / "checkpoints" / "aerial.json").read_text(encoding="utf-8"))
    checkpoints = release.checkpoints("aerial")
    assert [len(table) for table in checkpoints] == [10, 25, 60, 100]
    for table, split in zip(checkpoints, stored, strict=True):
        assert table.index[table["value"]].tolist() == split["pos"]
        assert table.index[~table["value"]].tolist() == split["neg"]
    compared = release.comparison("aerial")
    stored = json.loads((release.folder / "cmp" / "aerial.json").read_text(encoding="utf-8"))
    assert list(compared) == ["random", "zero_shot"]
    for name, table in compared.items():
        assert table.index.tolist() == [answer["key"] for answer in stored[name]]
        assert table["value"].tolist() == [answer["value"] for answer in stored[name]]
    positives, negatives = release.validation("aerial")
    assert len(positives) + len(negatives) == 50


def test_a_single_query_becomes_a_list(release: Release) -> None:
    (release.folder / "queries.json").write_text('{"aerial": "from above"}', encoding="utf-8")
    assert release.queries == {"aerial": ["from above"]}


def test_a_repeated_clip_counts_once_among_the_labels(release: Release) -> None:
    file = release.folder / "agg" / "aerial.json"
    before = release.labels("aerial")
    content = json.loads(file.read_text(encoding="utf-8"))
    content["data"].append(content["data"][0])
    file.write_text(json.dumps(content), encoding="utf-8")
    assert release.labels("aerial").equals(before)


def test_missing_parts_raise_errors_only_when_they_are_read(written: tuple[Path, Truth], tmp_path: Path) -> None:
    for name in ("embeddings.h5", "shot-data.csv"):
        shutil.copy(written[0] / name, tmp_path / name)
    release = open_release(tmp_path)
    assert len(release.corpus) == SHOTS
    with pytest.raises(va.CorpusError, match=r"has no labels \(agg/\*\.json\)"):
        _ = release.concepts
    with pytest.raises(va.CorpusError, match=r"no queries\.json in"):
        _ = release.queries
    for read, part in (
        (release.labels, "agg"),
        (release.checkpoints, "checkpoints"),
        (release.comparison, "cmp"),
        (release.validation, "ave/validation"),
    ):
        with pytest.raises(va.CorpusError, match=rf"no {part}/aerial\.json in .*: it has none there"):
            read("aerial")
    with pytest.raises(va.SearchUnavailableError):
        release.corpus.search("aerial")


def test_the_error_for_a_missing_file_lists_the_existing_ones(release: Release) -> None:
    with pytest.raises(va.CorpusError, match=r"no ave/validation/interior\.json in .*: it has aerial, car-chase there"):
        release.validation("interior")


@pytest.mark.parametrize("name", ["../aerial", "..", ".", "", "a/b", "a\\b", "/etc/passwd", "C:x", "a\0b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(release: Release, name: str) -> None:
    for read in (release.labels, release.checkpoints, release.comparison, release.validation, release.annotators):
        with pytest.raises(va.CorpusError, match="cannot be the name of a concept"):
            read(name)


@pytest.mark.parametrize("part", ["agg", "checkpoints", "cmp", "ave/validation"])
@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "is damaged"), ("[1, 2]", "is damaged"), ("{}", "is damaged"), ("\udcff", "is damaged"), ("", "is damaged")],
)
def test_a_damaged_file_raises_one_clear_sentence(release: Release, part: str, content: str, message: str) -> None:
    (release.folder / part / "aerial.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    read = {
        "agg": release.labels,
        "checkpoints": release.checkpoints,
        "cmp": release.comparison,
        "ave/validation": release.validation,
    }[part]
    with pytest.raises(va.CorpusError, match=rf"aerial\.json {message}") as raised:
        read("aerial")
    assert "\n" not in str(raised.value)


def test_unknown_shots_and_contradictions_are_named(release: Release) -> None:
    for part in ("agg", "checkpoints", "cmp", "ave/validation"):
        change(release.folder / part / "aerial.json", lambda text: text.replace("|60", "|61"))
    for read in (release.labels, release.checkpoints, release.comparison, release.validation):
        with pytest.raises(va.CorpusError, match=r"names the shot '.*\|61', which shot-data\.csv does not"):
            read("aerial")
    key = release.corpus.clips.index[0]
    (release.folder / "checkpoints" / "aerial.json").write_text(json.dumps([{"pos": [key], "neg": [key]}]))
    with pytest.raises(va.CorpusError, match="both a positive and a negative"):
        release.checkpoints("aerial")


def test_missing_answers_and_repeated_annotators_are_named(release: Release) -> None:
    file = release.folder / "agg" / "aerial.json"
    change(file, lambda text: text.replace('"secondaries": {"B": true, ', '"secondaries": {', 1))
    with pytest.raises(va.CorpusError, match="lacks an annotator's answer for '"):
        release.labels("aerial")
    change(file, lambda text: text.replace('"secondaries": ["B", "C"]', '"secondaries": ["B", "agg"]'))
    with pytest.raises(va.CorpusError, match="B, agg: each needs a name of its own"):
        release.labels("aerial")


def _cut_rows(folder: Path) -> None:
    table = pd.read_csv(folder / "shot-data.csv", dtype=str, keep_default_na=False)
    table.iloc[:-1].to_csv(folder / "shot-data.csv", index=False)


def _repeat_key(folder: Path) -> None:
    table = pd.read_csv(folder / "shot-data.csv", dtype=str, keep_default_na=False)
    table["key"] = [table["key"].iloc[0], *table["key"].iloc[:-1]]
    table.to_csv(folder / "shot-data.csv", index=False)


def _damage_vector(folder: Path) -> None:
    with h5py.File(folder / "embeddings.h5", "a") as opened:
        opened["embeddings"][7, 3] = np.nan


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "embeddings.h5").unlink(), r"has no embeddings\.h5"),
        (lambda folder: (folder / "shot-data.csv").unlink(), r"has no shot-data\.csv"),
        (lambda folder: shutil.rmtree(folder), "There is no folder"),
        (_cut_rows, r"300 vectors in embeddings\.h5 but 299 shots in shot-data\.csv"),
        (_repeat_key, r"'NA\|0' comes twice"),
        (_damage_vector, r"'NA\|420' holds values that are not finite"),
        (lambda folder: (folder / "embeddings.h5").write_bytes(b"HDF"), "cannot be read as HDF5"),
        (lambda folder: (folder / "text-embeddings.json").write_text("{"), r"text-embeddings\.json is damaged"),
        (lambda folder: (folder / "text-embeddings.json").write_text('{"a": [1.0]}'), "text embedding of 'a'"),
        (
            lambda folder: change(folder / "shot-data.csv", lambda text: text.replace("yt_id", "id", 1)),
            "lacks the column 'yt_id'",
        ),
    ],
)
def test_an_incomplete_release_is_refused(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    folder = tmp_path / "videoannotator"
    write_release(folder)
    damage(folder)
    with pytest.raises(va.CorpusError, match=message):
        open_release(folder)
    assert not (folder / "va-corpus" / "manifest.json").exists()


def test_a_path_that_cannot_be_written_is_named(written: tuple[Path, Truth], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(va.CorpusError, match=r"cannot be written to .*file/corpus .*: give open_release a path"):
        open_release(written[0], tmp_path / "file" / "corpus")


def test_a_corpus_of_other_shots_is_refused(written: tuple[Path, Truth], tmp_path: Path) -> None:
    write_release(tmp_path / "other", shots=SHOTS - 20)
    with pytest.raises(va.CorpusError, match="holds a corpus of other shots"):
        open_release(tmp_path / "other", written[0] / "va-corpus")


def test_importing_it_does_not_import_h5py() -> None:
    code = "import sys, va_widgets as va; va.experiments.open_release; sys.exit('h5py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
