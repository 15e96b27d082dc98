"""Whatever is done to the files of a corpus, it opens and is right, or a CorpusError says what is wrong."""

from __future__ import annotations

import collections
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import va_widgets as va
from tests.unit.corpus import damaging
from va_widgets.cli import main
from va_widgets.corpus.manifest import MANIFEST_FILE, read_manifest
from va_widgets.corpus.verification import verify

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of memory and time are set as POSIX does it")

_CASES, _PROCESSES = 2000, 2


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the four corpora of `damaging.write_corpora`."""
    folder = tmp_path_factory.mktemp("corpora")
    damaging.write_corpora(folder)
    return folder


@pytest.fixture
def filmed(tmp_path: Path) -> Path:
    damaging.write_filmed(tmp_path / "filmed")
    return tmp_path / "filmed"


@pytest.fixture
def given(tmp_path: Path) -> Path:
    damaging.write_given(tmp_path / "given")
    return tmp_path / "given"


def tampered(corpus: Path, **fields: Any) -> Path:
    """A corpus with other fields in its manifest."""
    file = corpus / MANIFEST_FILE
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **fields}), encoding="utf-8")
    return corpus


def rewritten(corpus: Path, **columns: Any) -> Path:
    """A corpus with other columns in its table of clips, of which its manifest has the right digest."""
    file = corpus / read_manifest(corpus).clips_file
    table = pq.read_table(file).to_pandas()
    pq.write_table(pa.Table.from_pandas(table.assign(**columns)), file)
    damaging.record_digests(corpus)
    return corpus


# --- at random -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_2000_flips_and_edits_end_in_an_error_of_ours_or_a_right_corpus(corpora: Path, tmp_path: Path) -> None:
    """No other error, no hang, no memory without bounds: see `damaging`."""
    with ThreadPoolExecutor(_PROCESSES) as pool:
        share = _CASES // _PROCESSES
        parts = pool.map(
            lambda number: _tried(corpora, tmp_path / str(number), number * share, share), range(_PROCESSES)
        )
        said = [json.loads(line) for part in parts for line in part]
    outcomes = [damaging.Outcome(**one) for one in said if "change" in one]
    assert len(outcomes) == _CASES
    assert [one for one in outcomes if not one.ours] == []
    for one in outcomes:
        tells_in_itself = one.change.endswith(("manifest.json", "shard.json", "strips.bin"))
        if one.error or one.corpus.endswith("-older"):
            continue
        if " = " not in one.change:  # the bytes of a file: what is shown is right, and `verify` knows it is not whole
            assert one.same, one
            assert "damaged" in one.verified or one.change == "grown manifest.json", one
        elif tells_in_itself:
            assert "damaged" in one.verified, one
    counts = collections.Counter((one.corpus, bool(one.error)) for one in outcomes)
    assert min(counts.values()) > 20
    assert len(counts) == 8
    ends = [one for one in said if "megabytes" in one]
    assert [one["torch"] for one in ends] == [False] * _PROCESSES
    assert max(one["megabytes"] for one in ends) < 1000


def _tried(corpora: Path, folder: Path, first: int, number: int) -> list[str]:
    """What a process says that tries so many cases on a copy of the corpora."""
    shutil.copytree(corpora, folder)
    program = [sys.executable, "-m", "tests.unit.corpus.damaging", str(folder), str(first), str(first + number)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(program, capture_output=True, text=True, env=env, cwd=Path(__file__).parents[3], check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, (lines[-1:], done.stderr[-1000:])
    return lines


# --- one by one ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"schema": "2"}, "schema"),
        ({"schema": None}, "schema"),
        ({"dim": 0}, "dim"),
        ({"dim": 1 << 62}, "dim"),
        ({"dim": 1e308}, "dim"),
        ({"clips": -1}, "clips"),
        ({"clips": 10**30}, "clips"),
        ({"clips_file": "../clips-1.parquet"}, "clips_file"),
        ({"clips_file": "labels.sqlite"}, "clips_file"),
        ({"embeddings_file": "/dev/zero"}, "embeddings_file"),
        ({"texts_file": "texts-1.npz\0"}, "texts_file"),
        ({"views": {"mine": "../view-1-0.npy"}}, "views"),
        ({"views": {"mine": "embeddings-1.npy"}}, "views"),
        ({"views": {"a/b": "view-1-0.npy"}}, "views"),
        ({"views": {"appearance": "view-1-0.npy"}}, "views"),
        ({"cut": "slices"}, "cut"),
        ({"cut": "windows of nan s"}, "cut"),
        ({"cut": "windows of 1e+999 s"}, "windows without an end"),
        ({"roots": [{"absolute": "/a\0b", "relative": ""}]}, "roots"),
        ({"roots": {}}, "roots"),
        ({"replaced": {"labels.sqlite": 3}}, "replaced"),
        ({"sources": [{"source": "a", "root": 7}]}, "sources"),
    ],
)
def test_a_manifest_with_a_field_that_it_cannot_have_is_refused(
    filmed: Path, fields: dict[str, Any], told: str
) -> None:
    with pytest.raises(va.CorpusError, match=rf"manifest\.json is damaged, or no manifest of a corpus \(.*{told}"):
        va.Corpus.open(tampered(filmed, **fields))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[" * 200_000, "got `array`"),
        (b'{"schema": 2, "x": ' + b"[" * 200_000, "nested too deeply"),
        (b'{"schema": 2, "tag": "\xff"}', "(decode|UTF-8)"),
        (b'{"schema": 2, "tag": "\\ud800"}', ""),
        (b"", ""),
        (b"PK\x03\x04", ""),
        (b'{"name": "a web page", "start_url": "."}', "schema"),
    ],
    ids=["array", "deep", "not UTF-8", "surrogate", "empty", "binary", "another's"],
)
def test_a_manifest_that_is_none_is_refused(filmed: Path, content: bytes, told: str) -> None:
    (filmed / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(va.CorpusError, match=rf"manifest\.json is damaged, or no manifest of a corpus \(.*{told}"):
        va.Corpus.open(filmed)


def test_a_manifest_that_is_a_pipe_or_very_large_is_not_read(filmed: Path) -> None:
    file = filmed / MANIFEST_FILE
    with file.open("r+b") as opened:
        opened.truncate(1 << 40)  # of nothing
    with pytest.raises(va.CorpusError, match=r"it has 1,099,511,627,776 bytes"):
        va.Corpus.open(filmed)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(va.CorpusError, match=r"it is a pipe, not a file"):
        va.Corpus.open(filmed)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"start": -1e308}, "start has values that are not within 0"),
        ({"start": float("nan")}, "the column start has gaps"),
        ({"end": float("inf")}, "end has values"),
        ({"end": -0.5}, "end has values"),
        ({"start": 5.0, "end": 1.0}, "a clip has its start after its end"),
        ({"start": "soon"}, "the column start is no number"),
        ({"fps": -1.0}, "fps has values"),
        ({"width": -3}, "width has values"),
        ({"video": None}, "video"),
        ({"video": "a\0b"}, "NUL"),
        ({"frame_in": 1 << 40}, "frame_in has values"),
    ],
)
def test_a_table_of_clips_with_values_that_it_cannot_have_is_refused(
    filmed: Path, columns: dict[str, Any], told: str
) -> None:
    with pytest.raises(va.CorpusError, match=rf"^The table .* is damaged \(.*{told}.*\): copy the corpus again\.$"):
        va.Corpus.open(rewritten(filmed, **columns))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"_root": 7}, "_root has values that are not within 0 and 0"),
        ({"_root": -1}, "_root has values"),
        ({"_shard": "../../private"}, "'../../private' in the column _shard is no name of a folder"),
        ({"_shard": "/etc"}, "'/etc' in the column _shard"),
        ({"_strip_at": -1}, "_strip_at has values"),
        ({"_strip_bytes": 1 << 30}, "_strip_bytes has values"),
        ({"_strip_frames": 0}, "_strip_frames has values"),
        ({"_strip_width": 30_000, "_strip_height": 30_000}, "more pixels than one can have"),
        ({"_strip_at": 1 << 40}, "it ends before"),
    ],
)
def test_pictures_that_cannot_be_there_are_refused(filmed: Path, columns: dict[str, Any], told: str) -> None:
    corpus = va.Corpus.open(rewritten(filmed, **columns))
    with pytest.raises(va.CorpusError, match=told):
        corpus.filmstrip(corpus.clips.index[0])
    assert "damaged" in set(corpus.verify(progress=False)["status"]) or "_strip_at" in columns


@pytest.mark.parametrize("name", ["clip_id", "video", "fps", "_key", "_strip_bytes"])
def test_a_table_without_a_column_is_told_by_opening_and_by_verify(filmed: Path, name: str) -> None:
    file = filmed / read_manifest(filmed).clips_file
    pq.write_table(pq.read_table(file).drop_columns([name]), file)
    damaging.record_digests(filmed)
    with pytest.raises(va.CorpusError, match=f"it has no column {name}"):
        va.Corpus.open(filmed)
    told = verify(filmed, progress=False)
    assert told["reason"].str.contains(f"it has no column {name}").any()


def test_a_clip_id_that_comes_twice_is_told_before_a_clip_is_looked_up(filmed: Path) -> None:
    file = filmed / read_manifest(filmed).clips_file
    table = pq.read_table(file).to_pandas()
    table.index = pd.Index(["twice"] * len(table), name="clip_id")
    pq.write_table(pa.Table.from_pandas(table), file)
    damaging.record_digests(filmed)
    corpus = va.Corpus.open(filmed)
    for look in (lambda: corpus.clips, lambda: corpus.row("twice"), lambda: corpus.similar("twice")):
        with pytest.raises(va.CorpusError, match="The clip id 'twice' comes twice"):
            look()
    assert verify(filmed, progress=False)["reason"].str.contains("'twice' comes twice").any()


def test_missing_times_of_a_corpus_of_embeddings_are_no_damage(given: Path) -> None:
    corpus = va.Corpus.open(rewritten(given, start=float("nan"), end=1e12))
    assert corpus.clips["start"].isna().all()
    assert corpus._repr_html_()
    assert (corpus.verify(progress=False)["status"] == "ok").any()


# --- files that change under an open corpus --------------------------------------------------------


def test_files_that_are_cut_while_a_corpus_is_open_do_not_end_the_process(filmed: Path) -> None:
    corpus = va.Corpus.open(filmed)
    clip = corpus.clips.index[0]
    manifest = read_manifest(filmed)
    assert manifest.sources_file is not None
    for name in (manifest.embeddings_file, manifest.clips_file, manifest.sources_file, manifest.views["motion"]):
        os.truncate(filmed / name, 0)
    for look in (
        lambda: corpus.embeddings,
        lambda: corpus.view("motion"),
        lambda: corpus.motion,
        lambda: corpus.similar(clip),
        lambda: corpus.search_vector(np.ones(damaging.DIM, np.float32)),
        lambda: corpus.map(),
        lambda: corpus.filmstrip(clip),
        lambda: corpus.report,
    ):
        with pytest.raises(va.CorpusError, match="was cut while it was open: copy the corpus again"):
            look()


def test_filmstrips_that_are_cut_are_told(filmed: Path) -> None:
    corpus = va.Corpus.open(filmed)
    clip = corpus.clips.index[-1]
    assert corpus.filmstrip(clip).data
    for file in filmed.glob("shards/*/strips.bin"):
        os.truncate(file, 10)
    with pytest.raises(va.CorpusError, match=r"strips\.bin is damaged \(it ends before"):
        corpus.filmstrip(clip)


def test_filmstrips_that_are_a_pipe_are_not_waited_for(filmed: Path) -> None:
    corpus = va.Corpus.open(filmed)
    for file in filmed.glob("shards/*/strips.bin"):
        file.unlink()
        os.mkfifo(file)
    with pytest.raises(va.CorpusError, match="are gone from"):
        corpus.filmstrip(corpus.clips.index[0])
    assert (corpus.verify(progress=False)["status"] == "missing").sum() == 2


# --- verify ----------------------------------------------------------------------------------------


def test_verify_names_every_file_that_does_not_hold_what_was_written(filmed: Path) -> None:
    corpus = va.Corpus.open(filmed)
    told = corpus.verify(progress=False)
    assert list(told.columns) == ["file", "status", "reason"]
    assert set(told["status"]) == {"ok"}
    files = {file.relative_to(filmed).as_posix() for file in filmed.rglob("*") if file.is_file()}
    assert set(told["file"]) == files - {".build.lock"}
    for name in sorted(set(told["file"])):
        content = (filmed / name).read_bytes()
        place = content.index(b"nowhere") if name == "manifest.json" else len(content) // 2
        (filmed / name).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        again = verify(filmed, progress=False)
        assert set(again[again["status"] == "damaged"]["file"]) >= {name}, name
        (filmed / name).unlink()
        again = verify(filmed, progress=False)
        assert set(again[again["status"].isin(["missing", "damaged"])]["file"]) >= {name}, name
        (filmed / name).write_bytes(content)
    assert set(verify(filmed, progress=False)["status"]) == {"ok"}


def test_an_older_corpus_opens_and_verify_says_what_cannot_be_compared(filmed: Path) -> None:
    damaging.forget_digests(filmed)
    told = va.Corpus.open(filmed).verify(progress=False)
    assert set(told["status"]) == {"unrecorded"}
    assert told["reason"].str.startswith("an older va-widgets wrote it").all()
    again = va.Corpus.open(filmed).with_columns(pd.DataFrame({"more": 1}, index=va.Corpus.open(filmed).clips.index))
    statuses = again.verify(progress=False).set_index("file")["status"]
    assert statuses["manifest.json"] == statuses[read_manifest(filmed).clips_file] == "ok"
    assert statuses[read_manifest(filmed).embeddings_file] == "unrecorded"


def test_verify_on_the_command_line(given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(given)]) == 0
    assert capsys.readouterr().out == "6 ok\n"
    file = given / read_manifest(given).embeddings_file
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    assert main(["verify", str(given)]) == 1
    out = capsys.readouterr().out
    assert f"damaged: {file.name}: it does not hold what was written to it" in out
    assert main(["verify", str(given / "nothing")]) == 1
    assert "missing: manifest.json: There is no corpus in" in capsys.readouterr().out
