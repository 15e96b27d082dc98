"""What another process stores is noticed while somebody listens."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from va_widgets.base.listeners import Listeners
from va_widgets.labels import restoring, watching
from va_widgets.labels.concept_labels import ConceptLabels
from va_widgets.labels.label_store import LabelStore
from va_widgets.labels.shared import StoreUser

# Carries out one line of Python on a store after another.
OTHER = """
import sys
from va_widgets.labels.label_store import LabelStore
store = LabelStore(sys.argv[1])
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""


class Heard:
    """A listener that keeps the events, and waits for the next one."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._news = threading.Condition()

    def __call__(self, name: str, data: Mapping[str, Any]) -> None:
        with self._news:
            self.events.append((name, dict(data)))
            self._news.notify_all()

    def next(self) -> tuple[str, dict[str, Any]]:
        with self._news:
            assert self._news.wait_for(lambda: self.events, 240), "it was not noticed"
            return self.events.pop(0)


@contextmanager
def another_process(path: Path) -> Iterator[Any]:
    command = [sys.executable, "-c", OTHER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None

        def do(line: str) -> None:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            assert process.stdout.readline() == "done\n"

        yield do
        process.stdin.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.sqlite"


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def labels(path: Path, heard: Heard) -> Iterator[ConceptLabels]:
    listeners = Listeners()
    labels = ConceptLabels(StoreUser(path), "night", "kelli", listeners)
    listeners.add(heard)
    watching.watch(labels)
    yield labels
    labels.close()


def test_labels_of_another_process_are_noticed(labels: ConceptLabels, heard: Heard, path: Path) -> None:
    with another_process(path) as do:
        do("store.append('sam', 'night', {'a': 'yes', 'b': 'no'}, 'search')")
        assert heard.next() == ("labels", {"labels": {}, "others": ["a", "b"]})
        assert labels.status(lambda: 0).counts == {"yes": 1, "no": 1, "unsure": 0}
        assert labels.own() == {}
        do("store.append('kelli', 'night', {'c': 'unsure'}, 'search')")
        assert heard.next() == ("labels", {"labels": {"c": "unsure"}, "others": []}), "this annotator, elsewhere"
        do("store.append('sam', 'day', {'a': 'yes'}, 'search')")
        do("store.set_state('', 'night', 'guideline', 'dark')")
        assert heard.next() == ("status", {}), "the label of another concept is not reported"
        assert labels.guideline == "dark"


def test_what_was_read_before_is_reported_all_the_same(
    labels: ConceptLabels, heard: Heard, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LabelStore(path) as other:
        other.append("sam", "night", {"a": "yes"}, "search")
        labels.own()  # as a cell of a notebook may read it first
        name, data = heard.next()
        assert (name, data["others"]) == ("labels", ["a"])
        monkeypatch.setattr(labels, "watched", lambda: None)
        other.append("sam", "night", {"b": "yes"}, "search")
        labels.append({"c": "no"}, "search", 0, None)
        assert heard.next() == ("labels", {"labels": {"c": "no"}, "others": ["b"]})
        labels.append({"d": "no"}, "search", 0, None)
        assert heard.next() == ("labels", {"labels": {"d": "no"}, "others": []})
    assert heard.events == []


def test_a_copy_that_is_put_back_is_noticed(labels: ConceptLabels, heard: Heard, path: Path) -> None:
    labels.append({"a": "yes"}, "search", 0, None)
    heard.next()
    copy = labels.store.backup()
    labels.append({"a": "no", "b": "yes"}, "search", 0, None)
    heard.next()
    with another_process(path) as do:
        do(f"from va_widgets.labels import restoring; restoring.restore(store.path, {str(copy)!r})")
    assert heard.next() == ("labels", {"labels": {"a": "yes", "b": "none"}, "others": []})


@pytest.mark.skipif(os.name == "nt", reason="Windows replaces no file that is open")
def test_another_file_of_the_same_name_is_noticed(labels: ConceptLabels, heard: Heard, path: Path) -> None:
    labels.append({"a": "yes"}, "search", 0, None)
    heard.next()
    new = path.with_name("new.sqlite")
    LabelStore(new).close()
    labels.store.checkpoint()
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink()
    new.replace(path)
    assert heard.next() == ("labels", {"labels": {"a": "none"}, "others": []})


def watcher() -> threading.Thread | None:
    return watching._thread


def test_the_thread_ends_with_the_last_listener(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_watched", weakref.WeakSet())  # without the sessions of other tests
    monkeypatch.setattr(watching, "_thread", None)
    listeners = Listeners()
    labels = ConceptLabels(StoreUser(path), "night", "kelli", listeners)
    stop = listeners.add(lambda _name, _data: None)
    watching.watch(labels)
    thread = watcher()
    assert thread is not None
    stop()
    thread.join(240)
    assert watcher() is None
    listeners.add(lambda _name, _data: None)
    watching.watch(labels)
    again = watcher()
    assert again is not None
    assert again.is_alive()
    labels.close()
    again.join(240)
    assert not again.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_of_a_fork_watches_by_itself(labels: ConceptLabels, heard: Heard, path: Path) -> None:
    child = os.fork()
    if not child:
        try:
            assert watching._thread is not None
            assert not watching._thread.is_alive()
            watching.watch(labels)
            with LabelStore(path) as store:
                store.append("sam", "night", {"a": "yes"}, "search")
            os._exit(int(heard.next()[1]["others"] != ["a"]))
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert heard.next() == ("labels", {"labels": {}, "others": ["a"]})


def test_a_copy_that_another_call_noticed_first_is_reported_all_the_same(
    labels: ConceptLabels, heard: Heard, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = labels.store.backup()
    labels.append({"a": "yes"}, "search", 0, None)
    heard.next()
    watched = labels.watched
    monkeypatch.setattr(labels, "watched", lambda: None)
    restoring.restore(path, copy)
    assert labels.own() == {}
    monkeypatch.setattr(labels, "watched", watched)
    assert heard.next() == ("labels", {"labels": {"a": "none"}, "others": []})
