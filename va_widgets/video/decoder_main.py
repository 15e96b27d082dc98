"""The program of a decoder process: it decodes the files of the requests on its standard input, one after another.

Modules that import OpenCV or PyAV are imported in functions: a process that lacks them can still answer why.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from va_widgets.base.errors import CorpusError, reason_of
from va_widgets.base.names import printable_text, unescaped
from va_widgets.base.paths import is_url, open_regular
from va_widgets.video import remote
from va_widgets.video.decoder_messages import (
    TRIES_AGAIN,
    AnyRequest,
    Clip,
    Done,
    Failed,
    Flawed,
    Measured,
    Message,
    MotionRequest,
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
    from va_widgets.video.motion.features import Motion
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
    decoder = msgspec.msgpack.Decoder(AnyRequest)
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


def _answer(request: AnyRequest, outbox: IO[bytes]) -> None:
    """Send the messages of one request. Raises BrokenPipeError once the build has ended."""
    import cv2

    from va_widgets.video import shots  # noqa: F401  # before the clock starts, because it is no cost of the file
    from va_widgets.video.errors import UndecodableError

    cv2.setNumThreads(1)  # in pictures as small as those whose motion is measured, threads only wait for each other
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
        elif isinstance(request, MotionRequest):
            _measure(request, emit)
        else:
            _read(request, emit)
    except UndecodableError as error:
        emit(Failed(str(error)))
    except remote.UnreachableError as error:
        emit(Failed(f"{error.fault}; {TRIES_AGAIN}", is_temporary=True))
    except BrokenPipeError:
        raise
    except (CorpusError, OSError, ValueError, ImportError, MemoryError, OverflowError, cv2.error) as error:
        emit(Failed(f"it cannot be read ({reason_of(error) or type(error).__name__})"))


def _read(request: Request, emit: Callable[[Message], None]) -> None:
    """Emit the clips of a video as they are found, then Done."""
    with _opened(request, request.picture_side) as video:
        for place, shot, motion in _shots(video, request, emit):
            emit(_clip(place, shot, video.fps, motion))
        emit(Done(video.damage))


def _measure(request: MotionRequest, emit: Callable[[Message], None]) -> None:
    """Emit the motion in each part of a video that is requested and has a picture, then Done."""
    from va_widgets.video.motion.meter import motions

    with _opened(request, _SMALL_SIDE) as video:
        for place, motion in motions(_Frames(video, emit).since, request.spans):
            emit(Measured(place, _packed(motion)))
        emit(Done(video.damage))


@contextmanager
def _opened(request: Request | MotionRequest, picture_side: int) -> Iterator[Video]:
    """Open the video of a request. Raises what `Video` and `remote.opened` do."""
    from va_widgets.video.decode import Video

    with ExitStack() as opened:
        source: Path | IO[bytes] = _path(request.place)
        if is_url(request.place):
            source = opened.enter_context(remote.opened(request.place, request.allow))
        video = Video(source, request.size, _SMALL_SIDE, picture_side, request.threads)
        opened.callback(video.close)
        yield video


def _read_pictures(request: PicturesRequest, emit: Callable[[Message], None]) -> None:
    """Emit a clip, or why there is none, for each image file, then Done."""
    from va_widgets.video.motion.meter import MotionMeter
    from va_widgets.video.stills import still

    nothing_moves = MotionMeter().result(0.0, 0.0)
    for number, place in enumerate(request.places):
        try:
            with remote.opened(place, request.allow) if is_url(place) else open_regular(_path(place)) as file:
                picture = still(file, request.picture_side)
        except remote.UnreachableError as error:
            emit(Refused(number, f"{error.fault}; {TRIES_AGAIN}"))
        except (CorpusError, OSError) as error:
            emit(Refused(number, printable_text(reason_of(error))))
        else:
            if picture.flaw:
                emit(Flawed(number, picture.flaw))
            emit(_clip(number, picture.shot, 0.0, nothing_moves))
    emit(Done(""))


def _path(place: str) -> Path:
    return Path(unescaped(place))


class _Frames:
    """The frames of a video; the progress of decoding is emitted meanwhile."""

    def __init__(self, video: Video, emit: Callable[[Message], None]) -> None:
        self._video, self._emit = video, emit
        self._sent = time.monotonic()

    def since(self, start: float) -> Iterator[Frame]:
        """Yield the frames from a moment on."""
        for frame in self._video.frames(start):
            if time.monotonic() - self._sent > _PROGRESS_INTERVAL:
                self._sent = time.monotonic()
                self._emit(Moved(self._video.position, frame.end))
            yield frame


def _shots(video: Video, request: Request, emit: Callable[[Message], None]) -> Iterator[tuple[int, Shot, Motion]]:
    """Yield the clips that the request asks for, each with its number and motion."""
    from va_widgets.video.motion.meter import MotionMeter
    from va_widgets.video.shots import Transitions, segments, shots, windows

    decoded = _Frames(video, emit)
    meter = MotionMeter()

    def frames(start: float = 0.0) -> Iterator[Frame]:
        nonlocal meter
        meter = MotionMeter()  # segments may overlap: each is decoded by itself
        for frame in decoded.since(start):
            meter.add(frame.small(), frame.time)
            yield frame

    clips: Iterable[tuple[int, Shot]]
    if request.segments is not None:
        clips = segments(frames, request.segments, request.samples)
    elif request.window is not None:
        clips = enumerate(windows(frames(), request.window, request.samples))
    else:
        clips = enumerate(shots(frames(), Transitions(video.seen_fps), request.samples))
    for place, shot in clips:
        yield place, shot, meter.result(shot.start, shot.end)
        meter.forget(shot.end)


def _packed(motion: Motion) -> bytes:
    return motion.features.astype("<f2").tobytes()


def _clip(place: int, shot: Shot, fps: float, motion: Motion) -> Clip:
    """Return the message about a clip."""
    from va_widgets.video.filmstrip import filmstrip

    strip = filmstrip(shot.pictures)
    pictures = [(picture.shape[0], picture.shape[1], picture.tobytes()) for picture in shot.pictures]
    times = (shot.start, shot.end, shot.frame_in, shot.frame_out)
    return Clip(
        place,
        *times,
        strip.data,
        strip.frames,
        strip.width,
        strip.height,
        shot.width,
        shot.height,
        fps,
        pictures,
        _packed(motion),
    )
