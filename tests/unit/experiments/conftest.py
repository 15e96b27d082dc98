"""What the tests of experiments share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from va_widgets.experiments.compare import one_thread


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small matrices are multiplied faster by one thread than by several that wait for each other."""
    with one_thread():
        yield
