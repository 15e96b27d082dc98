"""Limits on the threads of BLAS, OpenMP and torch."""

from __future__ import annotations

import threading

import pytest
import scipy.linalg  # noqa: F401  brings a BLAS of its own
import torch
from threadpoolctl import threadpool_info

from va_widgets.base.threads import one_blas_thread, one_thread, one_torch_thread


def threads() -> set[int]:
    """How many threads NumPy's BLAS may use, and SciPy's; other packages bring some that no product of ours runs on."""
    ours = [library for library in threadpool_info() if "scipy_openblas" in library["filepath"]]
    if not ours:
        pytest.skip("NumPy and SciPy were built with another BLAS than OpenBLAS")
    return {library["num_threads"] for library in ours}


def test_small_products_run_on_one_thread_wherever_they_are_asked_for() -> None:
    before = threads()
    with one_blas_thread():
        assert threads() == {1}
    seen: list[set[int]] = []

    def run() -> None:
        with one_blas_thread():
            with one_blas_thread():
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
        with one_blas_thread():
            entered.set()
            left.wait()

    other = threading.Thread(target=stay)
    other.start()
    try:
        entered.wait()
        with one_blas_thread():
            assert threads() == {1}
        assert threads() == {1}, "the other one is still within"
    finally:
        left.set()
        other.join()
    assert threads() == before


def test_limits_end_with_an_exception() -> None:
    blas, number = threads(), torch.get_num_threads()

    def interrupted() -> None:
        with one_torch_thread() as before, one_thread():
            assert (before, torch.get_num_threads(), threads()) == (2, 1, {1})
            raise KeyboardInterrupt

    try:
        torch.set_num_threads(2)
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert (torch.get_num_threads(), threads()) == (2, blas)
    finally:
        torch.set_num_threads(number)
