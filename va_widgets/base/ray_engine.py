"""Where work runs: on this machine alone, or on a cluster by Ray, and how that cluster is reached."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

from va_widgets.base import arguments
from va_widgets.base.arguments import described, is_one_of
from va_widgets.base.errors import ArgumentError, EngineError, MissingPackageError

LOCAL, RAY = "local", "ray"
_ADDRESS_VARIABLE = "RAY_ADDRESS"  # Ray's own
_THIS_MACHINES = "auto"  # the cluster that runs on this machine
_ANSWERS_WITHIN = 10.0  # seconds
_STARTS = 3


@dataclass(frozen=True)
class RayEngine:
    """How Ray spreads work, to be given as `engine`; `engine="ray"` is `va.RayEngine()`.

    All machines must see the corpus, its videos and the output at the same paths, as on a shared file system, and have
    the same versions of Python, Ray and va-widgets. A worker that dies is replaced, and its task done again.

    Parameters
    ----------
    address : str, optional
        "host:6379" of the cluster that this machine belongs to, or "auto". By default the one that RAY_ADDRESS names;
        without it, Ray is started on this machine, and ended afterwards. If Ray runs in this process already, that is
        used, and goes on running.
    workers : int, optional
        Processes that hold the weights, each once. By default as many as the cluster's processors have room for.
    cpus : int
        Processor cores of each.
    gpus : float
        GPUs of each, which may be a part of one.

    Raises ArgumentError for values that are none of these.
    """

    address: str | None = None
    workers: int | None = None
    cpus: int = 1
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if self.address is not None:
            _host_and_port(self.address)
        if self.workers is not None:
            arguments.count(self.workers, "workers", least=1)
        arguments.count(self.cpus, "cpus", least=1)
        arguments.number(self.gpus, "gpus", least=0)

    @property
    def cluster(self) -> str | None:
        """The address of the cluster to connect to; None to start one here."""
        return self.address or os.environ.get(_ADDRESS_VARIABLE) or None


Engine: TypeAlias = str | RayEngine
"""What people give as `engine`: "local", "ray" or a RayEngine."""


def as_engine(engine: Engine) -> RayEngine | None:
    """Return how Ray is to spread work; None for "local".

    Raises ArgumentError for any other engine, MissingPackageError if Ray is not installed, and EngineError if nothing
    answers at the address of the cluster: before any work is begun.
    """
    if is_one_of(engine, (LOCAL,)):
        return None
    if is_one_of(engine, (RAY,)):
        engine = RayEngine()
    if not isinstance(engine, RayEngine):
        raise ArgumentError(f'engine must be "local", "ray" or a va.RayEngine, not {described(engine)}.')
    if not _is_installed():
        raise MissingPackageError('The engine "ray" needs Ray, which is not installed: pip install "va-widgets[ray]".')
    if engine.cluster is not None:
        _check_answers(engine.cluster)
    return engine


@contextmanager
def running(engine: RayEngine) -> Iterator[Any]:
    """Have Ray run; yields the module `ray`. If it was started, or connected to, for this, it is ended at the end.

    Raises EngineError if it cannot be started, or the cluster cannot be used.
    """
    ray = import_module("ray")
    if ray.is_initialized():
        yield ray
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        _start(ray, engine)
        yield ray
    finally:
        ray.shutdown()
        # Ray replaces the process's handler and leaves its own.
        if handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def _start(ray: Any, engine: RayEngine) -> None:
    """Connect to the engine's cluster, or start one on this machine."""
    # A cluster that is started here reports nothing to Ray's makers, and works at the priority of this process.
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_worker_niceness"):
        os.environ.setdefault(name, "0")
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    address = engine.cluster
    if address is not None:
        try:
            ray.init(address=address, **quiet)
        except (Exception, SystemExit) as error:  # Ray exits if the cluster's own processes do not answer
            raise EngineError(
                f"The Ray cluster at {address} cannot be used ({_first_line(error)}): check that its versions of Ray"
                " and Python are those of this machine, and RAY_AUTH_MODE and the token that it asks for."
            ) from error
        return
    for left in reversed(range(_STARTS)):
        try:
            ray.init(include_dashboard=False, **quiet)
        except Exception as error:
            # Ray gives its processes 30 seconds to start, which a busy machine may not keep; most of it is reading
            # files, which are in memory the next time.
            if left and "timed out" in str(error):
                continue
            raise EngineError(
                f"Ray cannot be started on this machine ({_first_line(error)}): try again when it is less busy, or use"
                ' engine="local".'
            ) from error
        return


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec("ray") is not None
    except ValueError:  # a module that was put there without a spec
        return False


def _check_answers(address: str) -> None:
    """Raise EngineError if nothing answers at an address: Ray itself would try for minutes, and then exit."""
    place = _host_and_port(address)
    if place is None:
        return
    try:
        socket.create_connection(place, timeout=_ANSWERS_WITHIN).close()
    except OSError as error:
        raise EngineError(
            f"No Ray cluster answers at {address} ({error.strerror or error}): check the address, and that"
            " `ray start --head` runs there."
        ) from error


def _host_and_port(address: str) -> tuple[str, int] | None:
    """Return the host and the port of a cluster; None for "auto". Raises ArgumentError for any other text."""
    if is_one_of(address, (_THIS_MACHINES,)):
        return None
    host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
    if not host or "/" in host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 1 << 16:
        raise ArgumentError(f'The address of a Ray cluster is "host:6379" or "auto", not {described(address)}.')
    return host.strip("[]"), int(port)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
