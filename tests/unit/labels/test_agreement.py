"""Agreement: the majority of the annotators' newest values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from va_widgets.labels.agreement import Agreement, table
from va_widgets.labels.label_store import Event, StoredValue
from va_widgets.labels.majority import CountingRule, Decision


def events_of(votes: list[tuple[str, str, StoredValue]]) -> list[Event]:
    sources = ("search", "random", "review")
    return [Event(i + 1, who, clip, value, f"t{i:03d}", sources[i % 3]) for i, (clip, who, value) in enumerate(votes)]


def newest_labels(events: list[Event]) -> list[Event]:
    """Each annotator's newest event of each clip, unless it is "none", oldest first."""
    newest = {(event.clip_id, event.annotator): event for event in events}
    return sorted(event for event in newest.values() if event.value != "none")


def agreement(events: list[Event]) -> Agreement:
    found = Agreement()
    found.take(events)
    return found


def test_majority_ties_and_unsure() -> None:
    events = events_of(
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
    found, labels = agreement(events), table(newest_labels(events))
    assert found.values == {"majority": "yes", "draw": "tie", "helped": "no", "open": "unsure"}
    assert labels["value"].to_dict() == found.values
    assert labels["agree"].to_dict() == {"majority": False, "draw": False, "helped": False, "open": True}
    assert found.counts == {"yes": 1, "no": 1, "unsure": 1}
    clips, y = found.training_set()
    assert clips == ["helped", "majority"]
    assert y.tolist() == [False, True]
    assert found.own("a") == {"majority": "yes", "draw": "yes", "helped": "unsure", "open": "unsure"}


def test_nothing_said() -> None:
    found = agreement([])
    assert table([]).empty
    assert found.annotators() == {}
    clips, y = found.training_set()
    assert clips == []
    assert y.shape == (0,)


def sources_by_hand(found: Agreement, events: list[Event]) -> dict[str, int]:
    ever = {
        source: {event.clip_id for event in events if event.source == source}
        for source in {event.source for event in events}
    }
    return {source: len(clips & found.values.keys()) for source, clips in ever.items()}


VALUES = st.sampled_from(["yes", "no", "unsure", "none"])
EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("ktv"), VALUES))


@given(EVENTS, st.integers(0, 20))
def test_against_counting_by_hand(votes: list[tuple[str, str, StoredValue]], cut: int) -> None:
    standing_votes: dict[tuple[str, str], str] = {}
    times: dict[tuple[str, str], str] = {}
    for i, (clip, who, value) in enumerate(votes):
        standing_votes.pop((clip, who), None)
        times.pop((clip, who), None)
        if value != "none":
            standing_votes[clip, who], times[clip, who] = value, f"t{i:03d}"
    events = events_of(votes)
    found = agreement(events[:cut])
    assert found.sources == sources_by_hand(found, events[:cut])
    found.take(events[cut:])
    assert found.sources == sources_by_hand(found, events)
    assert (found.event, found.since(cut)) == (len(events), max(0, len(events) - cut))
    labels = table(newest_labels(events))
    assert set(labels.index) == set(found.values) == {clip for clip, _ in standing_votes}
    assert labels["value"].to_dict() == found.values
    assert found.counts == {name: list(found.values.values()).count(name) for name in ("yes", "no", "unsure")}
    for who in "ktv":
        own = {clip: value for (clip, name), value in standing_votes.items() if name == who}
        assert found.own(who) == own
        counted = {name: list(own.values()).count(name) for name in ("yes", "no", "unsure")}
        assert found.annotators().get(who, dict.fromkeys(counted, 0)) == counted
    assert labels["time"].is_monotonic_increasing
    for index, row in labels.iterrows():
        said = [value for (clip, _), value in standing_votes.items() if clip == index]
        yes, no = said.count("yes"), said.count("no")
        expected = "unsure" if yes + no == 0 else "yes" if yes > no else "no" if no > yes else "tie"
        assert row["value"] == expected
        assert row["annotators"] == len(said)
        assert row["agree"] == (len(set(said)) == 1)
        assert row["time"] == max(time for (clip, _), time in times.items() if clip == index)


def test_another_rule_counts_at_once_and_for_later_labels() -> None:
    events = events_of([("one", "a", "yes"), ("one", "b", "no"), ("one", "c", "no"), ("two", "a", "yes")])
    found = agreement(events)
    assert found.values == {"one": "no", "two": "yes"}
    rules = (
        (CountingRule(frozenset("a")), "yes"),
        (CountingRule(frozenset("a"), {"one": Decision("d", "unsure", 9), "gone": Decision("d", "no", 8)}), "unsure"),
        (CountingRule(frozenset("a"), {"one": Decision("d", "no", 10)}), "no"),
        (CountingRule(frozenset("a")), "yes"),
        (CountingRule(frozenset("ab")), "no"),  # they draw, and the majority of all is no
        (CountingRule(), "no"),
    )
    for rule, value in rules:
        found.follow(rule)
        assert found.values == {"one": value, "two": "yes"}
        assert found.counts == {name: list(found.values.values()).count(name) for name in ("yes", "no", "unsure")}
        assert table(newest_labels(events), rule)["value"].to_dict() == found.values
    found.follow(CountingRule(frozenset("a")))
    found.take([Event(5, "a", "one", "none", "t", "review")])
    assert found.values["one"] == "no"
    assert sorted(found.unread("b")) == ["two"]
    assert (found.has_others("a"), agreement(events[3:]).has_others("a")) == (True, False)
