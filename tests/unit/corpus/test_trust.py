"""What a corpus folder says about places outside itself is only followed once its user has said so."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.unit.corpus.damaging import record_digests
from tests.unit.video.video_files import write_video
from va_widgets import cli
from va_widgets.base.user_state import STATE_VARIABLE
from va_widgets.corpus import trust
from va_widgets.corpus.manifest import MANIFEST_FILE, PREVIEWS_FOLDER
from va_widgets.widget import media

SAYS = r"^The video a\.mp4 is not read from {}, which only the corpus itself names: .* call corpus\.trust\(\) once\.$"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `films/a.mp4` and a corpus of it in `corpus`."""
    home = tmp_path_factory.mktemp("made")
    write_video(home / "films" / "a.mp4", [(1, 10)], size=(48, 32))
    va.Corpus.build(home / "corpus", home / "films", "va-tiny", progress=False)
    return home


@pytest.fixture
def stranger(made: Path, tmp_path: Path) -> Path:
    """Somebody else's corpus in `stranger`, and a video of the user's in `private/a.mp4`."""
    shutil.copytree(made / "corpus", tmp_path / "stranger", ignore=shutil.ignore_patterns("previews"))
    shutil.copytree(made / "films", tmp_path / "private")
    name_root(tmp_path / "stranger", str(tmp_path / "private"), "")
    return tmp_path / "stranger"


def name_root(corpus: Path, absolute: str, relative: str) -> None:
    """Let a corpus say that its videos are in another place."""
    file = corpus / MANIFEST_FILE
    found = json.loads(file.read_text())
    found["roots"] = [{"absolute": absolute, "relative": relative}]
    file.write_text(json.dumps(found))


def change_clips(corpus: Path, **values: str | float) -> None:
    """Let the table of clips hold other values, and the manifest the digests of that."""
    file = corpus / json.loads((corpus / MANIFEST_FILE).read_text())["clips_file"]
    pd.read_parquet(file).assign(**values).to_parquet(file)
    record_digests(corpus)


def plays(corpus: va.Corpus) -> bool:
    try:
        return bool(corpus.preview(corpus.clips.index[0]))
    except va.PreviewUnavailableError:
        return False


# --- roots -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("relative", [False, True])
def test_a_stranger_s_corpus_plays_no_video_of_the_user_s_until_it_is_trusted(stranger: Path, relative: bool) -> None:
    if relative:
        name_root(stranger, "/nowhere", "../private")
    corpus = va.Corpus.open(stranger)
    clip = corpus.clips.index[0]
    says = SAYS.format(stranger.parent / "private")
    with pytest.raises(va.PreviewUnavailableError, match=says):
        corpus.preview(clip)
    assert not (stranger / PREVIEWS_FOLDER).exists()
    assert corpus.filmstrip(clip).data
    page = corpus.play(clip)._repr_html_()
    assert "corpus.trust()" in page
    assert "<video" not in page
    session = va.Session(corpus, "a thing")
    shown, buffers = media.preview(session.corpus, clip, 0)
    assert not shown["available"]
    assert "corpus.trust()" in shown["reason"]
    assert buffers == []
    before = (stranger / MANIFEST_FILE).read_bytes()
    assert corpus.trust() is corpus
    assert media.preview(session.corpus, clip, 0)[0]["available"]  # a session that is open sees it, too
    session.close()
    shutil.rmtree(stranger / PREVIEWS_FOLDER)
    assert plays(va.Corpus.open(stranger))
    assert (stranger / MANIFEST_FILE).read_bytes() == before
    shutil.copytree(stranger.parent / "private", stranger.parent / "other")
    name_root(stranger, str(stranger.parent), "")  # what is named later is not what was trusted
    change_clips(stranger, video="other/a.mp4", start=0.1)
    assert not plays(va.Corpus.open(stranger))
    change_clips(stranger, video="private/a.mp4", start=0.1)  # though it is in a folder that is named now
    assert plays(va.Corpus.open(stranger))
    (stranger.parent / "private" / "link").symlink_to(stranger.parent / "other")
    change_clips(stranger, video="private/link/a.mp4", start=0.2)
    assert not plays(va.Corpus.open(stranger))


