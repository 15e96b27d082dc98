"""Fixtures of the experiments' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from va_widgets.base.threads import one_thread, one_torch_thread


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Run each test with one thread, which is faster for small matrices than several."""
    with one_torch_thread(), one_thread():
        yield
