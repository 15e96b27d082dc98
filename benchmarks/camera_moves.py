"""Write videos of real footage under known camera moves: a window of the output's size moves over the footage.

Footage that itself was taken by a moving camera is used as single pictures, unless its drift can be undone. The clips
differ in speed, frame rate, length and shape, and some are dark or letterboxed; moving clips tremble slightly, as from
a hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import av
import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Images: TypeAlias = NDArray[np.uint8]

MOVES = (
    "static",
    "pan left",
    "pan right",
    "tilt up",
    "tilt down",
    "zoom in",
    "zoom out",
    "slow zoom",
    "roll",
    "shake",
    "whip pan",
)
LOOKS = {"plain": 0.55, "low light": 0.15, "letterbox": 0.15, "vertical": 0.15}  # their shares
RATES = {12: 0.15, 24: 0.3, 25: 0.2, 30: 0.2, 60: 0.15}
SECONDS = (1.5, 5.0)
LONG, LONG_SHARE = 20.0, 0.03  # seconds of long clips, and their share
LIVE_SHARE = 0.6  # of clips in which the footage goes on; the others show one picture of it
STILL = ("bigbuckbunny", "bikes", "carphone_pristine", "cockatoo", "realshort")
_WIDTH, _HEIGHT = 320, 180
_FOOTAGE_WIDTH = 640
_SHUTTER = 0.5  # the part of a frame's time in which the shutter is open
_DARK, _GRAIN = 0.12, 2.0  # the share of the light in low light, and the sensor's noise in grey levels
_HELD_BY = 12  # frames that are compared with the same one to find a take's drift
_THREADS = 2


@dataclass(frozen=True)
class Take:
    """A part of a video, in seconds, that was taken by a camera nearly at rest.

    `background` is a part of the picture, x, y, width and height, that only the camera moves: the take is held by it.
    """

    video: str
    first: float
    last: float
    background: tuple[int, int, int, int] | None = None


# All others have moves of their own: of the drift in two of these, their backgrounds show that it is one of the camera.
LIVE = (
    Take("bigbuckbunny", 0.0, 5.2, (450, 0, 150, 120)),
    Take("bikes", 5.7, 7.3, (300, 0, 200, 80)),
    Take("carphone_pristine", 0.0, 3.9),
)


@dataclass(frozen=True)
class MovedClip:
    """A clip to be written: the file's name, the camera's move, and how the clip looks; `live` footage goes on."""

    video: str
    move: str
    look: str
    live: bool
    fps: int
    seconds: float
    seed: int


@dataclass(frozen=True)
class _Window:
    """What the camera sees: centre and width in the footage's pixels, and its angle, clockwise, in radians."""

    x: float
    y: float
    width: float
    angle: float


def plan(number: int, seed: int, moves: Sequence[str] = MOVES) -> list[MovedClip]:
    """Return `number` clips, of each move as many, in random order; the same for the same seed."""
    rng = np.random.default_rng([seed, number])
    names = rng.permutation([moves[i % len(moves)] for i in range(number)])
    return [
        MovedClip(
            video=f"move-{i:04d}.mp4",
            move=str(name),
            look=str(rng.choice(list(LOOKS), p=list(LOOKS.values()))),
            live=bool(rng.random() < LIVE_SHARE),
            fps=int(rng.choice(list(RATES), p=list(RATES.values()))),
            seconds=LONG if rng.random() < LONG_SHARE else float(rng.uniform(*SECONDS)),
            seed=int(rng.integers(1 << 31)),
        )
        for i, name in enumerate(names)
    ]


