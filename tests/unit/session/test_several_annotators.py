"""What several annotators of a concept do together: whose labels count, and who decides between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va


@pytest.fixture
def corpus(tmp_path: Path) -> va.Corpus:
    """Eighty clips of vectors alone, c00 to c79; the first half is unlike the second."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(80, 8)) + np.repeat([[3.0], [-3.0]], 40, axis=0) * np.eye(8)[0]
    clips = pd.DataFrame({"clip_id": [f"c{i:02d}" for i in range(80)], "video": [f"v{i % 8}" for i in range(80)]})
    return va.Corpus.from_embeddings(tmp_path / "c", vectors, clips)


def sessions(corpus: va.Corpus, *names: str) -> list[va.Session]:
    return [va.Session(corpus, "night", name) for name in names]


def counted(session: va.Session) -> tuple[str, str]:
    """Return what counts for the clip c00, and who has decided it."""
    row = session.labels.loc[["c00"]].to_dict("records")[0]
    return row["value"], row["decided"]


def test_the_majority_counts_unless_there_are_primary_annotators(corpus: va.Corpus) -> None:
    ada, kelli, sam = sessions(corpus, "ada", "kelli", "sam")
    ada.label({"c00": True, "c01": True, "c02": "unsure"})
    kelli.label({"c00": False, "c01": False, "c02": False, "c03": False})
    sam.label({"c00": False, "c03": True})
    assert ada.labels["value"].to_dict() == {"c00": "no", "c01": "tie", "c02": "no", "c03": "tie"}
    ada.refit()
    assert kelli.primary_annotators == ()
    kelli.primary_annotators = ["ada"]
    # Where ada has a yes or a no it counts, elsewhere the majority of all.
    counts = {"c00": "yes", "c01": "yes", "c02": "no", "c03": "tie"}
    assert ada.labels["value"].to_dict() == counts
    assert ada.primary_annotators == va.Session(corpus, "night", "new").primary_annotators == ("ada",)
    assert ada.counts == {"yes": 2, "no": 1, "unsure": 0}
    assert ada.pending  # what the classifier has learnt is not what counts now
    version = ada.version
    assert ada.refit().version > version
    assert set(ada.review("yes")["clip_id"]) == {"c00", "c01"}
    kelli.primary_annotators = []
    assert ada.labels["value"]["c00"] == "no"
    assert va.Session(corpus, "rain", "ada").primary_annotators == ()
    with pytest.raises(va.LabelError, match="a list of annotators' names"):
        kelli.primary_annotators = "ada"
    with pytest.raises(va.LabelError, match="annotator's name"):
        kelli.primary_annotators = ["ada", ""]


def test_agreement_is_of_labels_given_independently(corpus: va.Corpus) -> None:
    ada, kelli, sam = sessions(corpus, "ada", "kelli", "sam")
    ada.label([f"c{i:02d}" for i in range(10)], True)
    kelli.label([f"c{i:02d}" for i in range(9)], True)
    kelli.label("c09", False)
    before = ada.agreement()
    assert (before.clips, before.measures.loc["unanimous", "value"]) == (10, 0.9)
    sam.adjudicate("c09", True)
    assert str(ada.agreement()) == str(before)
    assert ada.labels_by_annotator.loc["c09"].to_dict() == {"ada": "yes", "kelli": "no", "sam": "yes"}
    assert ada.agreement(unsure=True).clips == 10
    with pytest.raises(va.ArgumentError, match="unsure must be True or False"):
        ada.agreement(unsure="no")  # type: ignore[arg-type]


def test_a_decision_counts_over_the_majority(corpus: va.Corpus) -> None:
    ada, kelli, sam, jo = sessions(corpus, "ada", "kelli", "sam", "jo")
    for session, value in ((kelli, True), (sam, True), (ada, False)):
        session.label(["c00", "c01"], value)
    jo.label("c05", True)
    assert ada.review("disputed")["note"].tolist() == ["yes: kelli, sam · no: ada"] * 2
    with pytest.raises(
        va.LabelError, match=r"'ada' has labelled the clip 'c00' and cannot decide about it: 'jo' can\."
    ):
        ada.adjudicate("c00", False)
    with pytest.raises(va.LabelError, match="do not differ about the clip 'c05'"):
        ada.label("c05", False, source="adjudication")
    assert jo.may_decide(["c00", "c01", "c05"]) == [True, True, False]
    assert jo.adjudicate("c00", False, message_id="m") == {"c00": "no"}
    assert jo.adjudicate("c00", False, message_id="m") == {"c00": "no"}  # sent twice
    assert counted(ada) == ("no", "jo")
    assert ada.review("disputed")["clip_id"].tolist() == ["c01"]
    assert ada.review("no")["note"].tolist() == ["decided: jo · yes: kelli, sam · no: ada"]
    kelli.label("c00", True)  # the decision stays
    assert ada.counts == va.Session(corpus, "night", "later").counts == {"yes": 2, "no": 1, "unsure": 0}
    assert ada.history.iloc[-2][["annotator", "kind", "source"]].tolist() == ["jo", "label", "adjudication"]
    with pytest.raises(va.UnknownClipError):
        jo.adjudicate("gone", True)


