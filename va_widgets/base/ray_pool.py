"""A pool of Ray actors that does a list of tasks, also if some of the actors die."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

from va_widgets._version import __version__
from va_widgets.base.errors import EngineError, VaError
from va_widgets.base.ray_engine import RayEngine

Task = TypeVar("Task")
Result = TypeVar("Result")
_MOST_DEATHS = 3  # of workers at the same task


def done_by_ray(
    ray: Any,
    engine: RayEngine,
    make: Callable[..., Callable[[Task], Result]],
    given: tuple[Any, ...],
    tasks: Sequence[Task],
) -> Generator[tuple[int, Result]]:
    """Do tasks in actors, each of which calls `make(*given)` once, and its result for each of its tasks.

    Yields (index of the task, its result) as they are done, in any order; no more results wait to be taken than there
    are actors. A task whose actor dies is done again from the start, so it must be one that can be. The actors end with
    the iteration: close it if it is left early.

    Raises the VaError that `make` or a task raises. Raises EngineError if the workers of a task die time and again, or
    it raises any other error, or the cluster has no room for one worker.
    """
    pool = _Pool(ray, engine, make, given, min(len(tasks), number_of_workers(ray, engine)))
    waiting, deaths = deque(range(len(tasks))), Counter[int]()
    try:
        pool.fill()
        while waiting or pool.is_at_work:
            actor, task, reference = pool.next()
            try:
                result = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                raise _as_error(error) from error
            except ray.exceptions.RayError as error:  # the process, its machine or the way there is lost
                deaths[task] += 1
                if deaths[task] >= _MOST_DEATHS:
                    raise EngineError(
                        f"Ray workers died {_MOST_DEATHS} times at the same work ({_reason(error)}): give them more"
                        " memory, or use fewer; what is done is kept."
                    ) from error
                if task != _LOADING:
                    waiting.appendleft(task)
                pool.replace(actor)
                continue
            del deaths[task]
            if waiting:
                begun = waiting.popleft()
                pool.begin(actor, begun, tasks[begun])
            if task != _LOADING:
                yield task, result
    finally:
        pool.close()


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


class _Pool:
    """The actors, and what each of them is doing."""

    def __init__(
        self,
        ray: Any,
        engine: RayEngine,
        make: Callable[..., Callable[[Any], Any]],
        given: tuple[Any, ...],
        number: int,
    ) -> None:
        self._ray = ray
        self._make = make
        self._number = number
        self._class = ray.remote(num_cpus=engine.cpus, num_gpus=engine.gpus, max_restarts=0)(_Actor)
        try:
            self._given = ray.put(given)  # once for all actors of a machine
        except TypeError as error:
            raise EngineError(
                f"What the Ray workers need cannot be sent to them ({_first_line(error)}): it must be possible to"
                " pickle it."
            ) from error
        self._actors: list[Any] = []
        self._doing: dict[Any, tuple[Any, int]] = {}  # (actor, index of the task) by the reference of the result

    @property
    def is_at_work(self) -> bool:
        """Whether a task is being done."""
        return any(task != _LOADING for _, task in self._doing.values())

    def fill(self) -> None:
        """Start the actors that are missing."""
        while len(self._actors) < self._number:
            actor = self._class.remote()
            self._actors.append(actor)
            self._doing[actor.load.remote(__version__, self._make, self._given)] = (actor, _LOADING)

    def next(self) -> tuple[Any, int, Any]:
        """Wait until an actor has done something. Returns it, the index of the task and the result's reference."""
        reference = self._ray.wait(list(self._doing), num_returns=1)[0][0]
        return *self._doing.pop(reference), reference

    def begin(self, actor: Any, index: int, task: Any) -> None:
        """Let an actor begin a task."""
        self._doing[actor.do.remote(task)] = (actor, index)

    def replace(self, actor: Any) -> None:
        """Start another actor in the place of one that is lost."""
        self._actors.remove(actor)
        self._ray.kill(actor)
        self.fill()

    def close(self) -> None:
        """End all actors, whatever they are doing."""
        for actor in self._actors:
            self._ray.kill(actor)


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
