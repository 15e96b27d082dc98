"""A process that decodes videos, so that a file which crashes or hangs the decoder does not end the build.

Requests go to its standard input and messages come from its standard output; each is its length in four bytes, then
msgpack. `DecoderProcess` is the build's side, `main` the process's.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

import msgspec

from va_widgets.base.errors import CorpusError, reason_of
from va_widgets.base.names import printable_text, unescaped
from va_widgets.base.paths import is_url, open_regular
from va_widgets.video import remote

if TYPE_CHECKING:
    from va_widgets.video.decode import Frame, Video
    from va_widgets.video.shots import Shot

_PROGRAM = "import sys; sys.path.extend(sys.argv[1:]); from va_widgets.video.decoder_process import main; main()"
_LENGTH_BYTES = 4
# Linux kills a process when memory runs out. That need not be the file's fault, so the next build tries it again.
KILLED = "its decoder was killed, perhaps for want of memory; the next build tries again"
_STALLED = 120.0  # seconds without a message after which a process is killed
_PROGRESS_INTERVAL = 0.25  # seconds between two messages about progress
_SMALL_SIDE = 36  # pixels of the shorter side of frames that shots are detected in


class Request(msgspec.Struct, tag=True):
    """Decode a video and cut it by `segments` (start, end), into windows of `window` seconds, or into shots.

    `place` is a path as `names.escaped` writes it, or a URL; `samples` the number of pictures of each clip.
    """

    place: str
    size: int
    picture_side: int
    samples: int
    window: float | None = None
    segments: list[tuple[float, float]] | None = None
    threads: int = 1
    allow: list[str] = []  # schemes of URLs that the user trusts beside the usual ones


class PicturesRequest(msgspec.Struct, tag=True):
    """Read image files, each of which is a clip of one frame; paths as `names.escaped` writes them, or URLs."""

    places: list[str]
    picture_side: int
    allow: list[str] = []


class Clip(msgspec.Struct, tag=True):
    """A clip: its times, its filmstrip as a JPEG, and its pictures, (height, width, bytes of RGB) each."""

    place: int  # its index among the request's segments or images, or among the video's clips
    start: float
    end: float
    frame_in: int
    frame_out: int
    strip: bytes
    strip_frames: int
    strip_width: int
    strip_height: int
    width: int
    height: int
    fps: float
    pictures: list[tuple[int, int, bytes]]


class Moved(msgspec.Struct, tag=True):
    """How much has been decoded: bytes of the file and seconds of video."""

    position: int
    seconds: float


class Spent(msgspec.Struct, tag=True):
    """Seconds that the process was at work on the file, without those in which it waited for the build."""

    seconds: float


class Done(msgspec.Struct, tag=True):
    """The file was read to its end; `reason` says what was wrong with it, and is empty if nothing was."""

    reason: str


class Refused(msgspec.Struct, tag=True):
    """An image of several cannot be used; `reason` says why, as the end of a sentence."""

    place: int
    reason: str


class Failed(msgspec.Struct, tag=True):
    """The file cannot be used, or not from here on; `reason` says why, as the end of a sentence."""

    reason: str


Message: TypeAlias = Clip | Moved | Refused | Spent | Done | Failed


class DecoderProcess:
    """A process that decodes one file after another."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._waiting_since: float | None = None
        self._stalled = False
        self._starting = threading.Lock()
        self._over = False

    def read(self, request: Request | PicturesRequest) -> Iterator[Message]:
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
            _send(process.stdin, msgspec.msgpack.encode(request))
            while True:
                self._waiting_since = time.monotonic()
                body = _receive(process.stdout)
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
        yield Failed(self._end())

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


def _send(pipe: IO[bytes], body: bytes) -> None:
    pipe.write(len(body).to_bytes(_LENGTH_BYTES, "big"))
    pipe.write(body)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes | None:
    """Return the next message; None if the other side has closed the pipe."""
    head = pipe.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "big")
    body = pipe.read(length)
    return body if len(body) == length else None


# --- in the process ----------------------------------------------------------------------------------


