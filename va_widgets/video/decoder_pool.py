"""Reading: several processes at work on what a build has to read, and one stream of what they say."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from va_widgets.video.decoder_process import DecoderProcess, Done, Failed, Message, PicturesRequest, Request, Watch

Work = TypeVar("Work")  # what is read: a file, or some pictures, as the caller has them
_AHEAD = 16  # clips that readers may be ahead of the encoder


class DecoderPool(Generic[Work]):
    """Processes that read what is to be made, from `start` to `close`, and one stream of what they say.

    They are never far ahead of whoever listens, so that memory stays bounded.
    """

    def __init__(self, works: Sequence[Work], request: Callable[[Work, int], Request | PicturesRequest]) -> None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        number = min(cores, len(works))
        self._threads = max(1, cores // max(1, number))
        self._request = request
        self._works: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._said: queue.Queue[tuple[Work, Message] | BaseException] = queue.Queue(_AHEAD)
        self.open = 0  # works that have not been read to their end
        self._over = threading.Event()
        self._readers = [DecoderProcess() for _ in range(number)]
        self._pumps = [threading.Thread(target=self._pump, args=(one,), daemon=True) for one in self._readers]
        self._watch = Watch(self._readers)
        self.add(works)

    def start(self) -> None:
        """Start the processes. They may be closed already while this is at work, as Ctrl-C may come at any time."""
        self._watch.start()
        for pump in self._pumps:
            pump.start()

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        self._over.set()
        self._watch.close()
        for reader in self._readers:
            self._works.put(None)
            reader.end()
        for pump in self._pumps:
            if pump.ident is not None:  # it has been started
                pump.join()

    def __iter__(self) -> Iterator[tuple[Work, Message]]:
        while self.open:
            said = self._said.get()
            if isinstance(said, BaseException):
                raise said
            self.open -= isinstance(said[1], (Done, Failed))
            yield said

    def add(self, works: Sequence[Work]) -> None:
        """Read these as well."""
        self.open += len(works)
        for work in works:
            self._works.put(work)

    def _pump(self, reader: DecoderProcess) -> None:
        try:
            while (work := self._works.get()) is not None and not self._over.is_set():
                for message in reader.read(self._request(work, self._threads)):
                    if not self._put((work, message)):
                        return
        except Exception as error:  # no more processes to be had, an encoder that is none: the build's to raise
            self._put(error)
        finally:
            reader.close()

    def _put(self, said: tuple[Work, Message] | BaseException) -> bool:
        """Say something as soon as there is room. Returns whether anybody listens still."""
        while not self._over.is_set():
            try:
                self._said.put(said, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False
