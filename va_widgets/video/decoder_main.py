"""The program of a decoder process: it decodes the files of the requests on its standard input, one after another.

Modules that import OpenCV or PyAV are imported in functions: a process that lacks them can still answer why.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from va_widgets.base.errors import CorpusError, reason_of
from va_widgets.base.names import printable_text, unescaped
from va_widgets.base.paths import is_url, open_regular
from va_widgets.video import remote
from va_widgets.video.decoder_messages import (
    Clip,
    Done,
    Failed,
    Message,
    Moved,
    PicturesRequest,
    Refused,
    Request,
    Spent,
    receive,
    send,
)

if TYPE_CHECKING:
    from va_widgets.video.decode import Video
    from va_widgets.video.frame import Frame
    from va_widgets.video.shots import Shot

_PROGRESS_INTERVAL = 0.25  # seconds between two messages about progress
_SMALL_SIDE = 36  # pixels of the shorter side of frames that shots are detected in


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
    while (body := receive(inbox)) is not None:
        requests.put(body)
    os._exit(0)


def _answer(request: Request | PicturesRequest, outbox: IO[bytes]) -> None:
    """Send the messages of one request. Raises BrokenPipeError once the build has ended."""
    import cv2

    from va_widgets.video import shots  # noqa: F401  # before the clock starts, because it is no cost of the file
    from va_widgets.video.errors import UndecodableError

    started, waited = time.perf_counter(), 0.0

    def emit(message: Message) -> None:
        nonlocal waited
        if isinstance(message, (Done, Failed)):
            message.reason = printable_text(message.reason)
            send(outbox, Spent(time.perf_counter() - started - waited))
        before = time.perf_counter()
        send(outbox, message)
        waited += time.perf_counter() - before

    try:
        if isinstance(request, PicturesRequest):
            _read_pictures(request, emit)
        else:
            _read(request, emit)
    except UndecodableError as error:
        emit(Failed(str(error)))
    except BrokenPipeError:
        raise
    except (CorpusError, OSError, ValueError, ImportError, MemoryError, OverflowError, cv2.error) as error:
        emit(Failed(f"it cannot be read ({reason_of(error) or type(error).__name__})"))


def _read(request: Request, emit: Callable[[Message], None]) -> None:
    """Emit the clips of a video as they are found, then Done."""
    from va_widgets.video.decode import Video

    with ExitStack() as opened:
        source: Path | IO[bytes] = _path(request.place)
        if is_url(request.place):
            source = opened.enter_context(remote.opened(request.place, request.allow))
        video = Video(source, request.size, _SMALL_SIDE, request.picture_side, request.threads)
        opened.callback(video.close)
        for place, shot in _shots(video, request, emit):
            emit(_clip(place, shot, video.fps))
        emit(Done(video.damage))


def _read_pictures(request: PicturesRequest, emit: Callable[[Message], None]) -> None:
    """Emit a clip, or why there is none, for each image file, then Done."""
    from va_widgets.video.stills import still

    for number, place in enumerate(request.places):
        try:
            with remote.opened(place, request.allow) if is_url(place) else open_regular(_path(place)) as file:
                picture = still(file, request.picture_side)
        except (CorpusError, OSError) as error:
            emit(Refused(number, printable_text(reason_of(error))))
        else:
            emit(_clip(number, picture, 0.0))
    emit(Done(""))


def _path(place: str) -> Path:
    return Path(unescaped(place))


def _shots(video: Video, request: Request, emit: Callable[[Message], None]) -> Iterator[tuple[int, Shot]]:
    """Yield the clips that the request asks for, each with its number; emit the progress of decoding meanwhile."""
    from va_widgets.video.shots import Transitions, segments, shots, windows

    sent = time.monotonic()

    def frames(start: float = 0.0) -> Iterator[Frame]:
        nonlocal sent
        for frame in video.frames(start):
            if time.monotonic() - sent > _PROGRESS_INTERVAL:
                sent = time.monotonic()
                emit(Moved(video.position, frame.end))
            yield frame

    if request.segments is not None:
        return segments(frames, request.segments, request.samples)
    if request.window is not None:
        return enumerate(windows(frames(), request.window, request.samples))
    return enumerate(shots(frames(), Transitions(video.seen_fps), request.samples))


def _clip(place: int, shot: Shot, fps: float) -> Clip:
    """Return the message about a clip."""
    from va_widgets.video.filmstrip import filmstrip

    strip = filmstrip(shot.pictures)
    pictures = [(picture.shape[0], picture.shape[1], picture.tobytes()) for picture in shot.pictures]
    times = (shot.start, shot.end, shot.frame_in, shot.frame_out)
    return Clip(
        place, *times, strip.data, strip.frames, strip.width, strip.height, shot.width, shot.height, fps, pictures
    )