def main() -> None:
    """Answer the requests on standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the build, which then kills this process
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not mix with messages
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(inbox, requests), daemon=True).start()
    decoder = msgspec.msgpack.Decoder(Request | PicturesRequest)
    while True:
        try:
            _answer(decoder.decode(requests.get()), outbox)
        except BrokenPipeError:
            return  # the build has ended


def _listen(inbox: IO[bytes], requests: queue.SimpleQueue[bytes]) -> None:
    """Queue incoming requests; ends this process as soon as the build has ended, even if it was killed."""
    while (body := _receive(inbox)) is not None:
        requests.put(body)
    os._exit(0)


def _answer(request: Request | PicturesRequest, outbox: IO[bytes]) -> None:
    import cv2

    from va_widgets.video import shots  # noqa: F401  # before the clock starts, because it is no cost of the file
    from va_widgets.video.errors import UndecodableError

    started, waited = time.perf_counter(), 0.0

    def send(message: Message) -> None:
        nonlocal waited
        if isinstance(message, (Done, Failed)):
            message.reason = printable_text(message.reason)
            _send(outbox, msgspec.msgpack.encode(Spent(time.perf_counter() - started - waited)))
        before = time.perf_counter()
        _send(outbox, msgspec.msgpack.encode(message))
        waited += time.perf_counter() - before

    try:
        if isinstance(request, PicturesRequest):
            _read_pictures(request, send)
        else:
            _read(request, send)
    except UndecodableError as error:
        send(Failed(str(error)))
    except BrokenPipeError:
        raise
    except (CorpusError, OSError, ValueError, ImportError, MemoryError, OverflowError, cv2.error) as error:
        send(Failed(f"it cannot be read ({reason_of(error) or type(error).__name__})"))


def _read(request: Request, send: Callable[[Message], None]) -> None:
    from va_widgets.video.decode import Video

    with ExitStack() as opened:
        source: Path | IO[bytes] = _path(request.place)
        if is_url(request.place):
            source = opened.enter_context(remote.opened(request.place, request.allow))
        video = Video(source, request.size, _SMALL_SIDE, request.picture_side, request.threads)
        opened.callback(video.close)
        for place, shot in _shots(video, request, send):
            send(_clip(place, shot, video.fps))
        send(Done(video.damage))


def _read_pictures(request: PicturesRequest, send: Callable[[Message], None]) -> None:
    from va_widgets.video.stills import still

    for number, place in enumerate(request.places):
        try:
            with remote.opened(place, request.allow) if is_url(place) else open_regular(_path(place)) as file:
                picture = still(file, request.picture_side)
        except (CorpusError, OSError) as error:
            send(Refused(number, printable_text(reason_of(error))))
        else:
            send(_clip(number, picture, 0.0))
    send(Done(""))


def _path(place: str) -> Path:
    return Path(unescaped(place))


def _shots(video: Video, request: Request, send: Callable[[Message], None]) -> Iterator[tuple[int, Shot]]:
    from va_widgets.video.shots import Transitions, segments, shots, windows

    sent = time.monotonic()

    def frames(start: float = 0.0) -> Iterator[Frame]:
        nonlocal sent
        for frame in video.frames(start):
            if time.monotonic() - sent > _PROGRESS_INTERVAL:
                sent = time.monotonic()
                send(Moved(video.position, frame.end))
            yield frame

    if request.segments is not None:
        return segments(frames, request.segments, request.samples)
    if request.window is not None:
        return enumerate(windows(frames(), request.window, request.samples))
    return enumerate(shots(frames(), Transitions(video.seen_fps), request.samples))


def _clip(place: int, shot: Shot, fps: float) -> Clip:
    from va_widgets.video.filmstrip import filmstrip

    strip = filmstrip(shot.pictures)
    pictures = [(picture.shape[0], picture.shape[1], picture.tobytes()) for picture in shot.pictures]
    times = (shot.start, shot.end, shot.frame_in, shot.frame_out)
    return Clip(
        place, *times, strip.data, strip.frames, strip.width, strip.height, shot.width, shot.height, fps, pictures
    )
