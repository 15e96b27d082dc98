"""Which files of folders and lists are taken, and that nothing that may be a video is left out in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

import va_widgets as va
from tests.unit.video.video_files import film, scene
from va_widgets.corpus.listing import find_sources
from va_widgets.corpus.sources import SourceFile, SourceGroup, told_apart
from va_widgets.corpus.trust import trusted
from va_widgets.encoders.protocol import as_encoder

FILMS = "f4v dv ps h264 265 hevc 264 m4s rmvb divx ogm mod qt m2v m1v mts mxf vro tod nut y4m ivf amv asf wtv nsv roq"


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def names(groups: list[SourceGroup]) -> list[str]:
    return sorted(file.name for group in groups for file in group.files)


def left_out(groups: list[SourceGroup]) -> dict[str, str]:
    return dict(item for group in groups for item in group.unread)


# --- folders ---------------------------------------------------------------------------------------


def test_videos_have_many_suffixes(tmp_path: Path) -> None:
    files = [f"a.{suffix}" for suffix in (*FILMS.split(), "MP4", "apng", "gif")]
    groups = find_sources(touch(tmp_path, *files))
    assert names(groups) == sorted(files)
    assert not any(file.picture for group in groups for file in group.files)
    assert left_out(groups) == {}


def test_a_gif_among_pictures_hides_none_of_them(tmp_path: Path) -> None:
    files = ["a.jpg", "b.JPG", "c.gif", "d.heic"]
    assert names(find_sources(touch(tmp_path, *files))) == files
    assert names(find_sources(tmp_path, pictures=False)) == ["c.gif"]


def test_what_is_left_out_is_said_by_its_kind(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "a.jpg", "b.PNG", "a.srt", "notes.txt", "sound.wav", "b.mp4_original", "c", "d/e.part")
    groups = find_sources(tmp_path)
    assert names(groups) == ["a.mp4"]
    reasons = left_out(groups)
    assert list(reasons) == ["*.jpg", "*.png", "* without a suffix", "*.mp4_original", "*.part"]
    assert reasons["*.jpg"] == "pictures beside videos are left out: pictures=True takes them"
    assert "call them by another suffix, such as .mp4, if they are videos" in reasons["*.part"]
    assert names(find_sources(tmp_path, pictures=True)) == ["a.jpg", "a.mp4", "b.PNG"]


def test_there_are_not_too_many_kinds(tmp_path: Path) -> None:
    groups = find_sources(touch(tmp_path, "a.mp4", *(f"a.{number:04d}" for number in range(50))))
    assert len(left_out(groups)) == 21
    assert "* of other suffixes" in left_out(groups)


def test_the_files_of_a_corpus_are_no_kind_that_is_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "c/manifest.json", "c/x.index", "c/shards/1/strips.bin", "c/models/a/v1/model.safetensors")
    assert left_out(find_sources(tmp_path)) == {}


# --- lists -----------------------------------------------------------------------------------------


def test_a_list_may_hold_folders(tmp_path: Path) -> None:
    one, two, three = touch(tmp_path / "1", "a.mp4", "in/b.mp4"), touch(tmp_path / "2", "a.mp4"), tmp_path / "3"
    touch(three, "photo.jpg", "notes.txt")
    groups = find_sources([two, one, three, one / "in", one / "a.mp4", two])
    assert [(group.root, names([group])) for group in groups] == [
        (one, ["a.mp4", "in/b.mp4"]),
        (two, ["a.mp4"]),
        (three, ["photo.jpg"]),
    ]
    assert [group.root for group in find_sources([one])] == [group.root for group in find_sources(one)]


def test_what_of_a_list_cannot_be_read_is_told_and_the_rest_is_taken(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "empty/notes.txt")
    gone, empty = tmp_path / "gone.mp4", tmp_path / "empty"
    groups = find_sources([tmp_path / "a.mp4", gone, empty, "memory://b.mp4"])
    assert names(groups) == ["a.mp4"]
    reasons = left_out(groups)
    assert reasons[str(gone)] == f"There is no video {gone}: check the path."
    assert "holds no videos" in reasons[str(empty)]
    assert "is not followed" in reasons["memory://b.mp4"]


def test_a_list_of_nothing_that_can_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(va.NoVideosError, match=r"^There is no video .*gone\.mp4: check the path\.$"):
        find_sources([tmp_path / "gone.mp4"])
    with pytest.raises(va.NoVideosError, match=r"^None of the 2 folders, files and URLs can be used\. .*gone\.mp4"):
        find_sources([tmp_path / "gone.mp4", "memory://b.mp4"])
    with pytest.raises(va.NoVideosError, match=r"^The list of videos is empty"):
        find_sources([])


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    film(tmp_path / "1" / "a.mp4", scene(1, 12))
    film(tmp_path / "2" / "a.mp4", scene(2, 12, (64, 96)))
    film(tmp_path / "b.mp4", scene(3, 12))
    given = [tmp_path / "1", tmp_path / "2", tmp_path / "b.mp4", tmp_path / "gone.mp4"]
    encoder = as_encoder("va-tiny")

    def build(*items: Path) -> va.Corpus:
        return va.Corpus.build(tmp_path / "c", items, encoder, progress=False)

    corpus = build(*given)
    assert corpus.report[["source", "status"]].to_numpy().tolist() == [
        [str(given[3]), "skipped"],
        ["1/a.mp4", "done"],
        ["2/a.mp4", "done"],
        ["b.mp4", "done"],
    ]
    assert corpus.clips["width"].tolist() == [96, 64, 96]
    assert corpus.clips["video"].tolist() == ["1/a.mp4", "2/a.mp4", "b.mp4"]
    assert {corpus.video_of(clip) for clip in corpus.clips.index} == {given[0] / "a.mp4", given[1] / "a.mp4", given[2]}
    manifest = (corpus.path / "manifest.json").read_bytes()
    build(*given[::-1])
    assert (corpus.path / "manifest.json").read_bytes() == manifest
    given[2].unlink()
    without = build(*given[:3])
    assert without.clips.index.equals(corpus.clips.index[:2])
    assert without.report.set_index("source")["status"].loc["b.mp4"] == "gone"
    # The folder above is not trusted, and one folder's files alone are found as before.
    assert {Path(place) for place in trusted(corpus.path)} == {given[0], given[1], tmp_path}
    assert build(given[1]).clips["video"].tolist() == ["1/a.mp4", "2/a.mp4"]
    film(tmp_path / "3" / "a.mp4", scene(4, 12))
    film(given[1] / "c.mp4", scene(5, 12))
    (given[1] / "a.mp4").unlink()
    extended = build(tmp_path / "3", given[1])
    assert extended.clips["video"].tolist() == ["1/a.mp4", "c.mp4", "a.mp4"]
    assert extended.report.set_index("source")["status"].loc["2/a.mp4"] == "gone"


def test_names_are_told_apart_as_far_up_as_needed() -> None:
    folders = [Path("/x/1/v"), Path("/x/2/v"), Path("/y")]
    groups = [SourceGroup(folder, [SourceFile("a.mp4", str(folder / "a.mp4"), 1, 1)]) for folder in folders]
    apart = told_apart(groups, [])
    assert [(group.root, group.files[0].name) for group in apart] == [
        (Path("/x"), "1/v/a.mp4"),
        (Path("/x"), "2/v/a.mp4"),
        (Path("/y"), "a.mp4"),  # not of the root of the file system
    ]
    assert told_apart(groups[:1], [(folders[0], "a.mp4")]) == groups[:1]
    assert told_apart(groups[:1], [(folders[2], "a.mp4")])[0].files[0].name == "v/a.mp4"
