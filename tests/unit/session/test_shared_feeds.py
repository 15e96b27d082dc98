"""Feeds of several annotators: shares, gold clips, second readings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.unit.session.test_several_annotators import corpus as corpus
from tests.unit.session.test_several_annotators import sessions
from va_widgets.labels.decisions import PRIMARY
from va_widgets.labels.label_store import LabelStore
from va_widgets.session import shared_feeds
from va_widgets.session.dividing import SHARES
from va_widgets.session.gold import GOLD

HALVES = {True: [f"c{i:02d}" for i in range(8)], False: [f"c{i:02d}" for i in range(72, 80)]}


def taught(session: va.Session) -> va.Session:
    for value, clips in HALVES.items():
        session.label(clips, value)
    session.refit()
    return session


def test_clips_are_divided(corpus: va.Corpus) -> None:
    kelli, sam = sessions(corpus, "kelli", "sam")
    assert "assigned" not in kelli.feeds
    alone = kelli.divide("top_positive", ["kelli", "sam", "ada"], 31)
    assert sorted(alone["annotator"].value_counts()) == [10, 10, 11]
    assert sorted(alone["clip_id"]) == sorted(kelli.feed("top_positive", 31)["clip_id"])
    both = kelli.divide(corpus.clips.index[:40], ["kelli", "sam", "ada"], 30, overlap=0.4)
    readers = both["clip_id"].value_counts()
    assert len(readers) == 30
    assert (readers == 2).sum() == 12
    assert both["annotator"].value_counts().tolist() == [14, 14, 14]
    met = both.groupby("clip_id")["annotator"].agg(tuple)
    assert {pair for pair in met if len(pair) == 2} == {("kelli", "sam"), ("kelli", "ada"), ("sam", "ada")}
    assert both.equals(kelli.divide(corpus.clips.index[:40], ["kelli", "sam", "ada"], 30, overlap=0.4))
    assert sam.shares.equals(both)
    every = kelli.divide(corpus.clips.index[:5], ["kelli", "sam", "ada"], overlap=1, readers=3)
    assert every["clip_id"].value_counts().tolist() == [3] * 5


def test_a_share_is_a_feed_whatever_the_others_label(corpus: va.Corpus) -> None:
    kelli, sam = sessions(corpus, "kelli", "sam")
    kelli.divide(["c00", "c01", "c02"], ["kelli", "sam"], overlap=1)
    assert sam.feeds[0] == "assigned"
    assert "assigned" not in va.Session(corpus, "night", "ada").feeds
    kelli.label(["c00", "c01"], True, source="assigned")
    page = sam.feed("assigned", 2)
    assert page["clip_id"].tolist() == ["c00", "c01"]
    assert page["score"].isna().all()  # the classifier may know kelli's answer
    assert sam.feed("assigned", 9, exclude=page)["clip_id"].tolist() == ["c02"]
    sam.label("c00", False, source="assigned")
    assert sam.feed("assigned")["clip_id"].tolist() == ["c01", "c02"]
    assert kelli.feed("assigned")["clip_id"].tolist() == ["c02"]


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"feed": "best"}, va.LabelError, "cannot be divided"),
        ({"annotators": []}, va.LabelError, "name them"),
        ({"annotators": "kelli"}, va.LabelError, "a list of annotators' names"),
        ({"annotators": ["a\nb"]}, va.LabelError, "line break"),
        ({"overlap": 1.5}, va.ArgumentError, "overlap must be"),
        ({"overlap": 0.1, "readers": 3}, va.LabelError, "3 of 2 annotators cannot get a clip"),
        ({"k": -1}, va.ArgumentError, "k must be"),
        ({"feed": ["gone"]}, va.UnknownClipError, "not in this corpus"),
    ],
)
def test_what_cannot_be_divided(corpus: va.Corpus, given: dict[str, object], error: type[Exception], says: str) -> None:
    session = va.Session(corpus, "night", "kelli")
    with pytest.raises(error, match=says):
        session.divide(**{"feed": "borderline", "annotators": ["kelli", "sam"], **given})  # type: ignore[arg-type]
    assert session.shares.empty


def test_a_second_reading_is_blind(corpus: va.Corpus) -> None:
    kelli, sam, ada = sessions(corpus, "kelli", "sam", "ada")
    assert "second_reading" not in sam.feeds
    assert sam.feed("second_reading").empty
    taught(kelli)
    wrong = ["c30", "c31", "c50", "c51"]
    kelli.label({"c30": False, "c31": False, "c50": True, "c51": True})
    sam.label(["c00", "c01"], True)
    kelli.refit()
    sam.refit()
    assert sam.feeds[-1] == "second_reading"
    page = sam.feed("second_reading", 8)
    assert page.equals(sam.second_reading(k=8))
    assert page.equals(kelli.second_reading("sam", 8))
    assert set(page.columns) == {"clip_id", "score", "reason"}
    assert page["score"].isna().all()
    assert page["reason"].nunique() == 1
    unread = set(kelli.own_labels) - {"c00", "c01"}
    assert set(page["clip_id"]) <= unread
    assert len(set(wrong) & set(page["clip_id"])) >= 3  # of the suspicious half
    rest = sam.feed("second_reading", 99, exclude=page)["clip_id"]
    assert set(rest) == unread - set(page["clip_id"])
    sam.label(page["clip_id"].iloc[0], True, source="second_reading")
    assert page["clip_id"].iloc[0] not in set(sam.feed("second_reading", 99)["clip_id"])
    assert list(kelli.second_reading(k=99)["clip_id"]) == []  # sam has labelled nothing that kelli has not
    sam.label("c31", True)
    ada.adjudicate("c31", True)
    assert "c31" not in set(va.Session(corpus, "night", "new").second_reading(k=99)["clip_id"])
    with pytest.raises(va.LabelError, match="annotator's name"):
        kelli.second_reading("")


def test_half_of_a_second_reading_is_drawn_at_random(corpus: va.Corpus) -> None:
    kelli = taught(va.Session(corpus, "night", "kelli"))
    suspicion = kelli.review().set_index("clip_id")["suspicion"]
    drawn = [kelli.second_reading(name, 6)["clip_id"] for name in ("sam", "ada", "jo")]
    most = set(suspicion.nlargest(3).index)
    assert all(most <= set(page) for page in drawn)
    assert len({tuple(sorted(set(page) - most)) for page in drawn}) == 3
    places = {tuple(index for index, clip in enumerate(page) if clip in most) for page in drawn}
    assert len(places) > 1  # the suspicious ones are not told by their place


def test_what_is_drawn_for_a_clip_does_not_depend_on_the_others() -> None:
    rows = np.arange(5000)
    drawn = shared_feeds._drawn(rows, [0, 7])
    np.testing.assert_array_equal(shared_feeds._drawn(rows[[4, 90, 91]], [0, 7]), drawn[[4, 90, 91]])
    for others in (drawn[:, ::-1], shared_feeds._drawn(rows, [0, 8]), np.roll(drawn, 1, axis=0)):
        assert abs(np.corrcoef(drawn[:, 0], others[:, 0])[0, 1]) < 0.06
    np.testing.assert_allclose(np.quantile(drawn, [0.1, 0.9], axis=0), [[0.1, 0.1], [0.9, 0.9]], atol=0.03)


def test_gold_clips_are_mixed_into_feeds(corpus: va.Corpus) -> None:
    kelli, sam = sessions(corpus, "kelli", "sam")
    taught(kelli)
    sam.refit()
    gold = {clip: value for value, clips in HALVES.items() for clip in clips}
    plain = {name: sam.feed(name, 12) for name in sam.feeds}
    kelli.set_gold(gold, rate=0.25)
    assert sam.gold_clips.to_dict() == {clip: "yes" if value else "no" for clip, value in gold.items()}
    for name in ("suggested", "top_positive", "borderline", "top_negative"):
        page = sam.feed(name, 12)
        known = page["clip_id"].isin(list(gold))
        assert known.sum() == 3
        assert len(page) == page["clip_id"].nunique() == 12
        assert (page.columns.tolist(), page.dtypes.tolist()) == (
            plain[name].columns.tolist(),
            plain[name].dtypes.tolist(),
        )
        assert page.equals(sam.feed(name, 12))
        assert set(page.loc[known, "reason"]) <= set(page.loc[~known, "reason"])
        assert set(page.loc[~known, "clip_id"]) == set(plain[name]["clip_id"][:9])
    assert sam.feed("top_positive", 12)["score"].is_monotonic_decreasing
    assert sam.feed("random", 12).equals(plain["random"])
    assert sam.feed("second_reading", 12).equals(plain["second_reading"])
    assert not kelli.feed("borderline", 12)["clip_id"].isin(list(gold)).any()  # kelli has labelled them all
    places = [tuple(np.flatnonzero(sam.feed(name, 12)["clip_id"].isin(list(gold)))) for name in plain]
    assert len(set(places)) > 2
    shares = [
        sam.feed("borderline", 6, exclude=[f"c{i:02d}" for i in range(20, 20 + n)])["clip_id"].isin(list(gold)).mean()
        for n in range(20)
    ]
    assert np.mean(shares) == pytest.approx(0.25, abs=0.05)
    kelli.set_gold(gold, rate=1.0)
    assert all(sam.feed(name, 12)["clip_id"].isin(list(gold)).all() for name in ("borderline", "suggested"))
    kelli.set_gold({})
    assert sam.feed("borderline", 12).equals(plain["borderline"])


def test_gold_clips_of_an_assigned_feed_have_no_scores_either(corpus: va.Corpus) -> None:
    session = va.Session(corpus, "night", "kelli")
    session.divide(corpus.clips.index[:20], ["kelli"])
    session.set_gold(["c60", "c61"], True, rate=0.5)
    page = session.feed("assigned", 8)
    assert {"c60", "c61"} <= set(page["clip_id"])
    assert page["score"].isna().all()
    assert page["reason"].nunique() == 1


def test_accuracy_on_gold_clips(corpus: va.Corpus) -> None:
    kelli, sam, ada = sessions(corpus, "kelli", "sam", "ada")
    gold = [f"c{i:02d}" for i in range(10)]
    kelli.set_gold(gold, True)
    sam.label(gold[:9], True)
    sam.label(gold[9], False)
    kelli.label(gold[0], "unsure")
    ada.label("c50", True)
    unknown, known = kelli.gold_accuracy().to_dict("records")
    assert [unknown[name] for name in ("annotator", "clips", "right", "unsure")] == ["kelli", 0, 0, 1]
    assert np.isnan(unknown["accuracy"])
    assert [known[name] for name in ("annotator", "clips", "right", "unsure")] == ["sam", 10, 9, 0]
    assert [known[name] for name in ("accuracy", "low", "high")] == pytest.approx([0.9, 0.5958, 0.9821], abs=1e-4)


def test_gold_clips_that_cannot_be(corpus: va.Corpus) -> None:
    session = va.Session(corpus, "night", "kelli")
    with pytest.raises(va.LabelError, match="must be yes or no"):
        session.set_gold("c00", "unsure")
    with pytest.raises(va.UnknownClipError):
        session.set_gold("gone", True)
    with pytest.raises(va.ArgumentError, match="rate must be"):
        session.set_gold("c00", True, rate=2)
    assert session.gold_clips.empty
    assert isinstance(session.gold_accuracy(), pd.DataFrame)


@pytest.mark.parametrize(
    "document", [7, "x", [], {}, [1, [2]], {"answers": {"c00": 5, "c01": "yes"}, "rate": float("nan")}, {"kelli": [3]}]
)
def test_documents_that_somebody_else_made_do_no_harm(corpus: va.Corpus, document: object) -> None:
    with LabelStore(corpus.path / "labels.sqlite") as store:
        for annotator, key in (GOLD, SHARES, PRIMARY):
            store.set_state(annotator, "night", key, document)
    session = va.Session(corpus, "night", "kelli")
    assert session.primary_annotators == ()
    assert session.feed("borderline", 6)["clip_id"].nunique() == 6
    assert session.feed("assigned").empty
    assert set(session.gold_clips.index) <= {"c01"}
    session.primary_annotators = ["kelli"]
    assert session.primary_annotators == ("kelli",)
