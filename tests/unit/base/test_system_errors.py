"""What the system refuses is said as it is: nothing is called damaged because of it, and nobody told to delete it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from va_widgets.base.system_errors import failure
from va_widgets.experiments.compare import _read

SAID = {
    errno.EMFILE: "too many files open",
    errno.ENFILE: "too many files open",
    errno.EACCES: "may not be opened",
    errno.EIO: "its drive failed",
    errno.ENOSPC: "the disk is full",
    errno.ESTALE: os.strerror(errno.ESTALE),
}


@pytest.mark.parametrize("number", SAID)
def test_a_failure_of_the_system_is_told_in_one_sentence(number: int) -> None:
    said = failure("The file /a.npy", OSError(number, os.strerror(number), "/a.npy"))
    assert said is not None
    assert SAID[number] in said
    assert "damaged" not in said
    assert said.startswith("The file /a.npy cannot be used, because ")
    assert said.count(". ") == 0


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no array"),
        OSError("Parquet magic bytes not found"),
        FileNotFoundError(2, "gone"),
        OSError(22, "empty"),
    ],
)
def test_what_is_wrong_with_the_content_is_none_of_the_systems(error: Exception) -> None:
    assert failure("It", error) is None


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "c"
    vectors = np.random.default_rng(0).normal(size=(20, 8))
    clips = pd.DataFrame({"clip_id": [f"c{number}" for number in range(20)]})
    made = va.Corpus.from_embeddings(folder, vectors, clips, text_embeddings={"night": vectors[0]})
    session = va.Session(made, "night")
    session.label(["c1", "c2"], True)
    session.label(["c3"], False)
    session.publish("night")
    session.close()
    return folder


def test_a_result_of_a_comparison_that_cannot_be_opened_need_not_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(va.VaError, match="too many files open") as refused:
        _read(tmp_path / "result.json")
    assert "delete" not in str(refused.value)


# All files that the process may open are open, but for a few: whatever comes next fails in one place or another.
LIMITED = """
import resource, sys
import pandas as pd
import va_widgets as va

path = sys.argv[1]
def used():
    va.Corpus.open(path).search("night", 3)
def labelled():
    session = va.Session(corpus, "night")
    session.label("c4", True)
    session.publish("night")
    session.close()
actions = {"open": used, "label": labelled, "load": lambda: va.load_model(path + "/models/night")}
corpus = va.Corpus.open(path)
for action in actions.values():
    action()  # all is imported that is needed
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
for name, action in actions.items():
    for free in range(12):
        held = []
        try:
            while True:
                held.append(open("/dev/null"))
        except OSError:
            pass
        for _ in range(free):
            held.pop().close()
        try:
            action()
            said = "ok"
        except va.VaError as error:
            said = str(error)
        for file in held:
            file.close()
        print(name, free, said, sep="\\t", flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="resource limits")
def test_at_the_limit_of_open_files_every_sentence_is_true(corpus: Path) -> None:
    run = subprocess.run([sys.executable, "-c", LIMITED, str(corpus)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    told = [line.split("\t") for line in run.stdout.splitlines()]
    assert len(told) == 36
    for name, free, sentence in told:
        assert sentence == "ok" or "too many files open" in sentence, (name, free, sentence)
        assert "damaged" not in sentence
    for name in ("open", "label", "load"):
        outcomes = [sentence == "ok" for action, _, sentence in told if action == name]
        assert not outcomes[0]
        assert outcomes[-1]
