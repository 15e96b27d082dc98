"""Python ends at once and without a word, whatever the annotator's threads are doing."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from jupyter_client.manager import KernelManager

import va_widgets as va
from tests.widget.conftest import Page
from va_widgets.base import background

_SECONDS = 240  # only for what hangs

# Returns while a preview is cut, a refit runs and the warm-up is under way.
BUSY = """
import threading
import va_widgets as va

session = va.Session(va.Corpus.open({corpus!r}), "night")
annotator = va.Annotator(session)
names = {{thread.name for thread in threading.enumerate()}}
assert not names & {{"va-warm-up", "va-refit", "va-preview", "va-strips", "va-loading"}}  # no page is there
cutting, refitting = threading.Event(), threading.Event()

def during(event, work):
    def run(*arguments):
        event.set()
        return work(*arguments)
    return run

session.corpus.preview = during(cutting, session.corpus.preview)
session.refit = during(refitting, session.refit)
clip = session.corpus.clips.index[0]
for request in (
    {{"type": "hello", "page": "p", "clips": []}},
    {{"type": "preview", "clip": clip, "context": 0.0}},
    {{"type": "label", "clips": [clip], "value": "yes", "source": "feed", "concept": "night"}},
    {{"type": "refit"}},
):
    annotator._handle_custom_msg({{"v": 1, "id": request["type"], **request}}, [])
assert cutting.wait(240) and refitting.wait(240)
"""


@pytest.fixture(scope="module")
def long_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of one video whose first clip takes seconds to cut."""
    folder = tmp_path_factory.mktemp("long")
    noise = np.random.default_rng(0).integers(0, 255, (360, 640, 3), dtype=np.uint8)
    with av.open(str(folder / "film.mp4"), "w") as file:
        stream = file.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 640, 360, "yuv420p", Fraction(1, 30)
        for index in range(300):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, index, axis=1), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    va.Corpus.build(folder / "corpus", [folder / "film.mp4"], window=10.0, progress=False)
    return folder / "corpus"


def run(script: str) -> tuple[int, str]:
    """The exit status of a script and what it wrote to standard error."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=_SECONDS, check=False)
    return done.returncode, done.stderr


def test_a_script_that_is_interrupted_ends_whatever_is_at_work_and_says_only_that(long_corpus: Path) -> None:
    status, errors = run(BUSY.format(corpus=str(long_corpus)) + "raise KeyboardInterrupt")
    assert status not in (0, -signal.SIGABRT)  # 1 or SIGINT: code that an import executes resets what CPython keeps
    assert errors.count("Traceback") == 1
    assert errors.startswith("Traceback")
    assert errors.endswith("\nKeyboardInterrupt\n")
    assert not list(long_corpus.glob("previews/*")), "the preview was cut to its end, which a user would wait for"


def test_python_ends_while_torch_is_imported_by_a_thread() -> None:
    script = 'from va_widgets.base import background; background.start(lambda: __import__("torch"), "import")'
    assert run(script) == (0, "")


def test_a_kernel_is_shut_down_whatever_is_at_work(long_corpus: Path, tmp_path: Path) -> None:
    manager = KernelManager(kernel_name="python3")
    with (tmp_path / "errors").open("wb") as errors:
        manager.start_kernel(stderr=errors)
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=_SECONDS)
        reply = client.execute_interactive(BUSY.format(corpus=str(long_corpus)), timeout=_SECONDS, store_history=False)
        assert reply["content"]["status"] == "ok", reply["content"]
        process = manager.provisioner.process  # type: ignore[union-attr]
        client.shutdown()
        client.stop_channels()
        assert process.wait(timeout=_SECONDS) == 0
        manager.cleanup_resources()
    said = (tmp_path / "errors").read_text()
    assert "Traceback" not in said
    assert "terminate" not in said


def test_an_annotator_that_is_closed_or_idle_has_no_threads(page: Page) -> None:
    before = set(threading.enumerate())
    clips = page.ask("feed", name="random", k=8, exclude=[])["result"]["cards"]
    page.ask("label", clips=[card["clip"] for card in clips], value="yes", source="random")
    page.wait(lambda message: message.get("event") == "refit")
    page.annotator.close()
    labels = {"va-labels", "va-labels-copy", "va-keeper"}  # the session, which is open, writes these down after a pause
    assert {thread.name for thread in set(threading.enumerate()) - before} <= {"va-warm-up", *labels}


def test_tasks_run_in_order_and_one_that_fails_does_not_stop_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    queue = background.TaskQueue("va-test")
    ran: list[int] = []
    done = threading.Event()
    queue.submit(lambda: ran.append(1))
    queue.submit(lambda: 1 / 0)
    queue.submit(lambda: ran.append(2))
    queue.submit(done.set)
    assert done.wait(240)
    assert ran == [1, 2]
    assert "va-test failed" in caplog.text


# Its executor takes no more work a moment before anything else says that the interpreter is ending.
REFITTING = """
import time
from concurrent.futures import ThreadPoolExecutor
from va_widgets.widget.worker import RefitWorker

def refit():
    with ThreadPoolExecutor(1) as pool:
        while True:
            pool.submit(time.sleep, 0.01)
            time.sleep(0.02)

ThreadPoolExecutor(1).submit(time.sleep, 1)  # the end waits for it, with all executors closed
RefitWorker(refit, lambda: None, lambda error: print("shown:", error), pause=0, batch=1).now()
time.sleep(0.3)
"""


def test_a_refit_that_finds_its_executor_closed_at_the_end_says_nothing() -> None:
    ended = subprocess.run([sys.executable, "-c", REFITTING], capture_output=True, text=True, timeout=_SECONDS)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
