"""Whatever a message holds, and whatever goes wrong, the page gets an answer and learning goes on."""

from __future__ import annotations

import gc
import json
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import va_widgets as va
from tests.unit.base.test_texts import ODD, texts
from tests.widget.conftest import Page
from va_widgets.widget.worker import RefitWorker

HALF = "\ud83d"
# A request of every type that carries a text, by its name; `text` goes into each of its fields in turn.
REQUESTS: dict[str, dict[str, Any]] = {
    "hello": {"page": "t", "clips": ["c"]},
    "bye": {"page": "other"},
    "search": {"text": "night", "k": 2},
    "similar": {"clip": "c", "k": 2},
    "feed": {"name": "random", "k": 2, "exclude": ["c"]},
    "review": {"value": "all", "order": "newest", "annotator": "", "k": 2},
    "reviewed": {"annotator": "", "clips": ["c"]},
    "label": {"concept": "city at night", "clips": ["c"], "value": "yes", "source": "search"},
    "undo": {"concept": "city at night"},
    "redo": {"concept": "city at night"},
    "remark": {"concept": "city at night", "clip": "c", "note": "lamps", "tags": ["c"]},
    "guideline": {"text": "no lamps"},
    "switch": {"concept": "city at night"},
    "publish": {"name": "night"},
    "filmstrips": {"clips": ["c"]},
    "preview": {"clip": "c", "context": 0.0},
}
FIELDS = [(type, field) for type, with_ in REQUESTS.items() for field, value in with_.items() if value not in (2, 0.0)]


def asked(page: Page, type: str, field: str, text: str, clip: str) -> dict[str, Any]:
    """The answer to a request that carries a text in one of its fields; it and all that was told can be sent."""
    payload = {name: [clip] if value == ["c"] else value for name, value in REQUESTS[type].items()}
    payload = {name: clip if value == "c" else value for name, value in payload.items()}
    payload[field] = [text] if isinstance(payload[field], list) else text
    answer, _ = page.send({"v": 1, "id": f"{len(page.sent)}", "type": type, **payload})
    for message, _ in page.sent:
        json.dumps(message, ensure_ascii=False).encode()
    return answer


@pytest.mark.parametrize(("type", "field"), FIELDS)
def test_no_field_of_a_message_takes_half_a_character(shared_page: Page, type: str, field: str) -> None:
    clip = shared_page.annotator.session.corpus.clips.index[0]
    for text in ODD:
        answer = asked(shared_page, type, field, text, clip)
        assert not answer["ok"], (type, field, text)
    assert not shared_page.annotator.session.history.shape[0]
    assert shared_page.hello()["status"]["state"] == "ready"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.sampled_from([pair for pair in FIELDS if pair[0] not in ("publish", "preview", "switch")]), text=texts)
def test_any_text_is_answered(shared_page: Page, where: tuple[str, str], text: str) -> None:
    asked(shared_page, *where, text, shared_page.annotator.session.corpus.clips.index[0])


@pytest.fixture(scope="module")
def shared_page(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory, bundle: object) -> Page:
    from tests.conftest import copy_unlabelled

    folder = tmp_path_factory.mktemp("survival") / "corpus"
    copy_unlabelled(demo_folder, folder)
    session = va.Session(va.Corpus.open(folder), "city at night", annotator="kelli")
    session.warm_up()
    return Page(va.Annotator(session))


def test_an_id_and_a_message_of_another_kind_are_answered(shared_page: Page) -> None:
    answer, _ = shared_page.send({"v": 1, "id": HALF, "type": "concepts"})
    assert answer["error"]["code"] == "bad_value"
    json.dumps(answer, ensure_ascii=False).encode()
    answer, _ = shared_page.send({"v": HALF, "id": "a", "type": HALF})
    json.dumps(answer, ensure_ascii=False).encode()


def test_the_place_is_whole_for_the_page_that_is_reloaded(shared_page: Page) -> None:
    annotator = shared_page.annotator
    annotator.place = {"tab": "search", "query": f"night {HALF}", "keys": {"yes": HALF}}
    json.dumps(annotator.get_state("place"), ensure_ascii=False).encode()
    assert annotator.place == {"tab": "search", "query": "night \ufffd", "keys": {"yes": "\ufffd"}}
    annotator.place = {}


def test_a_title_with_half_a_character_is_refused(shared_page: Page) -> None:
    clip = shared_page.annotator.session.corpus.clips.index[0]
    with pytest.raises(va.ArgumentError, match="lone surrogate"):
        shared_page.annotator.show([clip], f"on the map {HALF}")


def test_a_guideline_that_is_stored_in_half_shows_and_teaches(session: va.Session, bundle: object) -> None:
    """A fresh kernel showed no widget, no status could be sent, and the refits' thread died."""
    session._labels.store.set_state("", session.concept, "guideline", f"no street lamps {HALF}")
    again = va.Session(va.Corpus.open(session.corpus.path), session.concept, "kelli")
    again.warm_up()
    annotator = va.Annotator(again)
    page = Page(annotator)
    shown = annotator._repr_mimebundle_()
    assert shown is not None
    json.dumps(shown[0], ensure_ascii=False).encode()
    clips = list(again.corpus.clips.index)
    page.ask("label", clips=clips[:8], value="yes", source="search")
    page.ask("label", clips=clips[8:16], value="no", source="search")
    news = page.wait(lambda message: message.get("event") == "refit" and message["data"]["status"]["pending"] == 0)
    assert news["data"]["status"]["guideline"] == "no street lamps \ufffd"
    for message, _ in page.sent:
        json.dumps(message, ensure_ascii=False).encode()
    annotator.close()


