"""A child of `os.fork` labels, learns, searches and plays as its parent does, whatever other threads held."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import va_widgets as va
from va_widgets.corpus import OpenClipEncoder

pytestmark = pytest.mark.skipif(
    sys.platform not in ("linux", "darwin"), reason="there is no os.fork that may be used on this system"
)

# In a process of its own: pytest's has threads of other tests, of which Python 3.12 and newer warn at every fork.
SCRIPT = """
import multiprocessing, sys, threading
import numpy as np
import torch
import va_widgets as va
from va_widgets.corpus import OpenClipEncoder

corpus = va.Corpus.open(sys.argv[1])
session = va.Session(corpus, "night", annotator="parent")
clips = list(corpus.clips.index)
encoder = OpenClipEncoder()
frames = [np.zeros((96, 96, 3), np.uint8)] * 64
tall = torch.rand(1 << 14, 256)

def everything(session, name):
    torch.mv(tall, tall[0])  # hangs in a child where OpenMP had threads in its parent
    encoder.encode_frames(frames)
    session.search(f"a car, {name}", 5)
    session.label(clips[:12], True)
    session.label(clips[12:24], False)
    session.undo()
    session.redo()
    session.refit()
    session.feed("suggested", 12)
    corpus.preview(clips[int(name[-1])])
    corpus.thumbnail(clips[0])

def child(name, closed):
    everything(session, name)
    own = session.for_concept("of " + name)
    closed.wait()  # the parent was the last to have the labels open, and may have tidied up SQLite's log
    own.label(clips[:3], True)
    session.label(clips[3], "unsure")
    annotator.close()

everything(session, "parent 0")
over, held = threading.Event(), threading.Event()

annotator = va.Annotator(session)
annotator._handle_custom_msg({"v": 1, "id": "h", "type": "hello", "page": "p", "clips": []}, [])

def label():
    while not over.is_set():
        session.label(clips[30:40], True)

def hold():
    # As during a refit, while a model is downloaded, and when a label has just come in.
    with session._classifier.fitting, session._siblings.lock, encoder._lock, annotator._controller.worker._changed:
        held.set()
        over.wait()

threads = [threading.Thread(target=work) for work in (label, hold)]
for thread in threads:
    thread.start()
held.wait()
context = multiprocessing.get_context("fork")
closed = context.Event()
children = [context.Process(target=child, args=(f"child {number}", closed)) for number in (1, 2)]
for process in children:
    process.start()
over.set()
for thread in threads:
    thread.join()
session.label(clips[50], False)  # SQLite is open again here, too
session.close()
closed.set()
for process in children:
    process.join(240)
    if process.is_alive():
        process.kill()
print([process.exitcode for process in children])
"""


def test_children_work_while_threads_of_the_parent_do(demo_corpus: va.Corpus, bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT, str(demo_corpus.path)],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[0, 0]\n", "")
    labels = Path(demo_corpus.path) / "labels.sqlite"
    with closing(sqlite3.connect(labels)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    session = va.Session(demo_corpus, "night", annotator="parent")
    assert session.concepts.set_index("concept")["yes"].to_dict() | {"night": 0} == {
        "night": 0,
        "of child 1": 3,
        "of child 2": 3,
    }
    assert session.own_labels[demo_corpus.clips.index[3]] == "unsure"
    assert session.own_labels[demo_corpus.clips.index[50]] == "no"


def test_a_closed_session_says_so(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "night")
    session.close()
    session.close()
    with pytest.raises(va.LabelError, match=r"were closed: make a new va\.Session"):
        session.label(demo_corpus.clips.index[0], True)


def test_a_model_on_a_gpu_is_refused_in_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = OpenClipEncoder()
    encoder.encode_text(["a car"])
    monkeypatch.setattr(encoder, "_device", "cuda")  # as if it had been loaded there
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(va.EncoderError, match=r'before this process was forked.*"spawn"'):
        encoder.encode_text(["a car"])


def test_threads_that_fork_at_once_wait_for_each_other() -> None:
    script = """
import os, threading
from va_widgets.base.forks import ForkLock

locks = [ForkLock(waits=True), ForkLock(), ForkLock(waits=True)]
failed = []

def fork():
    for _ in range(20):
        child = os.fork()
        if not child:
            for lock in locks:
                with lock:
                    pass
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            failed.append(child)

threads = [threading.Thread(target=fork) for _ in range(4)]
for thread in threads:
    thread.start()
for _ in range(2000):
    for lock in locks:
        with lock:
            pass
for thread in threads:
    thread.join()
print(failed)
"""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
