"""Labels are never acknowledged into nothing: their file is deleted, emptied, replaced or locked under a session."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import va_widgets as va
from tests.widget.conftest import Page
from va_widgets.labels.label_store import LabelStore
from va_widgets.labels.refit_history import RefitHistory

on_posix = pytest.mark.skipif(os.name == "nt", reason="Windows deletes no file that is open")


def files(session: va.Session) -> list[Path]:
    return sorted(session.corpus.path.glob("labels.sqlite*"))


def delete(session: va.Session) -> None:
    for file in files(session):
        file.unlink()


def move_the_folder_away(session: va.Session) -> None:
    session.corpus.path.rename(session.corpus.path.with_name("elsewhere"))


def empty(session: va.Session) -> None:
    """As half a second after a copy was begun."""
    delete(session)
    (session.corpus.path / "labels.sqlite").touch()


LOSSES = [delete, move_the_folder_away, empty]


@pytest.fixture
def lost(page: Page, session: va.Session) -> Callable[[Callable[[va.Session], None]], Path]:
    """Lose the labels' file and return a copy of it."""
    clips = list(session.corpus.clips.index)
    session.label(clips[:3], True)
    session.label(clips[3:6], False)
    session.publish("night")
    copy = session.corpus.path.with_name("copy.sqlite")
    with (
        closing(sqlite3.connect(session.corpus.path / "labels.sqlite")) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)

    def lose(loss: Callable[[va.Session], None]) -> Path:
        loss(session)
        return copy

    return lose


def last_status(page: Page) -> dict[str, Any]:
    told = [message["data"]["status"] for message, _ in page.sent if "event" in message]
    status: dict[str, Any] = told[-1]
    return status


@on_posix
@pytest.mark.parametrize("loss", LOSSES)
def test_a_page_that_asks_for_the_state_hears_of_the_loss_before_any_label(
    page: Page, session: va.Session, lost: Callable[[Any], Path], loss: Callable[[va.Session], None]
) -> None:
    assert page.hello()["status"]["state"] in ("ready", "refitting")
    lost(loss)
    status = page.hello()["status"]
    assert status["state"] == "error"
    assert str(session.corpus.path) in status["message"]


@on_posix
@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_succeeds_and_the_header_says_why(
    page: Page, session: va.Session, lost: Callable[[Any], Path], loss: Callable[[va.Session], None], tmp_path: Path
) -> None:
    clip = session.corpus.clips.index[-1]
    lost(loss)
    requests: list[dict[str, Any]] = [
        {"type": "label", "clips": [clip], "value": "yes", "source": "search"},
        {"type": "undo"},
        {"type": "guideline", "text": "only at night"},
        {"type": "publish", "name": "night"},
    ]
    for request in requests:
        answer = page.ask(**request)
        assert answer.get("error", {}).get("code") == "not_saved", request
        assert session.unsaved
    assert last_status(page)["state"] == "error"
    assert "labels" in last_status(page)["message"]
    for call in (
        lambda: session.label(clip, True),
        lambda: session.redo(),
        lambda: setattr(session, "guideline", "at night"),
        lambda: session.publish("night"),
        lambda: session.report(tmp_path / "report.html"),
        lambda: session.for_concept("rain").label(clip, True),
    ):
        with pytest.raises(va.LabelError, match="labels"):
            call()
    assert not (tmp_path / "report.html").exists()
    assert session.own_labels.get(clip) is None
    # What needs no history goes on.
    assert len(page.ask("feed", name="top_positive", k=5, exclude=[])["result"]["cards"]) == 5
    assert len(page.ask("search", text="a dark street", k=5)["result"]["cards"]) == 5
    assert page.hello()["status"]["state"] == "error"
    if loss is move_the_folder_away:
        assert not session.corpus.path.exists()  # neither is a new one made
    else:
        assert len(list((session.corpus.path / "models" / "night").iterdir())) == 1


@on_posix
@pytest.mark.parametrize("loss", LOSSES)
def test_what_was_not_saved_is_saved_when_it_is_sent_again_to_the_file_that_is_back(
    page: Page, session: va.Session, lost: Callable[[Any], Path], loss: Callable[[va.Session], None]
) -> None:
    clips = list(session.corpus.clips.index)
    before = session.own_labels
    copy = lost(loss)
    message = {"v": 1, "id": "late", "type": "label", "concept": session.concept, "clips": clips[-1:], "value": "no"}
    message["source"] = "search"
    assert page.send(message)[0]["error"]["code"] == "not_saved"
    if loss is move_the_folder_away:
        session.corpus.path.with_name("elsewhere").rename(session.corpus.path)
    else:
        shutil.copy(copy, session.corpus.path / "labels.sqlite")
    assert page.send(message)[0]["result"]["labels"] == {clips[-1]: "no"}
    assert last_status(page)["state"] in ("ready", "refitting")
    assert session.unsaved == ""
    assert page.send(message)[0]["result"]["labels"] == {clips[-1]: "no"}  # stored once
    reader = va.Session(va.Corpus.open(session.corpus.path), session.concept, "kelli")
    assert reader.own_labels == session.own_labels == {**before, clips[-1]: "no"}
    assert len(reader.history) == 7
    session.refit()
    assert session.last_refit.labels == 7
    session.guideline = "at night"
    assert session.report().summary


