"""Agreement: the majority of the annotators' newest values."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from va_widgets.labels.agreement import Agreement
from va_widgets.labels.store import Event, StoredValue


def agreement(votes: list[tuple[str, str, StoredValue]]) -> Agreement:
    found = Agreement()
    found.take(Event(i + 1, who, clip, value, f"t{i:03d}", "search") for i, (clip, who, value) in enumerate(votes))
    return found


def test_majority_ties_and_unsure() -> None:
    found = agreement(
        [
            ("majority", "a", "yes"),
            ("majority", "b", "no"),
            ("majority", "c", "yes"),
            ("draw", "a", "yes"),
            ("draw", "b", "no"),
            ("helped", "a", "unsure"),
            ("helped", "b", "no"),
            ("open", "a", "unsure"),
        ]
    )
    assert found.values == {"majority": "yes", "draw": "tie", "helped": "no", "open": "unsure"}
    assert found.table()["value"].to_dict() == found.values
    assert found.table()["agree"].to_dict() == {"majority": False, "draw": False, "helped": False, "open": True}
    assert found.counts == {"yes": 1, "no": 1, "unsure": 1}
    clips, y = found.training_set()
    assert clips == ["helped", "majority"]
    assert y.tolist() == [False, True]
    assert found.own("a") == {"majority": "yes", "draw": "yes", "helped": "unsure", "open": "unsure"}


def test_nothing_said() -> None:
    found = agreement([])
    assert found.table().empty
    assert found.said().empty
    clips, y = found.training_set()
    assert clips == []
    assert y.shape == (0,)


VALUES = st.sampled_from(["yes", "no", "unsure", "none"])
EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("ktv"), VALUES))


@given(EVENTS, st.integers(0, 20))
def test_against_counting_by_hand(events: list[tuple[str, str, StoredValue]], cut: int) -> None:
    votes: dict[tuple[str, str], str] = {}
    times: dict[tuple[str, str], str] = {}
    for i, (clip, who, value) in enumerate(events):
        votes.pop((clip, who), None)
        times.pop((clip, who), None)
        if value != "none":
            votes[clip, who], times[clip, who] = value, f"t{i:03d}"
    found = agreement(events[:cut])
    later = agreement(events).said()
    found.take(
        Event(i + 1, who, clip, value, f"t{i:03d}", "search") for i, (clip, who, value) in enumerate(events) if i >= cut
    )
    pd.testing.assert_frame_equal(found.said(), later)
    assert (found.event, found.since(cut)) == (len(events), max(0, len(events) - cut))
    assert list(zip(later["clip_id"], later["annotator"], strict=True)) == list(votes)
    table = found.table()
    assert set(table.index) == set(found.values) == {clip for clip, _ in votes}
    assert table["time"].is_monotonic_increasing
    for index, row in table.iterrows():
        said = [value for (clip, _), value in votes.items() if clip == index]
        yes, no = said.count("yes"), said.count("no")
        expected = "unsure" if yes + no == 0 else "yes" if yes > no else "no" if no > yes else "tie"
        assert row["value"] == expected
        assert row["annotators"] == len(said)
        assert row["agree"] == (len(set(said)) == 1)
        assert row["time"] == max(time for (clip, _), time in times.items() if clip == index)
