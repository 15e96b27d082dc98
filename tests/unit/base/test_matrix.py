"""Products of large matrices and small ones."""

from __future__ import annotations

import threading

import pytest
import scipy.linalg  # noqa: F401  brings a BLAS of its own
from threadpoolctl import threadpool_info

from va_widgets.base.matrix import one_thread


def threads() -> set[int]:
    """How many threads NumPy's BLAS may use, and SciPy's; other packages bring some that no product of ours runs on."""
    ours = [library for library in threadpool_info() if "scipy_openblas" in library["filepath"]]
    if not ours:
        pytest.skip("NumPy and SciPy were built with another BLAS than OpenBLAS")
    return {library["num_threads"] for library in ours}


def test_small_products_run_on_one_thread_wherever_they_are_asked_for() -> None:
    before = threads()
    with one_thread():
        assert threads() == {1}
    seen: list[set[int]] = []

    def run() -> None:
        with one_thread():
            with one_thread():
                seen.append(threads())
            seen.append(threads())

    for _ in range(2):  # a refit's thread after the session's own, and the next one after it
        other = threading.Thread(target=run)
        other.start()
        other.join()
    assert seen == [{1}] * 4
    assert threads() == before


def test_two_threads_within_leave_the_limit_as_they_found_it() -> None:
    before = threads()
    entered, left = threading.Event(), threading.Event()

    def stay() -> None:
        with one_thread():
            entered.set()
            left.wait()

    other = threading.Thread(target=stay)
    other.start()
    try:
        entered.wait()
        with one_thread():
            assert threads() == {1}
        assert threads() == {1}, "the other one is still within"
    finally:
        left.set()
        other.join()
    assert threads() == before