def film(folder: Path, clips: Sequence[MovedClip], footage: Path, on_done: Callable[[], object] = lambda: None) -> None:
    """Write every clip that is not in `folder` yet, as H.264, from the videos in the folder `footage`."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [clip for clip in clips if not (folder / clip.video).exists()]
    sources = load(footage) if missing else {}

    def write(clip: MovedClip) -> None:
        unfinished = (folder / clip.video).with_suffix(".part")
        with av.open(str(unfinished), "w", format="mp4") as file:
            stream = file.add_stream("libx264", rate=clip.fps, options={"preset": "veryfast", "crf": "23"})
            stream.width, stream.height = _size(clip)
            stream.pix_fmt = "yuv420p"
            stream.thread_count = 1
            stream.time_base = Fraction(1, clip.fps)
            for frame in frames(clip, sources):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")))
            file.mux(stream.encode())
        unfinished.rename(folder / clip.video)
        on_done()

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(write, missing))


def load(footage: Path) -> dict[str, tuple[Images, float]]:
    """Return the frames, uint8 BGR (n, height, width, 3), and the frame rate of each video of `STILL`, takes held."""
    sources = {}
    for name in STILL:
        pictures = []
        with av.open(str(footage / f"{name}.mp4")) as file:
            stream = file.streams.video[0]
            stream.thread_type = "AUTO"
            scale = min(1.0, _FOOTAGE_WIDTH / stream.width)
            size = {"width": round(stream.width * scale), "height": round(stream.height * scale)}
            pictures = [
                frame.reformat(**size, format="bgr24", interpolation="AREA").to_ndarray()
                for frame in file.decode(stream)
            ]
            sources[name] = (np.stack(pictures).astype(np.uint8, copy=False), float(stream.average_rate or 25))
    for take in LIVE:
        images, rate = sources[take.video]
        if take.background is not None:
            _hold(images[int(take.first * rate) : int(take.last * rate) + 1], take.background)
    return sources


def _hold(images: Images, background: tuple[int, int, int, int]) -> None:
    """Shift the frames of a take, in place, so that its background stays where it is in the first one."""
    x, y, width, height = background
    taper = cv2.createHanningWindow((width, height), cv2.CV_32F)
    parts = [
        cv2.cvtColor(image[y : y + height, x : x + width], cv2.COLOR_BGR2GRAY).astype(np.float32) for image in images
    ]
    key, key_shift = parts[0], np.zeros(2)
    for i, (image, part) in enumerate(zip(images, parts, strict=True)):
        shift = key_shift + cv2.phaseCorrelate(key, part, taper)[0]
        if i % _HELD_BY == _HELD_BY - 1:
            key, key_shift = part, shift
        matrix = np.concatenate([np.eye(2), shift[:, None]], axis=1)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        image[:] = cv2.warpAffine(image, matrix, image.shape[1::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)


def frames(clip: MovedClip, sources: dict[str, tuple[Images, float]]) -> Iterator[Images]:
    """Yield the frames of a clip, uint8 BGR (height, width, 3)."""
    rng = np.random.default_rng(clip.seed)
    pictures, shape, bar, path = _scene(clip, sources, rng)
    mirrored = bool(rng.random() < 0.5)
    count = _count(clip)
    for i in range(count):
        picture = pictures[i % len(pictures)]
        picture = picture[:, ::-1] if mirrored else picture
        moments = (i + _SHUTTER * np.linspace(0, 1, _exposures(path, i, count, shape[0]))) / count
        seen = [_seen(picture, path(float(moment)), shape).astype(np.float32) for moment in moments]
        image = np.mean(seen, axis=0)
        if clip.look == "low light":
            image = image * _DARK + rng.normal(0, _GRAIN, image.shape)
        image = np.clip(image, 0, 255).astype(np.uint8)
        yield cv2.copyMakeBorder(image, bar, bar, 0, 0, cv2.BORDER_CONSTANT, value=(0, 0, 0)).astype(np.uint8)


def true_moves(clip: MovedClip, sources: dict[str, tuple[Images, float]]) -> NDArray[np.float64]:
    """Return pan, tilt, zoom and roll from each frame of a clip to the next, float64 (frames - 1, 4), as PairMotion."""
    _, shape, _, path = _scene(clip, sources, np.random.default_rng(clip.seed))
    seen = [path((i + _SHUTTER / 2) / _count(clip)) for i in range(_count(clip))]
    moves = []
    for before, after in pairwise(seen):
        dx, dy = after.x - before.x, after.y - before.y
        cosine, sine = np.cos(before.angle), np.sin(before.angle)
        height = before.width * shape[1] / shape[0]
        pan, tilt = (dx * cosine + dy * sine) / before.width, (dx * sine - dy * cosine) / height
        moves.append((pan, tilt, np.log(before.width / after.width), after.angle - before.angle))
    return np.array(moves)


def _scene(
    clip: MovedClip, sources: dict[str, tuple[Images, float]], rng: Generator
) -> tuple[list[Images], tuple[int, int], int, Callable[[float], _Window]]:
    """Return the footage of a clip, width and height without bars, the height of a black bar, and the path."""
    pictures = _pictures(clip, sources, rng)
    width, height = _size(clip)
    bar = round(height * 0.12 / 2) * 2 if clip.look == "letterbox" else 0
    shape = (width, height - 2 * bar)
    footage = pictures[0].shape
    return pictures, shape, bar, _path(clip, shape, (footage[1], footage[0]), rng)


def _count(clip: MovedClip) -> int:
    return max(1, round(clip.seconds * clip.fps))


def _size(clip: MovedClip) -> tuple[int, int]:
    return (_HEIGHT, _WIDTH) if clip.look == "vertical" else (_WIDTH, _HEIGHT)


def _pictures(clip: MovedClip, sources: dict[str, tuple[Images, float]], rng: Generator) -> list[Images]:
    """Return the footage at the clip's frame rate, to and fro if it is shorter; one picture if it does not go on."""
    if not clip.live:
        pictures, _ = sources[str(rng.choice(STILL))]
        return [pictures[int(rng.integers(len(pictures)))]]
    take = LIVE[int(rng.integers(len(LIVE)))]
    pictures, rate = sources[take.video]
    start = rng.uniform(take.first, max(take.first, take.last - clip.seconds))
    length = take.last - start
    moments = np.arange(0, clip.seconds, 1 / clip.fps)
    moments = length - np.abs(length - moments % (2 * length))
    return [pictures[min(len(pictures) - 1, int((start + moment) * rate))] for moment in moments]


