"""Keys and card size belong to the person: they are there in the next annotator, and in another corpus."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import va_widgets as va
from va_widgets.base.user_state import STATE_VARIABLE
from va_widgets.widget.settings import KeptSettings, read

PLACE = {"tab": "feeds", "size": 264, "page": 0, "turns": False, "keys": {}}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    return tmp_path / "state"


def changed(annotator: str, **settings: object) -> None:
    """A page of this annotator changes some settings."""
    page = KeptSettings(annotator)
    page.take(PLACE | page.first)
    page.take(PLACE | page.first | settings)


def test_a_cell_that_is_run_again_has_the_keys_and_sizes_of_its_annotator(session: va.Session, bundle: object) -> None:
    first = va.Annotator(session)
    first.place = PLACE
    first.place = PLACE | {"size": 400, "keys": {"yes": "j"}, "query": "rain"}
    again = va.Annotator(va.Session(session.corpus, "rain", annotator="kelli"))
    assert again.place == {"size": 400, "keys": {"yes": "j"}}
    assert va.Annotator(va.Session(session.corpus, "rain", annotator="jo")).place == {}
    first.close()


def test_a_page_takes_back_nothing_that_another_one_has_changed_since() -> None:
    long_open = KeptSettings("바다")
    long_open.take(PLACE)
    changed("바다", size=400, keys={"yes": "j"})
    long_open.take(PLACE | {"tab": "review"})
    long_open.take(PLACE | {"page": 48, "turns": True})
    assert read("바다") == {"size": 400, "page": 48, "turns": True, "keys": {"yes": "j"}}


def test_what_makes_no_sense_is_not_kept(state: Path) -> None:
    changed("kelli", size=400)
    changed("kelli", size="wide")
    changed("kelli", size=-1)
    changed("kelli", keys={"yes": "j" * 1000})
    assert read("kelli") == {"size": 400}
    (state / "settings" / "kelli.json").write_bytes(b"{")
    assert read("kelli") == {}
    changed("kelli", size=300)
    assert read("kelli") == {"size": 300}


@pytest.mark.skipif(os.name == "nt", reason="Windows allows the name")
def test_where_nothing_can_be_written_they_hold_for_the_process(state: Path) -> None:
    state.write_text("a file where the folder would be")
    changed("sam", size=400)
    assert read("sam") == {"size": 400}
