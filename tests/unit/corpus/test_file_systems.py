"""File systems that cannot do what most can: what they answer is simulated here, call by call."""

from __future__ import annotations

import errno
import mmap
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.conftest import labelled
from va_widgets.corpus.files import data_files, shards
from va_widgets.corpus.manifest import read_manifest

fcntl = pytest.importorskip("fcntl", reason="Windows locks files in another way")

UNSUPPORTED = [errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS]


def refusing(number: int, kind: type[OSError] = OSError) -> Callable[..., Any]:
    """A call that the file system does not know."""

    def refuse(*_: object, **__: object) -> None:
        raise kind(number, os.strerror(number))

    return refuse


def given(path: Path) -> va.Corpus:
    """A corpus of three vectors."""
    table = pd.DataFrame({"clip_id": ["a", "b", "c"], "video": "a.mp4"})
    return va.Corpus.from_embeddings(path, np.eye(3, 5, dtype=np.float32), table)


def check(path: Path) -> None:
    """The corpus is whole, and can be written again."""
    corpus = va.Corpus.open(path)
    np.testing.assert_array_equal(np.asarray(corpus.embeddings), np.eye(3, 5, dtype=np.float16))
    assert corpus.clips.index.tolist() == ["a", "b", "c"]
    again = corpus.with_columns(pd.DataFrame({"mine": [1, 2, 3]}, index=corpus.clips.index))
    assert again.clips["mine"].tolist() == [1, 2, 3]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve space")
@pytest.mark.parametrize("number", UNSUPPORTED)
def test_space_that_cannot_be_reserved_is_written(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "posix_fallocate", refusing(number))
    monkeypatch.setattr(data_files, "_ZEROS", 100)
    given(tmp_path / "c")
    check(tmp_path / "c")
    file = tmp_path / "file"
    with file.open("wb") as opened:
        opened.write(b"head")
        data_files.reserve(opened, 1234)
    assert file.read_bytes() == b"head" + bytes(1230)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve space")
def test_a_full_disk_is_still_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "posix_fallocate", refusing(errno.ENOSPC))
    with pytest.raises(va.CorpusError, match=r"^There is no space left for"):
        given(tmp_path / "c")


@pytest.mark.parametrize("number", UNSUPPORTED)
def test_files_that_cannot_be_flushed_are_kept(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", refusing(number))
    given(tmp_path / "c")
    check(tmp_path / "c")


@pytest.mark.parametrize("number", [errno.ENODEV, errno.EINVAL])
def test_files_that_cannot_be_mapped_are_read_and_written(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unmappable(mmap.mmap):
        def __new__(cls, *_: object, **__: object) -> Unmappable:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(mmap, "mmap", Unmappable)
    given(tmp_path / "c")
    check(tmp_path / "c")
    assert not isinstance(va.Corpus.open(tmp_path / "c").embeddings, np.memmap)


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.ENOLCK, errno.ENOSYS])
def test_where_there_are_no_locks_a_file_keeps_others_away(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from va_widgets.corpus.lock import locked

    corpus = given(tmp_path / "c")
    monkeypatch.setattr(fcntl, "flock", refusing(number))
    told = r"^Something else is writing to .*, or was killed there: then delete .*\.build\.soft\.lock"
    with locked(corpus.path), pytest.raises(va.CorpusError, match=told), locked(corpus.path):
        pass
    assert not (corpus.path / ".build.soft.lock").exists()
    check(tmp_path / "c")


def test_folders_whose_permissions_cannot_be_changed_are_written(
    demo_corpus: va.Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT and NTFS mounted by Linux refuse it."""
    monkeypatch.setattr(os, "chmod", refusing(errno.EPERM, PermissionError))
    shard = next((demo_corpus.path / "shards").iterdir()).name
    read = shards.Shard(
        shards.read_shard_table(demo_corpus.path, shard),
        shards.read_shard_embeddings(demo_corpus.path, shard),
        b"strips",
        shards.ShardCard("", 8, "done", "", 1),
    )
    shards.write_shard(demo_corpus.path, "again", read)
    assert shards.read_shard_table(demo_corpus.path, "again").equals(read.clips)
    session = labelled(demo_corpus)
    assert session.publish("night").version == 1
    session.close()


def test_a_file_that_windows_will_not_remove_is_left_to_the_next_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = given(tmp_path / "c")
    first = read_manifest(corpus.path)
    unlink = Path.unlink

    def mapped(file: Path, missing_ok: bool = False) -> None:
        if file.name == first.clips_file:
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        unlink(file, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", mapped)
        second = corpus.with_columns(pd.DataFrame({"mine": [1, 2, 3]}, index=corpus.clips.index))
        assert (corpus.path / first.clips_file).exists()
        assert corpus.clips.index.equals(second.clips.index)
    third = second.with_columns(pd.DataFrame({"yours": [1, 2, 3]}, index=corpus.clips.index))
    assert [file.name for file in corpus.path.glob("clips-*")] == [read_manifest(third.path).clips_file]


def test_times_in_steps_of_two_seconds_are_no_news(tmp_path: Path) -> None:
    """FAT keeps the time of a file in steps of two seconds: a copy from there has the same content and another time."""
    from tests.unit.video.video_files import write_video

    write_video(tmp_path / "v" / "a.mp4", [(1, 5)], size=(48, 32))
    first = va.Corpus.build(tmp_path / "c", tmp_path / "v", progress=False)
    before = (tmp_path / "c" / "shards").stat().st_mtime_ns
    stamp = int((tmp_path / "v" / "a.mp4").stat().st_mtime) // 2 * 2 - 2
    os.utime(tmp_path / "v" / "a.mp4", (stamp, stamp))
    second = va.Corpus.build(tmp_path / "c", tmp_path / "v", progress=False)
    assert second.clips.equals(first.clips)
    assert (tmp_path / "c" / "shards").stat().st_mtime_ns == before  # nothing was decoded again


@pytest.mark.slow
def test_names_and_paths_hold_where_the_console_knows_ascii_alone(tmp_path: Path) -> None:
    """As in a Windows console, or a log file of one: what cannot be shown is escaped, not an error."""
    from tests.unit.video.video_files import write_video

    write_video(tmp_path / "v" / "film \U0001f3ac.mp4", [(1, 5)], size=(48, 32))
    (tmp_path / "v" / "\u05d0.mp4").write_text("no video")
    va.Corpus.build(tmp_path / "c", tmp_path / "v", progress=False)
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from va_widgets.cli import main; sys.exit(main())", "info", tmp_path / "c"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert rb"skipped: \u05d0.mp4: it is" in done.stdout
