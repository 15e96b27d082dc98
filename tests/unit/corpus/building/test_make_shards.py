"""Shards are written by threads, which wait for the disk at the same time."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from va_widgets.base.errors import CorpusError
from va_widgets.corpus.building import make_shards
from va_widgets.corpus.building.jobs import ShardJob
from va_widgets.corpus.building.make_shards import _Writers
from va_widgets.corpus.files import shards
from va_widgets.corpus.manifest import Source
from va_widgets.corpus.sources import SourceFile

CLIP = dict.fromkeys(shards.TABLE.names, 1) | {"clip_id": "a", "_key": "k"}


def job_of(name: str) -> ShardJob:
    return ShardJob(name, [(SourceFile(name, f"/{name}", 5, 0), source_of(name))], None)


def source_of(name: str) -> Source:
    return Source(name, 0, 5, 0, name, "done", "", 1, 0.0)


def _add_and_finish(writers: _Writers) -> None:
    writers.add(job_of("a"))  # raises, too, if the shard is tried to be written by then
    writers.finish()


def test_shards_are_reported_in_their_order_though_several_are_written_at_a_time() -> None:
    last, reported = threading.Event(), list[str]()

    def write(job: ShardJob) -> list[Source]:
        if job.folder == "0":
            assert last.wait(240)  # the first one is written after the last
        if job.folder == "3":
            last.set()
        return [source_of(job.folder)]

    writers = _Writers(write, lambda sources, _: reported.extend(source.source for source in sources))
    for number in range(4):
        writers.add(job_of(str(number)))
    writers.finish()
    writers.close()
    assert reported == ["0", "1", "2", "3"]


def test_no_more_shards_wait_than_memory_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_shards, "_UNWRITTEN", 2)
    begun, reported = list[str](), list[int]()

    def write(job: ShardJob) -> list[Source]:
        begun.append(job.folder)
        return [source_of(job.folder)]

    writers = _Writers(write, lambda *report: reported.append(report[1]))
    for number in range(10):
        writers.add(job_of(str(number)))
        assert number + 1 - len(reported) <= 2
    writers.close()
    assert len(begun) >= 8
    assert set(reported) == {5}  # bytes that no decoder read


def test_a_shard_that_cannot_be_written_ends_the_build() -> None:
    def write(job: ShardJob) -> list[Source]:
        raise CorpusError("There is no space left.")

    writers = _Writers(write, lambda *_: pytest.fail("it was reported as written"))
    with pytest.raises(CorpusError, match="no space left"):
        _add_and_finish(writers)
    writers.close()


def test_shards_of_one_content_may_be_written_at_a_time(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([CLIP], schema=shards.TABLE)
    shard = shards.Shard(table, np.ones((1, 4), np.float16), b"1", shards.ShardCard("e", 8, "done", "", 1))
    threads = [threading.Thread(target=shards.write_shard, args=(tmp_path, "k", shard)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.name for entry in (tmp_path / "shards").iterdir()] == ["k"]
    assert shards.read_shard_table(tmp_path, "k") == table
    # As older versions read it.
    assert pd.read_parquet(tmp_path / "shards" / "k" / "clips.parquet").index.tolist() == ["a"]


def test_a_job_drops_its_clips_once_they_are_written() -> None:
    job = job_of("a")
    job.rows.append({"clip_id": "a"})
    job.strips.append(b"strip")
    job.release()
    assert not job.rows
    assert not job.strips
