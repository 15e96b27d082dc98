"""What a session says of its labels, and where it keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

import va_widgets as va
from va_widgets.labels import records
from va_widgets.labels.label_store import LabelStore


def test_the_newest_label_is_told_by_the_order_of_events_and_not_by_the_clock(
    demo_corpus: va.Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = count()

    class BackwardClock:
        @staticmethod
        def now(_zone: object) -> datetime:
            return datetime(2026, 1, 1, tzinfo=UTC) - timedelta(hours=next(hours))

    monkeypatch.setattr(records, "datetime", BackwardClock)
    session = va.Session(demo_corpus, "set back", annotator="kelli")
    clips = list(demo_corpus.clips.index[:4])
    for clip in clips:
        session.label(clip, True)
    session.label(clips[1], False)
    expected = [clips[0], clips[2], clips[3], clips[1]]
    assert session.labels.index.tolist() == expected
    assert session.review(order="newest")["clip_id"].tolist() == expected[::-1]
    assert session.review(order="newest", annotator="kelli")["clip_id"].tolist() == expected[::-1]
    assert session.own_labels[clips[1]] == "no"


def test_a_session_copies_its_labels(demo_corpus: va.Corpus, tmp_path: Path) -> None:
    session = va.Session(demo_corpus, "copied", annotator="kelli")
    session.label(demo_corpus.clips.index[0], True)
    written = session.backup(tmp_path / "copy.sqlite")
    with LabelStore(written) as store:
        assert store.current("copied").values == {"kelli": {demo_corpus.clips.index[0]: "yes"}}
    assert session.backup().parent == Path(demo_corpus.path) / "backups"


def test_labels_that_a_link_leads_away_from_the_corpus_are_refused(demo_corpus: va.Corpus, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.sqlite"
    LabelStore(elsewhere).close()
    before = elsewhere.read_bytes()
    labels = Path(demo_corpus.path) / "labels.sqlite"
    labels.unlink(missing_ok=True)
    labels.symlink_to(elsewhere)
    with pytest.raises(va.LabelError, match="leads out of"):
        va.Session(demo_corpus, "led away")
    assert elsewhere.read_bytes() == before
