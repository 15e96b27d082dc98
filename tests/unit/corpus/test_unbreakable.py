"""Nothing that happens to a build breaks a corpus: kills, Ctrl-C, full disks, others at work, old and newer layouts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import va_widgets as va
from tests.unit.corpus.killing import (
    Builder,
    Builders,
    Case,
    alive,
    contents,
    finished,
    killed,
    until_gone,
    write_cases,
)
from tests.unit.video.video_files import write_video
from va_widgets.corpus import lock, storage
from va_widgets.corpus.files import shards
from va_widgets.corpus.manifest import MANIFEST_FILE, SCHEMA_VERSION, named_files, read_manifest, read_manifest_alone
from va_widgets.corpus.writing import Writing, clear_unfinished
from va_widgets.encoders.protocol import OpenClipEncoder
from va_widgets.video import decoder_pool, decoder_process
from va_widgets.video.decoder_messages import AnyRequest, Clip, Done, Failed, Message, PicturesRequest, Request

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")

PROGRAM = decoder_process._PROGRAM


@pytest.fixture(scope="module")
def builder() -> Iterator[Builder]:
    """A process that builds, for the tests that let it live."""
    with closing(Builder()) as started:
        yield started


@pytest.fixture(scope="module")
def cases(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """A first build, and one that finds videos added and one gone."""
    return write_cases(tmp_path_factory.mktemp("cases"), builder)


@pytest.fixture
def corpus(cases: list[Case], tmp_path: Path) -> Path:
    """A corpus of the first build, which the second is about to extend."""
    assert cases[1].former is not None
    return Path(shutil.copytree(cases[1].former, tmp_path / "corpus"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here: that takes root")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)  # a corpus may be open there still


# --- kills -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_build_may_be_killed_at_any_instant(cases: list[Case], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kills = 6  # benchmarks/kill_build.py has hundreds
    left: tuple[Case, Path] | None = None
    with Builders(kills + 1) as builders:
        for number in range(kills):
            with builders.next() as builder:
                if left is not None:
                    finished(*left, builder)
                left = cases[number % 2], tmp_path / str(number)
                killed(*left, builder, float(rng.random()), by_step=number % 4 >= 2)
        assert left is not None
        with builders.next() as builder:
            finished(*left, builder)


def test_ctrl_c_ends_a_build_and_its_readers_at_once(cases: list[Case], builder: Builder, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    builder.ask(corpus, cases[0].videos())
    while len(alive(builder.process.pid)) == 1:
        assert not builder.hear(0.002)
    os.killpg(builder.process.pid, signal.SIGINT)  # as a terminal does it: the readers hear it too
    assert builder.hear() == "KeyboardInterrupt"
    assert alive(builder.process.pid) == [builder.process.pid]
    finished(cases[0], corpus, builder)


@pytest.mark.slow
@pytest.mark.parametrize("share", np.linspace(0.02, 0.98, 9).round(2))
def test_ctrl_c_at_any_step_leaves_a_corpus_that_opens(
    cases: list[Case], builder: Builder, corpus: Path, share: float
) -> None:
    case = cases[1]
    said = builder.build(corpus, case.videos(), step=1 + int(share * case.steps), sends=signal.SIGINT)
    assert said == "KeyboardInterrupt" or said.startswith("built")
    assert contents(corpus) in (case.before, case.after)
    finished(case, corpus, builder)


def test_ctrl_c_right_after_the_manifest_was_replaced_leaves_the_new_corpus(
    cases: list[Case], corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("va_widgets.corpus.writing._remove_replaced", interrupted)
        manifest = read_manifest(corpus)
        before, table = va.Corpus.open(corpus).clips, storage.open_files(corpus).clips.read()
        with pytest.raises(KeyboardInterrupt), Writing(corpus) as writing:
            writing.finish(msgspec.structs.replace(manifest, clips_file=writing.clips(table)))
    assert read_manifest(corpus).clips_file != manifest.clips_file
    assert va.Corpus.open(corpus).clips.equals(before)
    assert (corpus / manifest.clips_file).exists()
    clear_unfinished(corpus)
    assert not (corpus / manifest.clips_file).exists()


# --- others at work --------------------------------------------------------------------------------


class _Waiting(OpenClipEncoder):
    """An encoder that says when it is first asked, and answers when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may = threading.Event(), threading.Event()

    def encode_frames(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        self.asked.set()
        assert self.may.wait(240)
        return super().encode_frames(frames)


def test_of_two_builds_at_once_the_second_is_refused_and_the_first_finishes(cases: list[Case], tmp_path: Path) -> None:
    encoder, videos = _Waiting(), cases[0].videos()
    first = threading.Thread(
        target=va.Corpus.build, args=(tmp_path / "corpus", videos, encoder), kwargs={"progress": False}
    )
    first.start()
    assert encoder.asked.wait(240)
    for _ in range(2):
        with pytest.raises(va.CorpusError, match=r"^Something else is writing to .*: wait until it is done, then try"):
            va.Corpus.build(tmp_path / "corpus", videos, progress=False)
    encoder.may.set()
    first.join()
    made = va.Corpus.open(tmp_path / "corpus")
    assert made.clips.index.tolist() == cases[0].after["clips"]["clip_id"]


def test_a_refused_build_leaves_what_another_has_begun(tmp_path: Path) -> None:
    new = tmp_path / "corpus"
    with lock.locked(new):
        lock.remove_empty(new, is_new=True)  # as a build does that found no folder yet, and then this one at work
        with pytest.raises(va.CorpusError, match="Something else is writing to"), lock.locked(new):
            pass
    lock.remove_empty(new, is_new=True)
    assert not new.exists()


def test_a_corpus_that_is_open_goes_on_while_another_build_replaces_it(
    cases: list[Case], builder: Builder, corpus: Path
) -> None:
    opened = va.Corpus.open(corpus)
    assert builder.build(corpus, cases[1].videos()).startswith("built")
    assert not (corpus / "clips-1.parquet").exists()
    before = cases[0].after
    assert [opened.filmstrip(clip).data for clip in opened.clips.index] == before["strips"]
    assert opened.report["source"].tolist() == before["report"]["source"]
    assert opened.embeddings.tobytes() == before["embeddings"]
    assert len(opened.search("night", 5)) == 5
    assert len(opened.similar(opened.clips.index[0], 5)) == 5
    assert opened.preview(opened.clips.index[0])
    with pytest.raises(va.CorpusError, match="has changed since it was opened: open it again"):
        opened.with_columns(pd.DataFrame({"mine": 1}, index=opened.clips.index))
    assert contents(corpus) == cases[1].after


@pytest.mark.slow
def test_opening_never_fails_while_builds_replace_the_corpus(cases: list[Case], builder: Builder, corpus: Path) -> None:
    assert builder.build(corpus, cases[1].videos()).startswith("built")
    for number in range(8):
        builder.ask(corpus, cases[number % 2].videos())
        said = ""
        while not said:
            opened = va.Corpus.open(corpus)
            assert len(opened) in (len(cases[0].after["strips"]), len(cases[1].after["strips"]))
            assert opened.filmstrip(opened.clips.index[-1]).data
            assert len(opened.report) >= len(cases[0].after["report"]["source"])
            said = builder.hear(0)
        assert said.startswith("built")


def test_a_file_that_is_removed_while_it_is_opened_is_looked_up_again(
    cases: list[Case], builder: Builder, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = read_manifest(corpus)
    assert builder.build(corpus, cases[1].videos()).startswith("built")
    read = read_manifest_alone
    stale = [former, former]
    with monkeypatch.context() as patched:
        patched.setattr(
            "va_widgets.corpus.manifest.read_manifest_alone",
            lambda path: stale.pop() if len(stale) > 1 else read(path),
        )
        assert len(va.Corpus.open(corpus)) == len(cases[1].after["strips"])
    stale = [former]
    with monkeypatch.context() as patched:
        patched.setattr(storage, "read_manifest", lambda path: stale.pop() if stale else read(path))
        assert len(va.Corpus.open(corpus)) == len(cases[1].after["strips"])
    (corpus / read(corpus).embeddings_file).unlink()
    with pytest.raises(va.CorpusError, match=r"lacks its file 'embeddings-.*': copy the whole folder again"):
        va.Corpus.open(corpus)


# --- disks -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("joining", "most"), [(False, 500), (False, 8000), (False, 16_000), (True, 300), (True, 9000)])
def test_a_file_that_grows_too_large_is_told_and_the_next_build_finishes(
    cases: list[Case], builder: Builder, corpus: Path, joining: bool, most: int
) -> None:
    case = cases[1]
    if joining:  # all shards are made, and only then it happens
        shutil.copytree(case.folder / "whole" / "shards", corpus / "shards", dirs_exist_ok=True)
    said = builder.build(corpus, case.videos(), most=most)
    assert said.startswith(f"CorpusError: There is no space left for {corpus}: free some and try again;"), said
    assert contents(corpus) == case.before
    assert {file.name for file in corpus.glob("*-*.*")} == set(named_files(read_manifest(corpus)))
    finished(case, corpus, builder)


@pytest.mark.slow
def test_a_full_disk_is_told_and_the_next_build_finishes(
    cases: list[Case], builder: Builder, corpus: Path, small_disk: Path
) -> None:
    case, refused = cases[1], 0
    home = Path(shutil.copytree(corpus, small_disk / "corpus"))
    filler = small_disk / "filler"
    for room in (0, 16_384, 49_152, 81_920, 98_304):
        free = shutil.disk_usage(small_disk).free + (filler.stat().st_size if filler.exists() else 0)
        filler.write_bytes(bytes(max(0, free - room)))
        said = builder.build(home, case.videos())
        if said.startswith("built"):
            break
        refused += 1
        assert said.startswith(f"CorpusError: There is no space left for {home}: free some and try again;"), said
        assert contents(home) == case.before
    assert refused >= 3
    filler.unlink()
    finished(case, home, builder)


def test_a_read_only_corpus_opens_and_is_searched_but_not_built(
    cases: list[Case], builder: Builder, corpus: Path, small_disk: Path
) -> None:
    home = Path(shutil.copytree(corpus, small_disk / "corpus"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert contents(home) == cases[0].after
    opened = va.Corpus.open(home)
    assert len(opened.search("night", 3)) == 3
    assert len(opened.similar(opened.clips.index[0], 3)) == 3
    assert opened.trust().preview(opened.clips.index[0])
    for place in (home, small_disk / "new"):
        said = builder.build(place, cases[1].videos())
        refusal = f"The corpus in {place} cannot be written (Read-only file system): check the folder."
        assert said == f"CorpusError: {refusal}"


def test_a_preview_plays_although_there_is_no_room_to_keep_it(
    cases: list[Case], corpus: Path, small_disk: Path
) -> None:
    home = Path(shutil.copytree(corpus, small_disk / "corpus"))
    cases[0].videos()
    opened = va.Corpus.open(home)
    (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    assert opened.trust().preview(opened.clips.index[0])
    assert [file.name for file in home.glob("previews/.*")] == []


# --- layouts ---------------------------------------------------------------------------------------


def as_schema_1(corpus: Path) -> None:
    """Turn a corpus into the layout of schema 1: sources in the manifest, no name of a clip's shard."""
    opened = storage.open_files(corpus)
    table = opened.clips.read().drop(columns="_shard")
    table.to_parquet(corpus / opened.manifest.clips_file)
    found = json.loads((corpus / MANIFEST_FILE).read_text())
    for name in (found["neighbours_file"], *found["views"].values()):
        (corpus / name).unlink()
    for name in ("cut", "sources_file", "neighbours_file", "views", "files", "replaced", "check"):
        del found[name]
    sources = [msgspec.to_builtins(source) for source in opened.sources()]
    for source in sources:
        del source["shard"]
    found |= {"schema": 1, "sources": sources}
    (corpus / MANIFEST_FILE).write_text(json.dumps(found, indent=1))
    assert opened.manifest.sources_file is not None
    (corpus / opened.manifest.sources_file).unlink()
    for folder in (corpus / shards.SHARDS_FOLDER).iterdir():
        card = json.loads((folder / "shard.json").read_text())
        for name in ("cut", "files", "check"):
            del card[name]
        (folder / "motion.npy").unlink()
        (folder / "shard.json").write_text(json.dumps(card))
        pd.read_parquet(folder / "clips.parquet").drop(columns="_key").to_parquet(folder / "clips.parquet")


def test_a_corpus_of_schema_1_opens_plays_and_is_extended(cases: list[Case], builder: Builder, corpus: Path) -> None:
    as_schema_1(corpus)
    assert cases[1].before is not None
    assert contents(corpus) == {**cases[1].before, "motion": b""}
    opened = va.Corpus.open(corpus)
    cases[0].videos()
    assert opened.trust().preview(opened.clips.index[0])
    finished(cases[1], corpus, builder, motion=False)
    assert read_manifest(corpus).schema == SCHEMA_VERSION


def test_columns_are_added_to_a_corpus_of_schema_1(cases: list[Case], builder: Builder, corpus: Path) -> None:
    as_schema_1(corpus)
    opened = va.Corpus.open(corpus)
    opened.with_columns(pd.DataFrame({"mine": range(len(opened))}, index=opened.clips.index))
    assert builder.build(corpus, cases[1].videos()).startswith("built")
    extended = va.Corpus.open(corpus).clips
    kept = opened.clips.index.intersection(extended.index)
    assert 0 < len(kept) < len(extended)
    assert extended.loc[kept, "mine"].tolist() == [opened.row(clip) for clip in kept]


def test_a_corpus_of_a_newer_schema_is_refused(cases: list[Case], builder: Builder, corpus: Path) -> None:
    file = corpus / MANIFEST_FILE
    file.write_text(json.dumps({**json.loads(file.read_text()), "schema": 5, "unheard": "of"}))
    before = file.read_bytes()
    refusal = r"^The corpus in .* was made by a newer va-widgets \(schema 5, known here: 4\): upgrade it\.$"
    with pytest.raises(va.CorpusError, match=refusal):
        va.Corpus.open(corpus)
    assert "was made by a newer va-widgets" in builder.build(corpus, cases[1].videos())
    assert file.read_bytes() == before


# --- readers ---------------------------------------------------------------------------------------


class _Stopping(decoder_process.DecoderProcess):
    """A reader whose process is stopped before it can read the file bad.*, and then left alone."""

    def read(self, request: AnyRequest) -> Iterator[Message]:
        places = request.places if isinstance(request, PicturesRequest) else [request.place]
        self._bad = any("bad." in place for place in places)
        if self._bad:
            process = self._started()
            assert process is not None
            process.send_signal(signal.SIGSTOP)
        yield from super().read(request)


class _Crashing(_Stopping):
    """A reader whose process crashes while it is to read the file bad.*."""

    sends = signal.SIGSEGV

    def watch(self) -> None:
        process = self._process
        if process is not None and self._bad and self._waiting_since is not None:
            process.send_signal(self.sends)
            process.send_signal(signal.SIGCONT)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Four videos; whatever decodes the second comes to grief."""
    for seed, name in enumerate(("a", "bad", "c", "d")):
        write_video(tmp_path / "videos" / f"{name}.mp4", [(seed, 20)], size=(96, 54))
    return tmp_path / "videos"


@pytest.mark.slow
def test_a_video_whose_decoder_was_killed_is_tried_again_by_the_next_build(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(_Crashing, "sends", signal.SIGKILL)
        patched.setattr(decoder_pool, "DecoderProcess", _Crashing)
        made = va.Corpus.build(tmp_path / "corpus", videos, progress=False)
    assert "want of memory" in str(made.report.set_index("source").loc["bad.mp4", "reason"])
    made = va.Corpus.build(tmp_path / "corpus", videos, progress=False)
    assert set(made.report["status"]) == {"done"}
    assert made.report["reason"].eq("").all()


def test_of_a_decoder_that_was_killed_no_part_is_kept_because_the_next_build_reads_it_again(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", [(0, 75)], size=(512, 288))
    process = decoder_process.DecoderProcess()
    try:  # three clips of more bytes than the pipe holds, so that it waits when the first has come
        messages = process.read(Request(str(tmp_path / "a.mp4"), 1, 288, 2, window=1.0))
        assert any(isinstance(message, Clip) for message in messages)
        assert process._process is not None
        process._process.kill()
        assert list(messages)[-1] == Failed(decoder_process.KILLED, is_temporary=True)
    finally:
        process.close()


@pytest.mark.slow
def test_a_video_that_crashes_the_decoder_is_skipped_and_the_others_go_on(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_pool, "DecoderProcess", _Crashing)
    made = va.Corpus.build(tmp_path / "corpus", videos, progress=False)
    report = made.report.set_index("source")
    assert report.loc["bad.mp4", "status"] == "skipped"
    assert report.loc["bad.mp4", "reason"] == "decoding it ended the decoder (SIGSEGV)"
    assert report["status"].value_counts().to_dict() == {"done": 3, "skipped": 1}


@pytest.mark.slow
def test_a_picture_that_crashes_the_decoder_is_skipped_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    (tmp_path / "pictures").mkdir()
    for seed, name in enumerate(("a", "bad", "c")):
        picture = np.random.default_rng(seed).integers(0, 255, (40, 60, 3), dtype=np.uint8)
        assert cv2.imwrite(str(tmp_path / "pictures" / f"{name}.png"), picture)
    monkeypatch.setattr(decoder_pool, "DecoderProcess", _Crashing)
    made = va.Corpus.build(tmp_path / "corpus", tmp_path / "pictures", progress=False)
    report = made.report.set_index("source")
    assert report.loc["bad.png", "reason"] == "decoding it ended the decoder (SIGSEGV)"
    assert report["status"].to_dict() == {"a.png": "done", "bad.png": "skipped", "c.png": "done"}


@pytest.mark.slow
def test_a_video_at_which_the_decoder_hangs_is_given_up(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_pool, "DecoderProcess", _Stopping)
    monkeypatch.setattr(decoder_process, "_STALLED", 4.0)
    for name in ("a", "c", "d"):  # only the one that hangs is read: on a busy machine the others may take as long
        (videos / f"{name}.mp4").rename(tmp_path / f"{name}.mp4")
    with pytest.raises(va.NoVideosError, match=r"bad\.mp4: decoding it made no progress for 4 s"):
        va.Corpus.build(tmp_path / "corpus", videos, progress=False)


@pytest.mark.parametrize(
    "lacking", ["av", *(pytest.param(name, marks=pytest.mark.slow) for name in ("cv2", "msgspec"))]
)
def test_what_all_files_fail_of_is_the_installation_s_fault(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(decoder_process, "_PROGRAM", f"import sys; sys.modules[{lacking!r}] = None; {PROGRAM}")
        with pytest.raises(va.CorpusError, match=rf"This installation cannot read videos.*{lacking}.*new environment"):
            va.Corpus.build(tmp_path / "corpus", videos, progress=False)
    assert not list(tmp_path.glob("corpus/*.json"))
    assert len(va.Corpus.build(tmp_path / "corpus", videos, progress=False))


@pytest.mark.slow
def test_a_corpus_is_not_told_of_files_that_a_broken_installation_could_not_read(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = va.Corpus.build(tmp_path / "corpus", [videos / "a.mp4"], progress=False)
    before = made.report
    with monkeypatch.context() as patched:
        patched.setattr(decoder_process, "_PROGRAM", f"import sys; sys.modules['av'] = None; {PROGRAM}")
        with pytest.raises(va.CorpusError, match="This installation cannot read videos"):
            made.add([videos / "c.mp4", videos / "d.mp4"], progress=False)
    assert va.Corpus.open(tmp_path / "corpus").report.equals(before)
    assert made.add([videos / "c.mp4", videos / "d.mp4"], progress=False).report["status"].tolist() == ["done"] * 3


def test_pictures_too_are_not_to_blame_for_the_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(Path(decoder_process.__file__).with_name("probe.png").read_bytes())
    monkeypatch.setattr(decoder_process, "_PROGRAM", f"import sys; sys.modules['PIL'] = None; {PROGRAM}")
    with pytest.raises(va.CorpusError, match="This installation cannot read pictures"):
        va.Corpus.build(tmp_path / "corpus", tmp_path, progress=False)


@pytest.mark.slow
def test_a_package_in_a_folder_that_only_this_process_knows_is_found_by_readers(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here").mkdir()
    (tmp_path / "only_here" / "extra_package.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "only_here"))
    monkeypatch.setattr(decoder_process, "_PROGRAM", PROGRAM.replace("main()", "import extra_package; main()"))
    assert len(va.Corpus.build(tmp_path / "corpus", videos, progress=False))


def test_an_idle_reader_that_has_died_is_replaced(videos: Path, tmp_path: Path) -> None:
    request = Request(str(videos / "a.mp4"), (videos / "a.mp4").stat().st_size, 64, 8)
    one = decoder_process.DecoderProcess()
    try:
        for _ in range(2):
            assert isinstance(list(one.read(request))[-1], Done)
            assert one._process is not None
            one._process.kill()
            one._process.wait()
        one.end()
        last = list(one.read(request))
        assert isinstance(last[0], Failed)
    finally:
        one.close()


@pytest.mark.slow
def test_a_reader_does_not_outlive_its_build_even_while_it_decodes(tmp_path: Path) -> None:
    write_video(tmp_path / "long.mp4", [(0, 1500)], size=(320, 180))
    program = (
        "import sys\n"
        "from va_widgets.video.decoder_messages import Request\n"
        "from va_widgets.video.decoder_process import DecoderProcess\n"
        "one = DecoderProcess()\n"
        "for message in one.read(Request(sys.argv[1], int(sys.argv[2]), 64, 8)):\n"
        "    print(type(message).__name__, flush=True)\n"
    )
    size = (tmp_path / "long.mp4").stat().st_size
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "long.mp4"), str(size)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() in (b"Moved\n", b"Clip\n")  # which of the two is a matter of speed
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    until_gone(process.pid, most=10)


def test_what_an_encoder_gets_wrong_is_raised_and_the_build_does_not_hang(videos: Path, tmp_path: Path) -> None:
    class Sideless(OpenClipEncoder):
        @property
        def image_size(self) -> int:
            raise ValueError("there is no size")

    with pytest.raises(ValueError, match="there is no size"):
        va.Corpus.build(tmp_path / "corpus", videos, encoder=Sideless(), progress=False)
