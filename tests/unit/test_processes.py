"""Hosts that are unlike a notebook: forked writers, scripts without a guard, pool workers, bare environments."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

import va_widgets as va
from tests.conftest import ROOT
from tests.unit.video.video_files import write_video

_WRITERS, _LABELS = 4, 25

# Every writer opens the store anew: a connexion to SQLite may not be used on both sides of a fork.
_FORKED = """
import os, sqlite3, sys
from va_widgets.labels.label_store import LabelStore

path, writers, labels = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
store = LabelStore(path)
store.append("parent", "night", {"before": "yes"}, "test")
children = []
for writer in range(writers):
    child = os.fork()
    if not child:
        with LabelStore(path) as own:
            for label in range(labels):
                own.append(f"writer {writer}", "night", {f"{writer}-{label}": "yes", "shared": "no"}, "test")
        os._exit(0)
    children.append(child)
for label in range(labels):
    store.append("parent", "night", {f"parent-{label}": "yes"}, "test")
assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * writers
history = store.history("night")
assert len(history) == 1 + writers * labels * 2 + labels, len(history)
assert history["event_id"].is_monotonic_increasing
for writer in range(writers):
    own = history[(history["annotator"] == f"writer {writer}") & (history["clip_id"] != "shared")]
    assert own["clip_id"].tolist() == [f"{writer}-{label}" for label in range(labels)]
assert store.undo("parent", "night") == {f"parent-{labels - 1}": "none"}
store.close()
(checked,) = sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone()
print(checked)
"""

# A script as people write them, without `if __name__ == "__main__"`. It has no asserts: under -O they are not there.
_FLOW = """
import multiprocessing, sys
from pathlib import Path
import va_widgets as va

multiprocessing.set_start_method("spawn")
print("started", __name__, flush=True)
folder = Path(sys.argv[1])
corpus = va.Corpus.build(folder / "corpus", videos=folder / "videos")
session = va.Session(corpus, "a red circle", annotator="me")
clips = session.search("a red circle", len(corpus))["clip_id"]
session.label({clip: number % 2 == 0 for number, clip in enumerate(clips[:4])})
refit = session.refit()
page = session.feed("suggested", 3)
filmstrip, preview = session.filmstrip(clips[0]), session.preview(clips[0])
session.report(folder / "report.html")
model = session.publish("red circles")
scores = va.load_model(folder / "corpus" / "models" / "red_circles").score_corpus(va.Corpus.open(folder / "corpus"))
print(len(corpus), refit.labels, len(page), len(filmstrip.data) > 0, len(preview) > 0, model.version, len(scores))
session.close()
"""


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos of three shots each, half a second a shot."""
    folder = tmp_path_factory.mktemp("films") / "videos"
    for number in range(2):
        write_video(folder / f"{number}.mp4", [(3 * number + shot, 14) for shot in range(3)], size=(96, 54))
    return folder


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_forked_writers_lose_nothing_and_leave_a_sound_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _FORKED, str(tmp_path / "labels.sqlite"), str(_WRITERS), str(_LABELS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "ok"), done.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a shell sets the limits")
def test_a_whole_flow_in_the_barest_environment(videos: Path, tmp_path: Path) -> None:
    (tmp_path / "videos").symlink_to(videos, target_is_directory=True)
    script = tmp_path / "unguarded.py"
    script.write_text(_FLOW)
    # Forty open files, no stdin, warnings are errors, no asserts, and a locale that knows no more than ASCII.
    # Except that older versions of torch leave a temporary folder to the interpreter's end.
    warnings = '-W error -W "ignore:Implicitly cleaning up:ResourceWarning"'
    shell = f'ulimit -n 40 && exec "$0" {warnings} -O "$1" "$2" <&-'
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-c", shell, sys.executable, str(script), str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout.splitlines() == ["started __main__", "6 4 2 True True 1 6"]


def build(folder: Path, videos: Path) -> tuple[bool, list[str]]:
    """What a worker of a pool does; daemonic ones may have no children of multiprocessing's."""
    corpus = va.Corpus.build(folder, videos, progress=False)
    return multiprocessing.current_process().daemon, corpus.report["status"].tolist()


@pytest.mark.slow
def test_a_daemonic_pool_worker_builds(videos: Path, tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(build, (tmp_path / "corpus", videos)) == (True, ["done", "done"])
    assert len(va.Corpus.open(tmp_path / "corpus")) == 6
