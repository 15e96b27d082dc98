"""The tiers of tests, and how long each of them took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest


@dataclass
class TierTime:
    """How many tests of a tier ran, and for how many seconds, with their fixtures."""

    tests: int = 0
    seconds: float = 0.0


def times_by_tier(reports: Iterable[pytest.TestReport]) -> dict[str, TierTime]:
    """Return the times of the folders below `tests`, such as "tests/unit", in the order of their first tests.

    The time of a fixture that several tests share counts where it was first used.
    """
    times: dict[str, TierTime] = {}
    for report in sorted(reports, key=lambda report: report.start):
        tier = "/".join(report.nodeid.split("::")[0].split("/")[:2])
        time = times.setdefault(tier, TierTime())
        time.tests += report.when == "setup"
        time.seconds += report.duration
    return times