def test_what_was_trusted_stays_with_the_folder_that_the_corpus_is_in(stranger: Path) -> None:
    va.Corpus.open(stranger).trust()
    (stranger.parent / "link").symlink_to(stranger)
    assert plays(va.Corpus.open(stranger.parent / "link"))
    shutil.copytree(stranger, stranger.parent / "copy", ignore=shutil.ignore_patterns("previews"))
    assert not plays(va.Corpus.open(stranger.parent / "copy"))


def test_a_trusted_folder_that_becomes_a_link_is_asked_for_again(stranger: Path, tmp_path: Path) -> None:
    corpus = va.Corpus.open(stranger).trust()
    (tmp_path / "private").rename(tmp_path / "elsewhere")
    (tmp_path / "private").symlink_to(tmp_path / "elsewhere")
    assert not plays(corpus)
    assert plays(corpus.trust())


def test_what_the_user_makes_is_trusted(made: Path, tmp_path: Path) -> None:
    assert plays(va.Corpus.open(made / "corpus"))
    rows = pd.DataFrame({"video": ["a.mp4"], "start": [0.0], "end": [0.2]})
    corpus = va.Corpus.from_manifest(tmp_path / "c", rows, "va-tiny", videos=made / "films", progress=False)
    assert plays(va.Corpus.open(corpus.path))
    assert plays(pickle.loads(pickle.dumps(corpus)))


def test_videos_added_to_a_stranger_s_corpus_are_trusted_and_its_own_are_not(stranger: Path, tmp_path: Path) -> None:
    write_video(tmp_path / "mine" / "b.mp4", [(2, 10)], size=(48, 32))
    corpus = va.Corpus.open(stranger).add(tmp_path / "mine", progress=False)
    assert sorted(corpus.clips["video"]) == ["a.mp4", "b.mp4"]
    for clip, video in corpus.clips["video"].items():
        if video == "a.mp4":
            with pytest.raises(va.PreviewUnavailableError, match=r"call corpus\.trust\(\) once"):
                corpus.preview(str(clip))
        else:
            assert corpus.preview(str(clip))


def test_relocating_trusts_the_folder_that_the_user_says(stranger: Path, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "private", tmp_path / "there")
    corpus = va.Corpus.open(stranger).relocate(tmp_path / "there", save=False)
    assert plays(corpus)
    assert plays(pickle.loads(pickle.dumps(va.Corpus.open(stranger).relocate(tmp_path / "private"))))
    assert plays(va.Corpus.open(stranger))


def test_relocating_for_this_session_alone_is_not_remembered(stranger: Path, tmp_path: Path) -> None:
    corpus = va.Corpus.open(stranger).relocate(tmp_path / "private", save=False)
    assert not plays(va.Corpus.open(stranger))
    assert plays(corpus)


@pytest.mark.parametrize("outside", [False, True])
def test_videos_in_the_corpus_s_own_folder_play_unless_a_link_leads_out(
    stranger: Path, tmp_path: Path, outside: bool
) -> None:
    (stranger / "videos").mkdir()
    name_root(stranger, "/nowhere", "videos")
    shutil.copy(tmp_path / "private" / "a.mp4", stranger / "videos" / "b.mp4")
    (stranger / "videos" / "a.mp4").symlink_to(tmp_path / "private" / "a.mp4" if outside else "b.mp4")
    assert plays(va.Corpus.open(stranger)) is not outside


@pytest.mark.parametrize("video", ["../private/a.mp4", "/etc/hostname", "nul\0.mp4"])
def test_a_video_s_name_that_leads_elsewhere_plays_nothing(stranger: Path, video: str) -> None:
    change_clips(stranger, video=video)
    name_root(stranger, str(stranger), ".")
    try:
        corpus = va.Corpus.open(stranger).trust()
    except va.CorpusError:
        assert "\0" in video
    else:
        assert "<video" not in corpus.play(corpus.clips.index[0])._repr_html_()