@on_posix
def test_a_copy_that_lacks_labels_counts_as_it_is(page: Page, session: va.Session, lost: Callable[[Any], Path]) -> None:
    clips = list(session.corpus.clips.index)
    session.label(clips[10:20], True)
    session.refit()
    shutil.copy(lost(delete), session.corpus.path / "labels.sqlite")
    session.label(clips[30], True)
    assert session.counts == {"yes": 4, "no": 3, "unsure": 0}
    assert session.refit().labels == 7
    assert clips[12] in session.feed("random", 200)["clip_id"].tolist()


def test_a_locked_store_keeps_the_page_s_labels_waiting_and_the_search_going(
    page: Page, session: va.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be written for now, only that fails which has to be written."""

    def refused(*_: object, **__: object) -> None:
        raise va.LabelError("This was not saved, because another process is writing: try again.")

    for name in ("append", "set_state", "set_state_if_absent", "next_number", "undo", "redo"):
        monkeypatch.setattr(session._labels.store, name, refused)
    clips = list(session.corpus.clips.index)
    answer = page.ask("label", clips=clips[:1], value="yes", source="search")
    assert answer["error"] == {
        "code": "not_saved",
        "message": "This was not saved, because another process is writing: try again.",
    }
    assert last_status(page)["message"] == answer["error"]["message"]
    found = page.ask("search", text="at night", k=3)["result"]
    assert found["status"]["queries"][0] == "at night"  # as long as the session lasts
    monkeypatch.undo()
    assert page.ask("label", clips=clips[:1], value="yes", source="search")["result"]["labels"] == {clips[0]: "yes"}
    assert last_status(page)["message"] == ""


def test_a_refit_goes_on_without_its_history_and_is_written_down_later(
    session: va.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = list(session.corpus.clips.index)

    def refused(*_: object, **__: object) -> None:
        raise va.LabelError("The disk is full.")

    session.label(clips[:3], True)
    with monkeypatch.context() as patch:
        for name in ("set_state", "set_state_if_absent", "next_number"):
            patch.setattr(session._labels.store, name, refused)
        assert session.refit().version == 1
    assert session.refits["version"].tolist() == [1]
    with LabelStore(session.corpus.path / "labels.sqlite") as store:
        assert RefitHistory(store, session.concept).table().empty
    session.label(clips[3:6], False)
    assert session.refit().version == 2
    assert va.Session(session.corpus, session.concept, "jo").refits["version"].tolist() == [1, 2]


@pytest.mark.slow
def test_a_writer_that_was_stopped_in_a_transaction_holds_up_no_search_feed_or_refit(
    page: Page, session: va.Session
) -> None:
    clips = list(session.corpus.clips.index)
    session.label(clips[:3], True)
    with closing(sqlite3.connect(session.corpus.path / "labels.sqlite", isolation_level=None)) as stopped:
        stopped.execute("BEGIN IMMEDIATE")
        assert session.refit().version == 1
        assert page.ask("search", text="a dark street", k=3)["result"]["status"]["queries"] == ["a dark street"]
        assert len(page.ask("feed", name="borderline", k=3, exclude=[])["result"]["cards"]) == 3
        other = va.Session(session.corpus, "rain at dusk", "sam")
        assert len(other.feed("top_positive", 3)) == 3
        assert page.ask("undo")["error"]["code"] == "not_saved"
        stopped.execute("ROLLBACK")
    assert page.ask("undo")["result"]["labels"] == dict.fromkeys(clips[:3])
    session.refit()
    assert va.Session(session.corpus, session.concept, "jo").refits["version"].tolist() == [1, 2]


def test_a_closed_session_keeps_the_page_s_labels_waiting(page: Page, session: va.Session) -> None:
    session.close()
    answer = page.ask("label", clips=[session.corpus.clips.index[0]], value="yes", source="search")
    assert answer["error"]["code"] == "not_saved"
    assert "make a new va.Session" in answer["error"]["message"]


def test_a_read_only_store_refuses_labels_and_guidelines_for_good(
    page: Page, session: va.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in (session._labels.store, session._labels.store._database):
        monkeypatch.setattr(part, "read_only", True)
    for request in (
        {"type": "label", "clips": [session.corpus.clips.index[0]], "value": "yes", "source": "search"},
        {"type": "guideline", "text": "only at night"},
    ):
        error = page.ask(**request)["error"]
        assert error["code"] == "bad_value"  # the page takes the label back and says why
        assert "read-only" in error["message"]
    assert session.guideline == ""
    assert session.unsaved == ""
