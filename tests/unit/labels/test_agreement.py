"""Agreement: the majority of the annotators' newest values."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from va_widgets.labels.agreement import resolve, training_set


def current(votes: list[tuple[str, str, str]]) -> pd.DataFrame:
    rows = [(clip, who, value, f"t{i:03d}", "search", i) for i, (clip, who, value) in enumerate(votes)]
    return pd.DataFrame(rows, columns=["clip_id", "annotator", "value", "time", "source", "event_id"])


def test_majority_ties_and_unsure() -> None:
    resolved = resolve(
        current(
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
    )
    assert resolved["value"].to_dict() == {"majority": "yes", "draw": "tie", "helped": "no", "open": "unsure"}
    assert resolved["agree"].to_dict() == {"majority": False, "draw": False, "helped": False, "open": True}
    assert training_set(resolved)[0] == ["helped", "majority"]
    assert training_set(resolved)[1].tolist() == [False, True]


def test_nothing_said() -> None:
    resolved = resolve(current([]))
    assert resolved.empty
    clips, y = training_set(resolved)
    assert clips == []
    assert y.shape == (0,)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["k", "t", "v"])),
        st.sampled_from(["yes", "no", "unsure"]),
    )
)
def test_against_counting_by_hand(votes: dict[tuple[str, str], str]) -> None:
    resolved = resolve(current([(clip, who, value) for (clip, who), value in votes.items()]))
    assert set(resolved.index) == {clip for clip, _ in votes}
    for clip, row in resolved.iterrows():
        said = [value for (other, _), value in votes.items() if other == clip]
        yes, no = said.count("yes"), said.count("no")
        expected = "unsure" if yes + no == 0 else "yes" if yes > no else "no" if no > yes else "tie"
        assert row["value"] == expected
        assert row["annotators"] == len(said)
        assert row["agree"] == (len(set(said)) == 1)
