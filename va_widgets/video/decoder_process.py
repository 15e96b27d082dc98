"""A process that decodes videos, so that a file which crashes or hangs the decoder does not end the build."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from va_widgets.video.decoder_messages import TRIES_AGAIN, AnyRequest, Done, Failed, Message, Spent, receive, send

_PROGRAM = "import sys; sys.path.extend(sys.argv[1:]); from va_widgets.video.decoder_main import main; main()"
# Linux kills a process when memory runs out. That need not be the file's fault: the next build reads all of it again.
KILLED = f"its decoder was killed, perhaps for want of memory; {TRIES_AGAIN}"
_STALLED = 120.0  # seconds without a message after which a process is killed


class DecoderProcess:
    """A process that decodes one file after another."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._waiting_since: float | None = None
        self._stalled = False
        self._starting = threading.Lock()
        self._over = False

    def read(self, request: AnyRequest) -> Iterator[Message]:
        """Yield the process's messages about a request as they arrive. The last is Done or Failed, after Spent.

        If the process crashes or hangs, that is the reason of Failed, and the next request starts a new one.
        """
        decoder = msgspec.msgpack.Decoder(Message)
        process = self._started()
        if process is None:
            yield Failed("the build has ended")
            return
        assert process.stdin is not None
        assert process.stdout is not None
        spent = 0.0
        try:
            self._waiting_since = time.monotonic()
            send(process.stdin, request)
            while True:
                self._waiting_since = time.monotonic()
                body = receive(process.stdout)
                spent += time.monotonic() - self._waiting_since
                self._waiting_since = None
                if body is None:
                    break
                message = decoder.decode(body)
                yield message
                if isinstance(message, (Done, Failed)):
                    return
        except BrokenPipeError:
            pass  # the process ended before it had read the request: reported below
        finally:
            self._waiting_since = None
        yield Spent(spent)
        reason = self._end()
        yield Failed(reason, is_temporary=reason == KILLED)

    def watch(self) -> None:
        """Kill the process if it has sent nothing for too long; called now and then from another thread."""
        since, process = self._waiting_since, self._process
        if since is not None and process is not None and time.monotonic() - since > _STALLED:
            self._stalled = True
            process.kill()

    def end(self) -> None:
        """Kill the process and start no other; called from another thread than the one that reads."""
        with self._starting:
            self._over = True
            process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """Kill the process and close its pipes."""
        if self._process is not None:
            self._process.kill()
            self._end()

    def _started(self) -> subprocess.Popen[bytes] | None:
        """Return the process, a new one if none is alive; None once `end` has been called."""
        if self._process is not None and self._process.poll() is not None:
            self._end()
        with self._starting:
            if self._over:
                return None
            if self._process is None:
                self._stalled = False
                self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the process
                self._process = subprocess.Popen(
                    # -P leaves out the working directory, where a file may be called like a module. Folders that a
                    # notebook has added to sys.path come last, for packages that are only there.
                    [sys.executable, "-P", "-c", _PROGRAM, str(Path(__file__).parents[2]), *filter(None, sys.path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                )
            return self._process

    def _end(self) -> str:
        """Wait until the process has ended. Returns why it did, as the end of a sentence."""
        process, errors = self._process, self._errors
        assert process is not None
        assert errors is not None
        self._process = None
        status = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # a request that could not be sent is not needed any more
        with errors:
            errors.seek(0)
            lines = errors.read().decode("utf-8", "replace").strip().splitlines()
        if self._stalled:
            return f"decoding it made no progress for {_STALLED:.0f} s"
        how = _how_ended(status)
        if how == "SIGKILL":
            return KILLED
        return f"decoding it ended the decoder ({lines[-1] if lines else how})"


class Watch:
    """A thread that kills processes which hang."""

    def __init__(self, processes: list[DecoderProcess]) -> None:
        self._processes = processes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="va-watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(1.0):
            for process in self._processes:
                process.watch()

    def close(self) -> None:
        """End the thread, if it has been started."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()


def _how_ended(status: int) -> str:
    """Return the name of the signal that ended a process, or its exit status."""
    if status < 0:
        try:
            return signal.Signals(-status).name
        except ValueError:  # Python names only the first and the last real-time signal
            return f"signal {-status}"
    # Windows has no signals: what ended a process there is an NTSTATUS, such as 0xC0000005 for a wrong address.
    return f"status {status}" if status < 1 << 16 else f"status 0x{status:08X}"
