"""Fixtures of the experiments' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from va_widgets.experiments.compare import one_thread


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Run each test with one thread, which is faster for small matrices than several."""
    with one_thread():
        yield
