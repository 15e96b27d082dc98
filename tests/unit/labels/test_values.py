"""Labels in all the forms in which people have them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import va_widgets as va
from va_widgets.labels.values import read_labels

MEANT: dict[str, list[Any]] = {
    "yes": [True, np.bool_(True), "yes", "YES", " Yes ", 1, 1.0, np.int64(1), np.float32(1), np.array(True)],
    "no": [False, np.bool_(False), "no", "No\n", 0, 0.0, -0.0, np.uint8(0), np.float64(0), np.array(0)],
    "unsure": ["unsure", "Unsure", np.str_("unsure")],
    "none": [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT", "ns")],
}
NOT_MEANT: list[Any] = [
    "", "maybe", "none", "true", "1", 2, -1, 0.5, np.int64(3), float("inf"), 1j, b"yes", [True], (), {}, object(), int,
]  # fmt: skip
pairs = st.lists(
    st.tuples(st.text(min_size=1, max_size=4), st.sampled_from([(k, v) for k, some in MEANT.items() for v in some])),
    unique_by=lambda pair: pair[0],
    max_size=8,
)


def objects(values: Iterable[Any], index: Any = None) -> pd.Series[Any]:
    return pd.Series(list(values), index=index, dtype=object)


@given(pairs)
def test_every_form_of_the_same_labels_is_read_alike(given: list[tuple[str, tuple[str, Any]]]) -> None:
    clips = [clip for clip, _ in given]
    values = [value for _, (_, value) in given]
    expected = {clip: stored for clip, (stored, _) in given}
    index = pd.Index(clips, dtype=object)
    table = pd.DataFrame({"clip_id": objects(clips), "value": objects(values)})
    alone: list[Any] = [
        dict(zip(clips, values, strict=True)),
        objects(values, index),
        table,
        table.set_index("clip_id"),
        table.assign(score=0.5),
    ]
    for one in alone:
        assert read_labels(one) == expected
    both: list[tuple[Any, Any]] = [
        (clips, values),
        (tuple(clips), iter(values)),
        (index, tuple(values)),
        (objects(clips), objects(values)),
        (table[["clip_id"]], table["value"]),
        (dict.fromkeys(clips).keys(), dict(enumerate(values)).values()),
        (clips, objects(values, index)[::-1]),  # by its index
        (objects(clips), objects(values, index)[::-1]),
    ]
    for some, of in both:
        assert read_labels(some, of) == expected


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([True, False, True], dtype=bool),
        pd.Series([True, False, True], dtype="boolean"),
        pd.Series([1, 0, 1], dtype="uint8"),
        pd.Series([1, 0, 1], dtype="Int64"),
        pd.Series(["yes", "no", "YES"], dtype="string"),
        pd.Series(["yes", "no", "yes"], dtype="category"),
        pd.Series([True, False, True], dtype="bool[pyarrow]"),
    ],
    ids=lambda values: str(values.dtype),
)
def test_the_types_of_pandas(values: pd.Series[Any]) -> None:
    expected = {"a": "yes", "b": "no", "c": "yes"}
    assert read_labels(values.set_axis(["a", "b", "c"])) == expected
    assert read_labels(["a", "b", "c"], values) == expected
    assert read_labels(["a", "b", "c"], values.to_numpy()) == expected
    missing = values.set_axis(["a", "b", "c"]).reindex(["a", "gone"])
    assert read_labels(missing) == {"a": "yes", "gone": "none"}


@pytest.mark.parametrize(
    "clips",
    ["a", ["a", "b"], ("a", "b"), {"b", "a"}, np.array(["a", "b"]), pd.Index(["a"]), pd.Series(["a", "b"]), []],
)
def test_one_value_counts_for_every_clip(clips: Any) -> None:
    ids = [clips] if isinstance(clips, str) else list(clips)
    assert read_labels(clips, "unsure") == dict.fromkeys(ids, "unsure")
    assert read_labels(pd.DataFrame({"clip_id": ids, "score": 0.5}), True) == dict.fromkeys(ids, "yes")


UNCLEAR: list[Callable[[], object]] = [
    lambda: read_labels({"a": True}, False),
    lambda: read_labels({"a": "maybe"}),
    lambda: read_labels("a"),
    lambda: read_labels(["a", "b"]),
    lambda: read_labels(["a", "b"], [True]),
    lambda: read_labels(["a"], [True, False]),
    lambda: read_labels("ab", [True, False]),
    lambda: read_labels({"a", "b"}, [True, False]),
    lambda: read_labels(["a", "b"], {True, False}),
    lambda: read_labels(["a"], {"a": True}),  # type: ignore[dict-item]
    lambda: read_labels(["a", "b"], pd.DataFrame({"value": [True, False]})),  # type: ignore[arg-type]
    lambda: read_labels(["a", "b"], pd.Series([True, False], ["a", "c"])),
    lambda: read_labels(["a", "b"], pd.Series([True, False], [7, 9])),
    lambda: read_labels(["a", "b"], np.array([[True], [False]])),
    lambda: read_labels(pd.Series(["a", "b"], [3, 4]), pd.Series([True, False])),
    lambda: read_labels(pd.Series([True, False], ["a", "b"]), True),
    lambda: read_labels(pd.Series(["a", "b"])),
    lambda: read_labels(pd.DataFrame({"clip_id": ["a"], "score": [0.5]})),
    lambda: read_labels(pd.DataFrame({"value": [True]})),
    lambda: read_labels(pd.DataFrame([["a", True, True]], columns=["clip_id", "value", "value"])),
    lambda: read_labels(["a", "a"], [True, False]),
    lambda: read_labels(["a", 5], True),  # type: ignore[list-item]
    lambda: read_labels([None], True),  # type: ignore[list-item]
    lambda: read_labels(b"a", True),  # type: ignore[arg-type]
    lambda: read_labels(None, True),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("call", UNCLEAR)
def test_what_is_not_clear_is_one_sentence(call: Callable[[], object]) -> None:
    with pytest.raises(va.LabelError) as error:
        call()
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


@pytest.mark.parametrize("value", NOT_MEANT, ids=repr)
def test_what_is_no_label_is_named(value: Any) -> None:
    one: tuple[Any, ...]
    for one in (({"a": True, "b": value},), (["a", "b"], [True, value])):
        with pytest.raises(va.LabelError, match=r"^A label is True, False, .* as for the clip 'b'\.$"):
            read_labels(*one)


def test_the_same_clip_twice_with_one_label_is_no_mistake() -> None:
    assert read_labels(["a", "b", "a"], [True, False, "yes"]) == {"a": "yes", "b": "no"}
    with pytest.raises(va.LabelError, match="The clip 'a' comes twice, as 'yes' and as 'none'"):
        read_labels(["a", "b", "a"], [True, False, None])


# --- in a session ------------------------------------------------------------------------------------


@pytest.fixture
def session(tmp_path: Path) -> va.Session:
    clips = pd.DataFrame({"clip_id": [f"c{i}" for i in range(12)]})
    return va.Session(va.Corpus.from_embeddings(tmp_path / "c", np.eye(12), clips), "night")


def test_labels_of_all_forms_are_one_action_each(session: va.Session) -> None:
    heard: list[Any] = []
    session.subscribe(lambda _, data: heard.append(data))
    assert session.label({"c0": True, "c1": False, "c2": "unsure"}) == {"c0": "yes", "c1": "no", "c2": "unsure"}
    session.label(pd.Series([True, None, False], ["c3", "c0", "c4"], dtype="boolean"))
    assert session.own_labels == {"c1": "no", "c2": "unsure", "c3": "yes", "c4": "no"}
    assert len(heard) == 2
    session.undo()
    assert session.own_labels == {"c0": "yes", "c1": "no", "c2": "unsure"}
    session.undo()
    assert session.own_labels == {}
    page = session.feed("random", 4)
    session.label(page, np.array([1, 0, np.nan, 1]))
    assert session.counts == {"yes": 2, "no": 1, "unsure": 0}


def test_labels_and_reviews_of_one_concept_can_be_given_to_another(session: va.Session) -> None:
    session.label({"c0": True, "c1": False, "c2": "unsure"})
    other, third = session.for_concept("dusk"), session.for_concept("dawn")
    other.label(session.labels)
    third.label(session.review())
    assert other.own_labels == third.own_labels == session.own_labels


def test_what_cannot_be_stored_changes_nothing(session: va.Session) -> None:
    session.label("c0", True)
    heard: list[Any] = []
    session.subscribe(lambda _, data: heard.append(data))
    with pytest.raises(
        va.UnknownClipError, match=r"^2 of the 3 clips are not in this corpus \('x', 'y'\): see corpus\.clips\.index\.$"
    ):
        session.label({"x": True, "c1": False, "y": True})
    with pytest.raises(va.UnknownClipError, match=r"^The clip is not in this corpus \('x'\)"):
        session.label("x", True)
    with pytest.raises(va.LabelError):
        session.label({"c1": True, "c2": "maybe"})
    with pytest.raises(va.LabelError):
        session.label("c1", True, "x" * 65)
    assert len(session.history) == 1
    assert heard == []
    assert session.undo() == {"c0": "none"}


def test_no_clips_are_no_action(session: va.Session) -> None:
    session.label("c0", True)
    empty: list[Any] = [{}, pd.Series(dtype=bool), pd.DataFrame({"clip_id": [], "value": []})]
    assert [session.label(one) for one in empty] == [{}, {}, {}]
    assert session.label([], True) == {}
    assert session.undo() == {"c0": "none"}
