"""A pool of Ray actors that does a list of tasks, also if some of the actors die."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from typing import Any, Self, TypeVar

from va_widgets._version import __version__
from va_widgets.base.errors import EngineError, VaError
from va_widgets.base.ray_engine import RayEngine

Task = TypeVar("Task")
Result = TypeVar("Result")
_MOST_DEATHS = 3  # of workers at the same task


class RayPool:
    """Actors of a running Ray, as many as an engine has or `most`; a context manager that ends them.

    Raises EngineError if the cluster has no room for one.
    """

    def __init__(self, ray: Any, engine: RayEngine, most: int | None = None) -> None:
        room = number_of_workers(ray, engine)
        self.number = room if most is None else min(most, room)
        self._ray = ray
        self._class = ray.remote(num_cpus=engine.cpus, num_gpus=engine.gpus, max_restarts=0)(_Actor)
        self._actors: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end(self._actors)

    def results(
        self,
        make: Callable[..., Callable[[Task], Result]],
        given: tuple[Any, ...],
        tasks: Sequence[Task],
        window: int | None = None,
    ) -> Generator[tuple[int, Result]]:
        """Do tasks: each actor calls `make(*given)` once, and what that returns for each of its tasks.

        Yields (index of the task, its result) as they are done, in any order. With a `window` they come in the order of
        the tasks, and no task is begun so many places ahead of the first that is not done. A task whose actor dies is
        done again from the start, so it must be one that can be. Close the iteration if it is left early.

        Raises the VaError that `make` or a task raises. Raises EngineError if actors die time and again at the same
        task, or it raises any other error.
        """
        shared = self._put(given)  # once for all actors of a machine
        waiting, done, deaths = deque(range(len(tasks))), dict[int, Result](), Counter[int]()
        doing, idle = dict[Any, tuple[Any, int]](), list[Any]()  # `doing` by the reference of the result
        yielded = 0

        def load(actor: Any) -> None:
            doing[actor.load.remote(__version__, make, shared)] = (actor, _LOADING)

        try:
            self._fill(load, self._actors)
            while yielded < len(tasks):
                while idle and waiting and (window is None or waiting[0] < yielded + window):
                    actor, index = idle.pop(), waiting.popleft()
                    doing[actor.do.remote(tasks[index])] = (actor, index)
                index = yielded if window is not None else next(iter(done), yielded)
                if index in done:
                    yielded += 1
                    yield index, done.pop(index)
                    continue
                reference = self._ray.wait(list(doing), num_returns=1)[0][0]
                actor, index = doing.pop(reference)
                try:
                    result = self._ray.get(reference)
                except self._ray.exceptions.RayTaskError as error:
                    raise _as_error(error) from error
                except self._ray.exceptions.RayError as error:  # the process, its machine or the way there is lost
                    deaths[index] += 1
                    if deaths[index] >= _MOST_DEATHS:
                        raise EngineError(
                            f"Ray workers died {_MOST_DEATHS} times at the same work ({_reason(error)}): give them"
                            " more memory, or use fewer; what is done is kept."
                        ) from error
                    if index != _LOADING:
                        waiting.appendleft(index)
                    self._end([actor])
                    self._fill(load, [])
                    continue
                del deaths[index]
                idle.append(actor)
                if index != _LOADING:
                    done[index] = result
        finally:
            self._end([actor for actor, index in doing.values() if index != _LOADING])

    def _fill(self, load: Callable[[Any], None], ready: Sequence[Any]) -> None:
        """Let the `ready` actors load, and those that are started in the place of missing ones."""
        new = [self._class.remote() for _ in range(self.number - len(self._actors))]
        for actor in [*ready, *new]:
            load(actor)
        self._actors += new

    def _end(self, actors: Sequence[Any]) -> None:
        """End actors, whatever they are doing."""
        for actor in list(actors):
            self._actors.remove(actor)
            self._ray.kill(actor)

    def _put(self, given: tuple[Any, ...]) -> Any:
        try:
            return self._ray.put(given)
        except TypeError as error:
            raise EngineError(
                f"What the Ray workers need cannot be sent to them ({_first_line(error)}): it must be possible to"
                " pickle it."
            ) from error


_LOADING = -1  # instead of a task's index: what an actor does first


class _Actor:
    """What runs in a process of the cluster. Of what a constructor raises Ray reports only a text, so `load` works."""

    def __init__(self) -> None:
        self._do: Callable[[Any], Any] | None = None

    def load(self, version: str, make: Callable[..., Callable[[Any], Any]], given: tuple[Any, ...]) -> None:
        """Make what does the tasks. Raises EngineError if this machine has another `version` of the package."""
        if version != __version__:
            raise EngineError(
                f"The Ray cluster has va-widgets {__version__}, but this machine {version}: install the same."
            )
        self._do = make(*given)

    def do(self, task: Any) -> Any:
        """Do a task and return its result."""
        assert self._do is not None
        return self._do(task)


def number_of_workers(ray: Any, engine: RayEngine) -> int:
    """Return how many actors an engine has. Raises EngineError if no machine of the cluster has room for one."""
    room = 0
    for node in ray.nodes():
        if node["Alive"]:
            resources = node["Resources"]
            by_cpu = int(resources.get("CPU", 0) // engine.cpus)
            room += min(by_cpu, int(resources.get("GPU", 0) // engine.gpus)) if engine.gpus else by_cpu
    if room == 0:
        gpus = f" and {engine.gpus:g} GPUs" if engine.gpus else ""
        raise EngineError(f"No machine of the Ray cluster has {engine.cpus} cores{gpus} for a worker: ask for fewer.")
    return engine.workers or room


def _as_error(error: Any) -> VaError:
    """Return what a task has raised, in our words."""
    cause = error.cause
    if isinstance(cause, VaError):
        return cause
    return EngineError(f"A Ray worker failed ({type(cause).__name__}: {_first_line(cause)}): what is done is kept.")


def _reason(error: BaseException) -> str:
    """Return why a worker died, as Ray tells it, in a few words."""
    told = [line.strip() for line in str(error).splitlines() if line.strip()]
    errors = [line for line in told if "Error:" in line and not line.startswith("The actor")]
    return (errors[-1] if errors else told[0] if told else type(error).__name__).rstrip(".")


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