def test_a_decision_counts_until_it_is_changed(corpus: va.Corpus) -> None:
    kelli, sam, ada, jo = sessions(corpus, "kelli", "sam", "ada", "jo")
    kelli.label("c00", True)
    sam.label("c00", False)
    assert counted(kelli) == counted(va.Session(corpus, "night", "new")) == ("tie", "")
    ada.adjudicate("c00", True)
    ada.adjudicate("c00", False)
    assert counted(kelli) == counted(va.Session(corpus, "night", "new")) == ("no", "ada")
    ada.undo()
    assert counted(kelli) == counted(va.Session(corpus, "night", "new")) == ("yes", "ada")
    ada.undo()
    assert counted(kelli) == counted(va.Session(corpus, "night", "new")) == ("tie", "")
    ada.redo()
    assert counted(kelli) == counted(va.Session(corpus, "night", "new")) == ("yes", "ada")
    jo.adjudicate("c00", False)
    assert counted(kelli) == counted(va.Session(corpus, "night", "new")) == ("no", "jo")
    jo.undo()
    assert counted(kelli) == counted(va.Session(corpus, "night", "new")) == ("yes", "ada")
    ada.label("c00", True)  # a label like any other
    assert counted(kelli) == counted(va.Session(corpus, "night", "new")) == ("yes", "")
    jo.adjudicate({"c00": False})
    assert counted(kelli) == counted(va.Session(corpus, "night", "new")) == ("no", "jo")
    jo.adjudicate("c00", None)
    assert counted(kelli) == counted(va.Session(corpus, "night", "new")) == ("yes", "")


def test_one_of_two_decides_where_there_is_nobody_else(corpus: va.Corpus) -> None:
    kelli, sam = sessions(corpus, "kelli", "sam")
    kelli.label("c00", True)
    sam.label("c00", False)
    assert kelli.may_decide("c00") == sam.may_decide("c00") == [True]
    sam.adjudicate("c00", True)
    assert counted(kelli) == ("yes", "sam")
    assert (kelli.may_decide("c00"), sam.may_decide("c00")) == ([False], [True])
    assert kelli.answers("c00")["c00"].votes == {"kelli": "yes"}


def test_a_replay_counts_labels_by_the_rule_of_its_time(corpus: va.Corpus) -> None:
    kelli, sam, ada = sessions(corpus, "kelli", "sam", "ada")
    kelli.label({f"c{i:02d}": i < 40 for i in range(0, 80, 8)})
    sam.label({"c00": False, "c08": False, "c16": False})
    states = []

    def note() -> None:
        kelli.refit()
        states.append((kelli.version, kelli.labels, kelli.scores(), kelli.counts))

    note()
    kelli.primary_annotators = ["kelli"]
    note()
    ada.adjudicate({"c08": False})
    note()
    kelli.primary_annotators = []
    note()
    ada.undo()
    sam.label("c24", False)
    note()
    assert [version for version, *_ in states] == [1, 2, 3, 4, 5]
    for version, labels, scores, counts in states:
        then = kelli.at(version)
        assert then.labels.equals(labels)
        assert then.counts == counts
        assert np.array_equal(then.scores(), scores)
    assert len({tuple(scores) for _, _, scores, _ in states}) == 5
    event = int(kelli.history["event_id"].iloc[-3])  # the decision
    assert kelli.replay(event).labels.loc[["c08"], "decided"].tolist() == ["ada"]
    later = va.Session(corpus, "night", "kelli")
    later.primary_annotators = ["sam"]
    again = va.Session(corpus, "night", "kelli")  # its first classifier is not that of the newest refit
    again.refit()
    assert again.at(again.version).labels.equals(again.labels)


def test_primary_annotators_are_people_who_label(corpus: va.Corpus) -> None:
    kelli, sam = sessions(corpus, "kelli", "sam")
    with pytest.warns(va.VaWarning, match="Nobody has labelled yet: check how 'sam'"):
        kelli.primary_annotators = ["sam"]
    sam.label("c00", True)
    with pytest.raises(va.LabelError, match="'Sma' has labelled nothing: did you mean 'sam'"):
        kelli.primary_annotators = ["Sma"]
    with pytest.raises(va.LabelError, match="'nobody' has labelled nothing: there are 'sam'"):
        kelli.primary_annotators = ["sam", "nobody"]
    kelli.primary_annotators = ["kelli", " sam "]  # oneself, and a name that looks the same
    assert sam.primary_annotators == ("kelli", "sam")
    kelli.primary_annotators = []
    assert not sam.primary_annotators
