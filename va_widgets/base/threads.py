"""Context managers that limit numeric libraries to one thread for a while."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Run numpy, scipy and scikit-learn, which is BLAS and OpenMP, on one thread.

    Sums are added up in one order, so that results are the same on every machine. Entering takes milliseconds, because
    the libraries that are loaded now are looked for.
    """
    libraries = ThreadpoolController()
    with libraries.select(user_api="openmp").limit(limits=1), _limited(libraries.select(user_api="blas")):
        yield


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run matrix products of numpy and scipy on one thread. Cheap: for products that take less than a millisecond.

    Threads that share a short product spend most of their time waiting for each other.
    """
    with _limited(_blas()):
        yield


@contextmanager
def one_torch_thread() -> Iterator[int]:
    """Run torch, if it is loaded, on one thread; yields how many threads it used before, or 1 if it is not loaded.

    The limit holds for the calling thread and for threads that use torch for the first time meanwhile; torch keeps one
    number for each thread. Threads of a pool set it themselves, by `torch.set_num_threads`.
    """
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "set_num_threads"):  # another thread is importing it
        yield 1
        return
    before: int = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield before
    finally:
        torch.set_num_threads(before)


@contextmanager
def torch_pool() -> Iterator[ThreadPoolExecutor]:
    """Run a pool of as many threads as torch uses, each of which runs torch on one thread.

    For many operations on parts of large tensors: torch's own threads wait for each other after every operation, which
    on a busy machine takes longer than the operations. torch must be loaded.
    """
    torch = sys.modules["torch"]
    with (
        one_torch_thread() as threads,
        ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool,
    ):
        yield pool


@contextmanager
def _limited(blas: ThreadpoolController) -> Iterator[None]:
    """Limit BLAS, whose limit holds for the whole process and can only be lifted by the thread that set it.

    A second thread therefore neither sets nor lifts it, and uses several threads from when the first one leaves.
    """
    if not _blas_limit.acquire(blocking=False):
        yield
        return
    try:
        with blas.limit(limits=1):
            yield
    finally:
        _blas_limit.release()


_blas_limit = threading.Lock()


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")
