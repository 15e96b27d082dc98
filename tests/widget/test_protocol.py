"""The golden messages, from the kernel's side; js/tests/kernel/protocol.test.ts reads the same files."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import va_widgets as va
from va_widgets.widget import explorer_protocol, protocol

CASES = Path(__file__).parents[1] / "protocol_cases"


def cases(name: str) -> list[Any]:
    found: list[Any] = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("message", cases("requests"), ids=lambda message: message["type"])
def test_a_request_is_understood(message: dict[str, Any]) -> None:
    request = protocol.parse(message)
    assert msgspec.to_builtins(request) == message


def test_every_request_has_a_golden_message_and_reply() -> None:
    known = {kind.__struct_config__.tag for kind in protocol.Request.__args__}
    assert {message["type"] for message in cases("requests")} == known
    assert {message["type"] for message in cases("replies")} == known


@pytest.mark.parametrize("case", cases("refused"), ids=lambda case: case["name"])
def test_what_is_no_request_is_refused_in_one_sentence(case: dict[str, Any]) -> None:
    with pytest.raises(va.ProtocolError) as refused:
        protocol.parse(case["message"])
    assert refused.value.code == case["code"]
    assert case["says"] in str(refused.value)
    assert str(refused.value).endswith(".")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from(["v", "id", "type", "clips", "value", "k", "text", "clip", "name", "exclude", "source"])
TYPES = st.sampled_from([message["type"] for message in cases("requests")])


@given(content=st.dictionaries(KEYS, JSON), type=TYPES)
def test_whatever_comes_is_a_request_or_a_protocol_error(content: dict[str, Any], type: str) -> None:
    for message in (content, {**content, "v": 1, "id": "a", "type": type}):
        with contextlib.suppress(va.ProtocolError):
            protocol.parse(message)


def test_replies_are_built_as_the_golden_ones() -> None:
    requests = {message["type"]: protocol.parse(message) for message in cases("requests")}
    for golden in cases("replies"):
        result = golden["result"]
        typed: dict[str, Any] = dict(result)
        if "status" in result:
            typed["status"] = msgspec.convert(result["status"], protocol.Status)
        if "cards" in result:
            typed["cards"] = msgspec.convert(result["cards"], list[protocol.Card])
        if "concepts" in result:
            typed["concepts"] = msgspec.convert(result["concepts"], list[protocol.ConceptShown])
        if "strips" in result:
            typed["strips"] = msgspec.convert(result["strips"], list[protocol.Strip])
        assert protocol.reply(requests[golden["type"]], typed) == golden


def test_events_and_failures_are_built_as_the_golden_ones() -> None:
    for golden in cases("events"):
        typed = {**golden["data"], "status": msgspec.convert(golden["data"]["status"], protocol.Status)}
        if "selection" in typed:
            typed["selection"] = msgspec.convert(typed["selection"], protocol.Selection)
        assert protocol.event(golden["event"], typed) == golden
    for golden in cases("failures"):
        error = golden["error"]
        assert protocol.failure(golden["id"], golden["type"], error["code"], error["message"]) == golden


@pytest.mark.parametrize("message", cases("explorer_requests"), ids=lambda message: message["type"])
def test_a_request_of_the_explorer_is_understood(message: dict[str, Any]) -> None:
    request = protocol.parse(message, explorer_protocol.ExplorerRequest)
    assert msgspec.to_builtins(request) == message
    with pytest.raises(va.ProtocolError):
        protocol.parse({**message, "id": ""}, explorer_protocol.ExplorerRequest)


def test_every_request_of_the_explorer_has_a_golden_message_and_a_reply_that_is_built_so() -> None:
    known = {kind.__struct_config__.tag for kind in explorer_protocol.ExplorerRequest.__args__}
    requests = {message["type"]: protocol.parse(message, explorer_protocol.ExplorerRequest) for message in EXPLORER}
    assert set(requests) == known == {golden["type"] for golden in cases("explorer_replies")}
    for golden in cases("explorer_replies"):
        typed: dict[str, Any] = dict(golden["result"])
        for field, kind in SHOWN.items():
            if field in typed:
                typed[field] = msgspec.convert(typed[field], kind)
        assert protocol.reply(requests[golden["type"]], typed) == golden


EXPLORER = cases("explorer_requests")
SHOWN: dict[str, Any] = {
    "names": list[explorer_protocol.NameShown | str],
    "saved": list[explorer_protocol.SavedQueryShown],
    "fault": explorer_protocol.Fault | None,
    "completions": list[explorer_protocol.NameShown],
    "hits": list[explorer_protocol.Hit],
    "histograms": list[explorer_protocol.HistogramShown],
    "facet": explorer_protocol.FacetShown | None,
    "concepts": list[protocol.ConceptShown],
    "tracks": list[explorer_protocol.Track],
    "strips": list[protocol.Strip],
}
