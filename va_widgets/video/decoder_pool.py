"""Several decoder processes that work on a list of jobs, with one stream of their messages."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from va_widgets.video.decoder_messages import AnyRequest, Done, Failed, Message
from va_widgets.video.decoder_process import DecoderProcess, Watch

Job = TypeVar("Job")  # the caller's object for a request; it comes back with each message
_AHEAD = 16  # messages that may wait for the caller


class DecoderPool(Generic[Job]):
    """Decodes jobs in processes; iterate over it, between `start` and `close`, for (job, message) pairs.

    `request` makes the request for a job and a number of decoder threads. The processes wait when 16 messages have not
    been taken yet, so that memory stays bounded. `cores` is how many of the machine's to use, by default all that this
    process may.
    """

    def __init__(
        self, jobs: Sequence[Job], request: Callable[[Job, int], AnyRequest], cores: int | None = None
    ) -> None:
        if cores is None:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        number = min(cores, len(jobs))
        self._threads = max(1, cores // max(1, number))
        self._request = request
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._messages: queue.Queue[tuple[Job, Message] | BaseException] = queue.Queue(_AHEAD)
        self.open = 0  # jobs that have not been decoded to their end
        self._over = threading.Event()
        self._processes = [DecoderProcess() for _ in range(number)]
        self._pumps = [threading.Thread(target=self._pump, args=(process,), daemon=True) for process in self._processes]
        self._watch = Watch(self._processes)
        self.add(jobs)

    def start(self) -> None:
        """Start the processes. `close` may be called before this returns, because Ctrl-C may come at any time."""
        self._watch.start()
        for pump in self._pumps:
            pump.start()

    def close(self) -> None:
        """Kill the processes, whatever they are doing."""
        self._over.set()
        self._watch.close()
        for process in self._processes:
            self._jobs.put(None)
            process.end()
        for pump in self._pumps:
            if pump.ident is not None:  # it has been started
                pump.join()

    def __iter__(self) -> Iterator[tuple[Job, Message]]:
        while self.open:
            item = self._messages.get()
            if isinstance(item, BaseException):
                raise item
            self.open -= isinstance(item[1], (Done, Failed))
            yield item

    def add(self, jobs: Sequence[Job]) -> None:
        """Add jobs."""
        self.open += len(jobs)
        for job in jobs:
            self._jobs.put(job)

    def _pump(self, process: DecoderProcess) -> None:
        try:
            while (job := self._jobs.get()) is not None and not self._over.is_set():
                for message in process.read(self._request(job, self._threads)):
                    if not self._put((job, message)):
                        return
        except Exception as error:  # such as no more processes, or a broken encoder: raised in the build's thread
            self._put(error)
        finally:
            process.close()

    def _put(self, item: tuple[Job, Message] | BaseException) -> bool:
        """Queue a message as soon as there is room. Returns False if the pool was closed meanwhile."""
        while not self._over.is_set():
            try:
                self._messages.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False
