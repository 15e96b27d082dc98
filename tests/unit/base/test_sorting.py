"""The order of many numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from va_widgets.base.sorting import order_of

NUMBERS = st.floats(width=32) | st.sampled_from([0.0, -0.0, 0.5, float("nan"), float("inf"), -float("inf")])


FLOATS = arrays(np.float32, st.integers(0, 60), elements=NUMBERS)


@given(FLOATS, st.sampled_from([np.float32, np.float64]), st.booleans())
def test_it_is_that_of_a_stable_sort(values: NDArray[np.float32], kind: type, highest_first: bool) -> None:
    numbers: NDArray[np.floating[Any]] = values.astype(kind)
    expected = np.argsort(-numbers if highest_first else numbers, kind="stable")
    assert order_of(numbers, highest_first=highest_first).tolist() == expected.tolist()
