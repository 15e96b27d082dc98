"""Builds in processes of their own that are killed, and what must be true afterwards."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

import va_widgets as va
from tests.unit.video.video_files import write_video
from va_widgets.corpus.manifest import MANIFEST_FILE

CONCEPT = "a thing"
_LONGEST = 120.0  # seconds that anything here may take on a busy machine

# Imports and loads once, then builds whatever it is told to. It may send itself a signal before a step of its on the
# disk, or be unable to write files of more than so many bytes.
_PROGRAM = """
import json, os, resource, signal, sys
import numpy as np
import va_widgets as va
from va_widgets.corpus import corpus
from va_widgets.corpus.building import run
from va_widgets.encoders.protocol import OpenClipEncoder

EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.listdir", "os.scandir"}
encoder = OpenClipEncoder()
encoder.encode_frames([np.zeros((64, 64, 3), dtype=np.uint8)])
home, asked, steps = None, {}, 0
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may ignore it, as nohup does

def count(event, told):
    global steps
    if home is not None and event in EVENTS and any(str(one).startswith(home) for one in told):
        steps += 1
        if steps == asked["step"]:
            os.kill(os.getpid(), asked["signal"])

sys.addaudithook(count)
print("ready", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    home, steps = asked["corpus"], 0
    print("begun", flush=True)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["most"], resource.RLIM_INFINITY))
        va.Corpus.build(home, videos=asked["videos"], encoder=encoder, progress=False)
        said = f"built in {steps} steps"
    except va.VaError as error:
        said = f"{type(error).__name__}: {error}"
    except KeyboardInterrupt:
        said = "KeyboardInterrupt"
    home = None
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(said, flush=True)
"""


class Builder:
    """A process that builds one corpus after the other. Slow to start: start it before it is needed."""

    def __init__(self) -> None:
        # One thread: more only contend with the readers, and sums must be added up in one order for bits to be equal.
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # by which its readers can be told, even when it is gone
        )
        self._ready = False
        self._heard = b""

    def ask(
        self, corpus: Path, videos: Path, *, step: int = 0, sends: signal.Signals = signal.SIGKILL, most: int = -1
    ) -> None:
        """Begin a build, which sends itself a signal before its step `step` on the disk if that is not 0.

        `most` is the size in bytes that no file may exceed, -1 for any.
        """
        assert self.process.stdin is not None
        if not self._ready:
            assert self.hear() == "ready"
            self._ready = True
        asked = {"corpus": str(corpus), "videos": str(videos), "step": step, "signal": int(sends), "most": most}
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        self.process.stdin.flush()
        assert self.hear() == "begun"

    def hear(self, seconds: float = _LONGEST) -> str:
        """The next line that the process says, nothing if it has ended, or says nothing for so long."""
        assert self.process.stdout is not None
        while b"\n" not in self._heard:
            spoken, _, _ = select.select([self.process.stdout], [], [], seconds)
            heard = os.read(self.process.stdout.fileno(), 1 << 16) if spoken else b""
            if not heard:
                return ""
            self._heard += heard
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode()

    def build(self, corpus: Path, videos: Path, **how: Any) -> str:
        """Build to the end. Returns what became of it."""
        self.ask(corpus, videos, **how)
        return self.hear()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


class Builders:
    """Builders, of which the next two are always starting; a context manager."""

    def __init__(self, number: int) -> None:
        self._left = number
        self._starting: list[Builder] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._starting:
            one.close()

    @contextmanager
    def next(self) -> Iterator[Builder]:
        """A builder, closed at the end of the block."""
        while self._left > 0 and len(self._starting) < 3:
            self._left -= 1
            self._starting.append(Builder())
        builder = self._starting.pop(0) if self._starting else Builder()
        with closing(builder):
            yield builder


def alive(session: int) -> list[int]:
    """The process ids of all that runs in a session, which is a builder and what it has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session, *_ = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if int(its_session) == session and state not in "ZX":  # those have ended, and wait to be buried
            found.append(int(stat.parent.name))
    return found


def until_gone(session: int, most: float = _LONGEST) -> float:
    """Wait until nothing runs in a session. Returns the seconds that it took."""
    started = time.monotonic()
    while left := alive(session):
        assert time.monotonic() - started < most, f"{left} outlive their build"
        time.sleep(0.005)
    return time.monotonic() - started


def contents(path: Path) -> dict[str, Any]:
    """All that a corpus shows to its users, to be compared by the bit."""
    corpus = va.Corpus.open(path)
    report = corpus.report.drop(columns="seconds")
    return {
        "clips": corpus.clips.reset_index().to_dict("list"),
        "types": corpus.clips.dtypes.astype(str).to_dict(),
        "embeddings": np.asarray(corpus.embeddings).tobytes(),
        "motion": np.asarray(corpus.view("motion")).tobytes() if "motion" in corpus.views else b"",
        "strips": [corpus.filmstrip(clip).data for clip in corpus.clips.index],
        "report": report.to_dict("list"),
    }