def test_the_command_line_trusts(stranger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["trust", str(stranger)]) == 0
    assert str(stranger.parent / "private") in capsys.readouterr().out
    assert plays(va.Corpus.open(stranger))


# --- where it is remembered ------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["read-only", "no folder"])
def test_where_nothing_can_be_written_it_holds_for_this_process(
    stranger: Path, tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "file" / "state") if state == "read-only" else "~/x")
    corpus = va.Corpus.open(stranger).trust()
    assert plays(va.Corpus.open(stranger))
    copied = pickle.dumps(corpus)
    monkeypatch.setattr(trust, "_of_this_process", {})  # as another process begins
    shutil.rmtree(stranger / PREVIEWS_FOLDER)
    assert not plays(va.Corpus.open(stranger))
    assert plays(pickle.loads(copied))


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b'{"corpus": 5}', b"[" * 100_000])
def test_a_damaged_file_of_it_trusts_nothing_and_is_written_again(
    stranger: Path, tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    corpus = va.Corpus.open(stranger).trust()
    (file,) = (tmp_path / "state").iterdir()
    file.write_bytes(data)
    assert not plays(corpus)
    assert plays(corpus.trust())
    assert [entry.name for entry in (tmp_path / "state").iterdir()] == [file.name]


def test_it_is_in_the_user_s_state_where_no_variable_says_otherwise(
    stranger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(STATE_VARIABLE)
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setattr("platformdirs.user_state_dir", lambda *_, **__: str(tmp_path / "home" / "state"))
    va.Corpus.open(stranger).trust()
    assert len(list((tmp_path / "home" / "state" / "trusted").iterdir())) == 1


# --- files of the corpus itself --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["strips.bin", "the shard", "shards"])
def test_pictures_behind_a_link_are_not_shown(stranger: Path, tmp_path: Path, name: str) -> None:
    (shard,) = (stranger / "shards").iterdir()
    moved = {"strips.bin": shard / "strips.bin", "the shard": shard, "shards": stranger / "shards"}[name]
    moved.rename(tmp_path / "moved")
    moved.symlink_to(tmp_path / "moved")
    corpus = va.Corpus.open(stranger)
    with pytest.raises(va.CorpusError, match=r"leads out of .*: put the file itself there, not a link to it\.$"):
        corpus.filmstrip(corpus.clips.index[0])
    assert "data:image" not in corpus._repr_html_()
    assert "data:image" not in corpus.play(corpus.clips.index[0])._repr_html_()


@pytest.mark.parametrize("shard", ["/etc", "..", "../shards", "a/b", "", ".", "C:\\x", "a\\b"])
def test_a_shard_has_a_plain_name(stranger: Path, shard: str) -> None:
    change_clips(stranger, _shard=shard)
    corpus = va.Corpus.open(stranger)
    with pytest.raises(va.CorpusError, match=r"in the column _shard is no name of a folder"):
        corpus.filmstrip(corpus.clips.index[0])


def test_a_pipe_in_place_of_the_pictures_does_not_hang(stranger: Path) -> None:
    (shard,) = (stranger / "shards").iterdir()
    (shard / "strips.bin").unlink()
    os.mkfifo(shard / "strips.bin")
    corpus = va.Corpus.open(stranger)
    with pytest.raises(va.CorpusError, match="are gone"):
        corpus.filmstrip(corpus.clips.index[0])


@pytest.mark.parametrize("name", ["manifest.json", "clips-*.parquet", "embeddings-*.npy", "sources-*.parquet"])
def test_a_corpus_whose_files_are_links_does_not_open(stranger: Path, tmp_path: Path, name: str) -> None:
    (file,) = stranger.glob(name)
    file.rename(tmp_path / "moved")
    file.symlink_to(tmp_path / "moved")
    with pytest.raises(va.CorpusError, match="leads out of"):
        va.Corpus.open(stranger)


def test_previews_are_neither_written_nor_read_through_a_link(stranger: Path, tmp_path: Path) -> None:
    corpus = va.Corpus.open(stranger).trust()
    clip = corpus.clips.index[0]
    assert plays(corpus)
    (cut,) = (stranger / PREVIEWS_FOLDER).iterdir()
    cut.unlink()
    (tmp_path / "secret").write_bytes(b"secret")
    cut.symlink_to(tmp_path / "secret")
    with pytest.raises(va.PreviewUnavailableError, match="leads out of"):
        corpus.preview(clip)
    shutil.rmtree(stranger / PREVIEWS_FOLDER)
    (tmp_path / "elsewhere").mkdir()
    (stranger / PREVIEWS_FOLDER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(va.PreviewUnavailableError, match="leads out of"):
        corpus.preview(clip)
    assert "leads out of" in corpus.play(clip)._repr_html_()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_pipe_in_place_of_a_preview_does_not_hang(stranger: Path) -> None:
    corpus = va.Corpus.open(stranger).trust()
    assert plays(corpus)
    (cut,) = (stranger / PREVIEWS_FOLDER).iterdir()
    cut.unlink()
    os.mkfifo(cut)
    assert plays(corpus)
    assert cut.is_file()


def test_labels_and_models_are_not_written_through_a_link(stranger: Path, tmp_path: Path) -> None:
    corpus = va.Corpus.open(stranger)
    (stranger / "labels.sqlite").symlink_to(tmp_path / "other.sqlite")
    with pytest.raises(va.LabelError, match="leads out of"):
        va.Session(corpus, "a thing")
    assert cli.main(["info", str(stranger)]) == 1
    assert not (tmp_path / "other.sqlite").exists()
    (stranger / "labels.sqlite").unlink()
    vectors = np.eye(4, dtype=np.float32)
    given = va.Corpus.from_embeddings(tmp_path / "given", vectors, pd.DataFrame({"clip_id": list("abcd")}))
    (tmp_path / "elsewhere").mkdir()
    (given.path / "models").symlink_to(tmp_path / "elsewhere")
    session = va.Session(given, "a thing")
    session.label({"a": True, "b": False})
    with pytest.raises(va.ModelError, match="leads out of"):
        session.publish("a thing")
    session.close()
    assert list((tmp_path / "elsewhere").iterdir()) == []


# --- the cache of previews -------------------------------------------------------------------------


@pytest.mark.slow
def test_an_id_that_means_other_times_or_another_video_is_cut_anew(tmp_path: Path) -> None:
    write_video(tmp_path / "v" / "a.mp4", [(1, 50)], size=(48, 32))
    write_video(tmp_path / "v" / "b.mp4", [(2, 50)], size=(48, 32))

    def seen(video: str, start: float, end: float) -> bytes:
        rows = pd.DataFrame({"clip_id": ["mine"], "video": [video], "start": [start], "end": [end]})
        corpus = va.Corpus.from_manifest(tmp_path / f"c{video}", rows, "va-tiny", videos=tmp_path / "v", progress=False)
        return corpus.preview("mine")

    first = seen("a.mp4", 0.0, 1.0)
    assert seen("a.mp4", 1.0, 2.0) != first
    assert seen("a.mp4", 0.0, 1.0) == first
    kept = sorted((tmp_path / "ca.mp4" / PREVIEWS_FOLDER).iterdir())
    assert len(kept) == 2
    # The other video under the same id and times.
    (tmp_path / "ca.mp4" / PREVIEWS_FOLDER).rename(tmp_path / "kept")
    (tmp_path / "cb.mp4").mkdir()
    (tmp_path / "kept").rename(tmp_path / "cb.mp4" / PREVIEWS_FOLDER)
    assert seen("b.mp4", 0.0, 1.0) != first


def test_a_damaged_preview_is_told_in_a_sentence(stranger: Path) -> None:
    corpus = va.Corpus.open(stranger).trust()
    assert plays(corpus)
    (cut,) = (stranger / PREVIEWS_FOLDER).iterdir()
    cut.write_bytes(b"\0" * 100)
    session = va.Session(corpus, "a thing")
    shown, buffers = media.preview(session.corpus, corpus.clips.index[0], 0)
    session.close()
    assert "The preview of this clip is damaged" in shown["reason"]
    assert buffers == []
