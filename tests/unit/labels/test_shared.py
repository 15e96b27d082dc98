"""One label store a file for all sessions of a process."""

from __future__ import annotations

import gc
import os
import weakref
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from va_widgets.labels.label_store import LabelStore
from va_widgets.labels.shared import StoreUser


@pytest.fixture
def corpus(tmp_path: Path) -> va.Corpus:
    vectors = np.random.default_rng(0).normal(size=(40, 8))
    return va.Corpus.from_embeddings(tmp_path / "c", vectors, pd.DataFrame({"clip_id": [f"c{i}" for i in range(40)]}))


def is_closed(store: LabelStore) -> bool:
    return store.closed


def open_files(folder: Path) -> Counter[str]:
    """How many times this process has each file of a folder open."""
    found = []
    for number in list(Path("/proc/self/fd").iterdir()):
        try:
            found.append(number.readlink())
        except OSError:  # it was that of the listing
            continue
    return Counter(file.name for file in found if file.parent == folder)


def test_users_of_a_file_share_its_store_until_the_last_one_is_closed(tmp_path: Path) -> None:
    one, two = StoreUser(tmp_path / "labels.sqlite"), StoreUser(tmp_path / "." / "labels.sqlite")
    store = one.store
    assert two.store is store
    assert one.another().store is store  # and is gone again
    one.close()
    one.close()
    assert not is_closed(store)
    two.store.append("a", "night", {"c": "yes"}, "search")
    with pytest.raises(va.LabelError, match="were closed: make a new"):
        _ = one.store
    two.close()
    assert is_closed(store)
    assert StoreUser(tmp_path / "labels.sqlite").store is not store


def test_a_store_that_nobody_uses_any_more_is_let_go(tmp_path: Path) -> None:
    user = StoreUser(tmp_path / "labels.sqlite")
    store = weakref.ref(user.store)
    del user
    gc.collect()
    assert store() is None


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no file that is open")
def test_a_file_that_was_made_anew_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    user = StoreUser(path)
    assert (user.gone, user.replaced) == ("", False)
    for file in tmp_path.iterdir():
        file.unlink()
    gone, replaced = user.gone, user.replaced
    assert "is gone" in gone
    assert not replaced
    other = StoreUser(path)
    assert other.store is not user.store
    assert (user.gone, user.replaced) == ("", True)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="there is no /proc on this system")  # noqa: PTH112
def test_concepts_cost_no_files(corpus: va.Corpus) -> None:
    session = va.Session(corpus, "first")
    before = open_files(corpus.path)
    for number in range(200):
        other = session.for_concept(f"concept {number}")
        other.label("c1", True)
    assert open_files(corpus.path)["labels.sqlite"] <= before["labels.sqlite"] + 1  # a connection for reading
    assert len(session._siblings) < 10  # those that nobody uses are let go
    assert session.for_concept("concept 3").own_labels == {"c1": "yes"}
    held = session.for_concept("held")
    for number in range(20):
        session.for_concept(f"concept {number}")
    assert session.for_concept("held") is held
    held.close()
    assert not session.for_concept("held").closed
    session.label("c2", False)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="there is no /proc on this system")  # noqa: PTH112
def test_closing_the_last_session_closes_the_file(corpus: va.Corpus) -> None:
    one = va.Session(corpus, "night")
    two = va.Session(corpus, "rain", "sam")
    one.close()
    two.label("c1", True)
    two.close()
    assert not [name for name in open_files(corpus.path) if name.startswith("labels.sqlite")]
    with pytest.raises(va.LabelError, match="were closed: make a new"):
        one.label("c1", True)
    with pytest.raises(va.LabelError, match="were closed: make a new"):
        one.for_concept("dusk")
