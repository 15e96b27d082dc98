"""The time of the suite by tier, which is printed at the end of a run."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.tiers import TierTime, times_by_tier


def report(name: str, when: Literal["setup", "call"], start: float, duration: float) -> pytest.TestReport:
    place = (name, None, "")
    return pytest.TestReport(name, place, {}, "passed", None, when, duration=duration, start=start, stop=start)


def test_times_are_summed_by_tier_in_the_order_of_the_run() -> None:
    reports = [
        report("tests/widget/test_map.py::test_b", "call", 7.0, 2.0),
        report("tests/widget/test_map.py::test_b", "setup", 6.0, 1.0),
        report("tests/browser/test_words.py::test_a[x/y]", "setup", 1.0, 0.5),
        report("tests/browser/test_words.py::test_a[x/y]", "call", 1.5, 0.5),
        report("tests/browser/test_words.py::test_c", "setup", 3.0, 0.25),  # skipped there
        report("tests/browser/test_words.py::test_a[x/y]", "call", 2.0, 0.25),
    ]
    times = times_by_tier(reports)
    assert list(times.items()) == [("tests/browser", TierTime(2, 1.5)), ("tests/widget", TierTime(1, 3.0))]


def test_a_run_prints_them(pytestconfig: pytest.Config) -> None:
    hooks = pytestconfig.pluginmanager.hook.pytest_terminal_summary.get_hookimpls()
    assert any(str(hook.plugin_name).replace("\\", "/").endswith("tests/conftest.py") for hook in hooks)