def _path(
    clip: MovedClip, shape: tuple[int, int], footage: tuple[int, int], rng: Generator
) -> Callable[[float], _Window]:
    """Return what the camera sees at each moment of the clip, from 0 to 1."""
    largest = min(footage[0], footage[1] * shape[0] / shape[1])  # width of the largest window
    width = float(rng.uniform(0.45, 0.6)) * largest
    if clip.move in ("static", "slow zoom", "shake"):
        width = float(rng.uniform(0.6, 0.85)) * largest
    height = width * shape[1] / shape[0]
    room = np.array([footage[0] - width, footage[1] - height])
    way, factor, turn = np.zeros(2), 0.0, 0.0
    sign = float(rng.choice([-1, 1]))
    if clip.move.startswith("pan"):
        way[0] = min(rng.uniform(0.3, 0.9) * width, 0.95 * room[0]) * (1 if clip.move == "pan right" else -1)
    elif clip.move.startswith("tilt"):
        way[1] = min(rng.uniform(0.3, 0.9) * height, 0.95 * room[1]) * (1 if clip.move == "tilt down" else -1)
    elif clip.move == "whip pan":
        way[0] = min(rng.uniform(0.6, 1.0) * width, 0.95 * room[0]) * sign
    elif clip.move == "slow zoom":
        factor = sign * rng.uniform(0.04, 0.1)
    elif clip.move.startswith("zoom"):
        factor = rng.uniform(0.25, 0.6) * (1 if clip.move == "zoom in" else -1)
    elif clip.move == "roll":
        turn = sign * rng.uniform(0.2, 0.7)
    if factor:  # the zoom's wide end must fit
        width = min(width * np.exp(abs(factor) / 2), 0.98 * largest * np.exp(-abs(factor) / 2))
        height = width * shape[1] / shape[0]
        room = np.array([footage[0], footage[1]]) - np.array([width, height]) * np.exp(abs(factor) / 2)
    middle = np.array(footage) / 2 + rng.uniform(-0.5, 0.5, 2) * np.maximum(room - np.abs(way), 0)
    ease = _whip(clip.seconds, rng) if clip.move == "whip pan" else _eased(float(rng.uniform(0, 1)))
    tremble = _tremble(clip, rng)

    def window(moment: float) -> _Window:
        share = ease(moment) - 0.5
        dx, dy, angle = tremble(moment * clip.seconds)
        size = width * float(np.exp(-factor * share))
        x, y = middle + way * share + size * np.array([dx, dy])
        return _Window(float(x), float(y), size, turn * share + angle)

    return window


def _eased(softness: float) -> Callable[[float], float]:
    """Return a course from 0 to 1 that begins and ends more or less softly."""
    return lambda moment: (1 - softness) * moment + softness * moment * moment * (3 - 2 * moment)


def _whip(seconds: float, rng: Generator) -> Callable[[float], float]:
    """Return a course from 0 to 1 that takes place within a few tenths of a second, somewhere in the clip."""
    length = float(rng.uniform(0.2, 0.45)) / seconds
    start = float(rng.uniform(0.1, 0.9 - length))
    soft = _eased(1.0)
    return lambda moment: soft(float(np.clip((moment - start) / length, 0, 1)))


def _tremble(clip: MovedClip, rng: Generator) -> Callable[[float], NDArray[np.float64]]:
    """Return the camera's shaking at each second: x and y in window widths, and the angle in radians."""
    shakes = clip.move == "shake"
    size = float(rng.uniform(0.006, 0.02) if shakes else rng.uniform(0, 0.001))
    if clip.move == "static":
        size = 0.0
    frequencies = rng.uniform(1.5, 6.0, (3, 4)) if shakes else rng.uniform(0.3, 2.0, (3, 4))
    phases = rng.uniform(0, 2 * np.pi, (3, 4))
    sizes = size * np.array([1.0, 1.0, 0.5])
    return lambda second: sizes * np.sin(2 * np.pi * frequencies * second + phases).sum(axis=1) / np.sqrt(2)


def _exposures(path: Callable[[float], _Window], frame: int, count: int, width: int) -> int:
    """Return how many moments a frame is exposed at: more where the picture is blurred by a fast move."""
    first, last = path(frame / count), path((frame + _SHUTTER) / count)
    pixels = np.hypot(last.x - first.x, last.y - first.y) / first.width * width
    return int(np.clip(np.ceil(pixels / 2), 1, 10))


def _seen(picture: Images, window: _Window, shape: tuple[int, int]) -> Images:
    """Return what the camera sees of a picture, uint8 (height, width, 3)."""
    scale = window.width / shape[0]
    cosine, sine = scale * np.cos(window.angle), scale * np.sin(window.angle)
    turned = np.array([[cosine, -sine], [sine, cosine]])
    offset = np.array([window.x, window.y]) - turned @ ((np.array(shape) - 1) / 2)
    matrix = np.concatenate([turned, offset[:, None]], axis=1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, shape, flags=flags, borderMode=cv2.BORDER_REFLECT).astype(
        np.uint8, copy=False
    )