def test_a_connection_that_takes_no_message_ends_neither_labelling_nor_learning(
    page: Page, session: va.Session
) -> None:
    clips = list(session.corpus.clips.index)
    keep, refits = page.annotator.send, threading.Semaphore(0)
    unsubscribe = session.subscribe(lambda name, _: refits.release() if name == "refit" else None)

    def broken(*_: object, **__: object) -> None:
        raise OSError("the comm is closed")

    page.annotator.send = broken
    for part, value in ((clips[:8], "yes"), (clips[8:16], "no")):
        message = {"v": 1, "id": value, "type": "label", "concept": session.concept, "clips": part, "value": value}
        page.annotator._handle_custom_msg({**message, "source": "search"}, [])
        assert refits.acquire(timeout=240)
    assert session.counts == {"yes": 8, "no": 8, "unsure": 0}
    page.annotator.send = keep
    unsubscribe()
    page.ask("label", clips=clips[16:24], value="no", source="search")
    page.wait(lambda message: message.get("event") == "refit" and message["data"]["status"]["pending"] == 0)


def test_a_refit_that_fails_and_cannot_be_shown_does_not_end_the_learning() -> None:
    done = threading.Event()
    tries: list[int] = []

    def refit() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("it failed")
        done.set()

    def cannot_be_shown(_: Exception) -> None:
        worker.labelled(1)
        raise UnicodeEncodeError("utf-8", HALF, 0, 1, "surrogates not allowed")

    worker = RefitWorker(refit, lambda: None, cannot_be_shown, pause=0.0, batch=1)
    worker.labelled(1)
    assert done.wait(240)
    worker.stop()


def test_no_more_threads_leave_the_label_stored_and_the_refit_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    worker = RefitWorker(done.set, lambda: None, lambda _: None, pause=0.0, batch=1)

    def none(*_: object) -> threading.Thread:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr("va_widgets.base.background.start", none)
        worker.labelled(1)
    worker.labelled(1)
    assert done.wait(240)
    worker.stop()


# --- a cell that is run again -----------------------------------------------------------------------


def resources(folder: Path) -> tuple[Counter[str], int]:
    """How many times each file of a corpus is open, and how many of our threads there are once they have ended.

    One goes on as long as an annotator is there: it looks for labels of other processes.
    """
    lasting = ("va-keeper", "va-labels-watch")
    while busy := [
        thread for thread in threading.enumerate() if thread.name.startswith("va-") and thread.name not in lasting
    ]:
        for thread in busy:  # a refit's end begins another one, which tidies up the labels
            thread.join(240)
            assert not thread.is_alive(), f"{thread.name} goes on"
    gc.collect()
    files: list[str] = []
    for entry in list(Path("/proc/self/fd").iterdir()):
        try:
            files.append(str(entry.readlink()))
        except OSError:  # it was that of the listing
            continue
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("va-")]
    return Counter(Path(name).name for name in files if name.startswith(str(folder))), len(threads)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="there is no /proc on this system")  # noqa: PTH112
@pytest.mark.parametrize("run", ["opens the corpus again", "makes a new session", "shows the same session"])
def test_a_cell_that_is_run_again_leaks_neither_files_nor_threads(
    demo_corpus: va.Corpus, bundle: object, run: str
) -> None:
    path = demo_corpus.path
    outputs: list[va.Annotator] = []  # as IPython's `Out` keeps them
    pages: list[Page] = []
    corpus, session = demo_corpus, va.Session(demo_corpus, "city at night")

    def cell(number: int) -> None:
        nonlocal corpus, session
        if run == "opens the corpus again":
            corpus = va.Corpus.open(path)
        if run != "shows the same session":
            session = va.Session(corpus, "city at night")
        outputs.append(va.Annotator(session))
        pages.append(Page(outputs[-1], f"p{number}"))
        if number:
            pages[-2].bye()  # its output was cleared
        clip = str(session.corpus.clips.index[number])
        assert pages[-1].ask("label", clips=[clip], value="yes" if number % 2 else "no", source="search")["ok"]

    for number in range(3):
        cell(number)
    before = resources(path)
    for number in range(3, 23):
        cell(number)
    after = resources(path)
    assert after == before
    assert outputs[0].session is session  # which shows the same labels
    assert pages[0].hello()["status"]["counts"] == {"yes": 11, "no": 12, "unsure": 0}
    for annotator in outputs:
        annotator.close()


def test_an_annotator_keeps_its_session_while_a_page_shows_it_and_where_another_is_shown(
    demo_corpus: va.Corpus, bundle: object
) -> None:
    def shown(**options: Any) -> tuple[va.Annotator, Page]:
        annotator = va.Annotator(va.Session(demo_corpus, **{"concept": "night", **options}))
        return annotator, Page(annotator)

    first, page = shown()
    others = [shown(concept="rain")[0], shown(annotator="sam")[0], shown(seed=1)[0]]
    second, second_page = shown()
    assert first.session is not second.session  # two cells that are both on the page
    second_page.bye()
    assert second.session is not first.session  # the newer one
    page.bye()
    assert first.session is second.session
    assert len({id(annotator.session) for annotator in others}) == 3
    heard: list[str] = []
    first.subscribe(lambda name, _: heard.append(name))
    second.session.label(demo_corpus.clips.index[0], True)
    assert heard == ["labels"]
    for annotator in (first, second, *others):
        annotator.close()
