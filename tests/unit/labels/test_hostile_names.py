"""Names are data: whatever annotators, concepts, clips, sources and notes are called, none is SQL, a path or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import va_widgets as va
from va_widgets.base.errors import LabelError
from va_widgets.cli import main
from va_widgets.labels.label_store import LabelStore, StoredValue, check_file

HOSTILE = [
    "'; DROP TABLE events; --",
    '" OR ""="',
    "night' UNION SELECT * FROM state --",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "../../etc/passwd",
    "/tmp/x",
    "C:\\con",
    "nul",
    "~",
    "%s %(name)s {0} {name}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><svg/onload=alert(1)>",
    "&lt;b&gt;",
    "`rm -rf ~` $(id)",
    "*", "?[a]", "a%_b", "",
    "e\u0301", "é", "ﬁ", "👩\u200d🚒", "ڪتاب", "i̇", "İ",
]  # fmt: skip
CONTROL = ["\x1b[31mred", "a\nb", "a\rb", "a\0b", "\u202egnp", "\u2028", "\x7f", "\ud800"]
names = st.one_of(st.sampled_from(HOSTILE + CONTROL), st.text(max_size=40))
ours = re.compile(r"\.lock|(automatic|labels|replaced)-\d{8}T\d{6}-\d{6}\.sqlite")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStore]:
    with LabelStore(tmp_path_factory.mktemp("hostile") / "labels.sqlite") as store:
        yield store


def is_name(text: str, longest: int = 200) -> bool:
    try:
        LabelStore.check_names(text[:longest], text)
    except LabelError:
        return False
    return True


stored: dict[str, dict[str, dict[str, StoredValue]]] = {}  # by concept, annotator and clip
remarked: list[tuple[str, str, str, str, tuple[str, ...]]] = []


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names, names, names, names, names)
def test_names_come_back_as_they_are_and_touch_nothing_else(
    store: LabelStore, annotator: str, concept: str, clip: str, source: str, note: str
) -> None:
    """The same store for all examples: each one's labels must be there, and those of all former ones."""
    try:
        store.append(annotator, concept, {clip: "yes"}, source[:64], message_id=f"{note}{len(remarked)}")
    except LabelError:
        whole = all(char.isprintable() or char in "\u200d\ufe0f" for char in annotator + concept)
        text = clip + source[:64] + note
        assert not (annotator.strip() and concept.strip() and whole) or text != text.encode(errors="replace").decode()
        return
    stored.setdefault(concept, {}).setdefault(annotator, {})[clip] = "yes"
    store.add_remark(annotator, concept, clip, note, [source])
    remarked.append((annotator, concept, clip, note, (source,)))
    store.set_state(annotator, concept, note, {"note": note})
    assert store.get_state(annotator, concept, note) == {"note": note}
    assert store.current(concept).values == stored[concept]
    newest = store.remarks(concept)[-1]
    assert (newest.annotator, newest.clip_id, newest.note, tuple(newest.tags)) == (annotator, clip, note, (source,))
    assert set(store.history(concept, annotator)["clip_id"]) == set(stored[concept][annotator])
    assert set(store.concepts()["concept"]) == set(stored)


def test_the_file_is_sound_afterwards_and_its_copies_are_named_by_us(store: LabelStore) -> None:
    assert stored, "this is about the labels of the test before"
    copy = store.backup()
    assert check_file(copy).problems == []
    assert ours.fullmatch(copy.name)
    assert {path.name for path in store.path.parent.iterdir()} <= {
        "backups", "labels.sqlite", "labels.sqlite-wal", "labels.sqlite-shm"
    }  # fmt: skip
    with LabelStore(copy) as copied:
        for concept, labels in stored.items():
            assert copied.current(concept).values == labels


# --- what is shown ------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The elements of a page, their attributes, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> va.Corpus:
    clips = [name for name in HOSTILE if name.strip()]
    vectors = np.random.default_rng(0).normal(size=(len(clips), 8))
    folder = tmp_path_factory.mktemp("named") / "c"
    return va.Corpus.from_embeddings(folder, vectors, pd.DataFrame({"clip_id": clips}))


@pytest.mark.parametrize("name", HOSTILE[:2] + HOSTILE[12:15])
def test_review_and_report_show_names_as_texts(corpus: va.Corpus, name: str) -> None:
    clips = list(corpus.clips.index)
    one, two = (va.Session(corpus, name, annotator=who, snapshots=False) for who in (name, HOSTILE[13]))
    one.guideline = name
    one.label(clips[:8], [True, False] * 4, source=name[:64])
    two.label(clips[:2], False)
    one.refit()
    review = one.review(annotator=name)
    assert set(review["clip_id"]) == set(clips[:8])
    page = Page(one.report().html)
    assert page.tags <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "dl", "div", "dt", "dd", "small", "b", "i",
        "table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "img", "span", "footer", "svg", "path",
        "polyline", "polygon", "line", "circle", "rect", "text", "g", "section", "ul", "li", "a", "time",
    }  # fmt: skip
    for attribute, value in page.attributes:
        assert not attribute.startswith("on")
        assert attribute not in ("src", "href") or value.startswith("data:image/")
    assert name in page.words
    one.close()
    two.close()


def test_the_command_line_prints_no_control_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "\x1b[31m\u202e red\nfolder"
    folder.mkdir()
    path = folder / "labels.sqlite"
    with LabelStore(path) as store:
        store.append("=cmd", "<b>", {"\x1b[2J\n": "yes"}, "search")
    assert main(["labels", "backup", str(folder)]) == 0
    copy = folder / "backups" / "mine\x1b[2J\n.sqlite"
    assert main(["labels", "backup", str(folder), str(copy)]) == 0
    for arguments in (["check"], ["restore"], ["restore", "newest"], ["restore", copy.name], ["restore", "no\x1b[2J"]):
        main(["labels", arguments[0], str(folder), *arguments[1:]])
    path.write_bytes(path.read_bytes().replace(b"search", b"sxarch"))
    main(["labels", "check", str(folder)])
    told = capsys.readouterr()
    assert "mine" in told.out
    assert "newest sound copy" in told.err
    for line in (told.out + told.err).split("\n"):
        assert line.isprintable(), repr(line)