@dataclass(frozen=True)
class Case:
    """A build to be killed: it makes `after` of an empty folder, or of a copy of `former`, which holds `before`."""

    name: str
    folder: Path
    former: Path | None
    before: dict[str, Any] | None
    after: dict[str, Any]
    seconds: float
    steps: int

    def videos(self) -> Path:
        """The folder of videos as this build finds it."""
        return turned(self.folder, later=self.former is not None)


@dataclass(frozen=True)
class Outcome:
    """What a kill left: "nothing", the "former" corpus or the "whole"; and how long its readers lived on."""

    case: str
    how: str
    left: str
    readers: int
    seconds: float


def write_cases(folder: Path, builder: Builder) -> list[Case]:
    """A first build, and one that finds videos added and one gone, each done once without a kill."""
    for number in range(5):
        write_video(folder / "videos" / f"{number}.mp4", [(2 * number, 14), (2 * number + 1, 16)], size=(96, 54))
    (folder / "videos" / "text.mp4").write_text("no video at all\n" * 20)
    write_video(folder / "aside" / "another.mp4", [(20, 14), (21, 16)], size=(96, 54))
    write_video(folder / "aside" / "new.mp4", [(22, 14), (23, 16), (24, 18)], size=(96, 54))
    corpus, copy = folder / "whole", folder / "former"
    seconds, steps = _built(builder, corpus, turned(folder, later=False))
    first = Case("first build", folder, None, None, contents(corpus), seconds, steps)
    session = va.Session(va.Corpus.open(corpus), CONCEPT)
    session.label(session.corpus.clips.index[0], True)
    session.close()
    shutil.copytree(corpus, copy)
    seconds, steps = _built(builder, corpus, turned(folder, later=True))
    return [first, Case("videos added", folder, copy, first.after, contents(corpus), seconds, steps)]


def _built(builder: Builder, corpus: Path, videos: Path) -> tuple[float, int]:
    """Build. Returns how many seconds and how many steps on the disk it took."""
    builder.ask(corpus, videos)
    started = time.monotonic()
    said = builder.hear()
    assert said.startswith("built"), said
    return time.monotonic() - started, int(said.split()[2])


def turned(folder: Path, later: bool) -> Path:
    """The folder of videos before or after some were added and one was taken away; the same files move in and out."""
    for name, inside in (("another.mp4", later), ("new.mp4", later), ("3.mp4", not later)):
        here, there = folder / "videos" / name, folder / "aside" / name
        if inside and there.exists():
            there.rename(here)
        elif not inside and here.exists():
            here.rename(there)
    return folder / "videos"


def killed(case: Case, corpus: Path, builder: Builder, share: float, by_step: bool) -> Outcome:
    """Kill a build after a share of its seconds, or before a share of its steps on the disk, and look at what is left.

    Raises AssertionError if it is neither the former corpus, nor the whole, nor none where there was none.
    """
    if case.former is not None:
        shutil.copytree(case.former, corpus)
    builder.ask(corpus, case.videos(), step=1 + int(share * case.steps) if by_step else 0)
    builder.hear(_LONGEST if by_step else share * case.seconds)
    builder.process.kill()
    readers = len([one for one in alive(builder.process.pid) if one != builder.process.pid])
    builder.process.wait()
    seconds = until_gone(builder.process.pid)
    return Outcome(case.name, "by step" if by_step else "by clock", what_is_left(case, corpus), readers, seconds)


def what_is_left(case: Case, corpus: Path) -> str:
    """What a folder holds after a kill. Raises AssertionError for anything that may not be."""
    if not (corpus / MANIFEST_FILE).exists():
        assert case.former is None
        return "nothing"
    found = contents(corpus)
    if found == case.after:
        return "whole"
    assert found == case.before
    return "former"


def finished(case: Case, corpus: Path, builder: Builder, *, motion: bool = True) -> None:
    """Build what a kill has left. Raises AssertionError if the corpus is not, to the bit, the one without a kill.

    Without `motion`, the former corpus was built before motion was measured, so that there is no view of it.
    """
    said = builder.build(corpus, case.videos())
    assert said.startswith("built"), said
    assert contents(corpus) == (case.after if motion else {**case.after, "motion": b""})
    assert not [*corpus.glob(".unfinished-*"), *corpus.glob("shards/.unfinished-*")]
    assert len([*corpus.glob("clips-*"), *corpus.glob("embeddings-*"), *corpus.glob("sources-*")]) == 3
    if case.former is not None:
        session = va.Session(va.Corpus.open(corpus), CONCEPT)
        assert session.counts["yes"] == 1
        session.close()
