"""Measure how well camera moves are learned from few labels, with several features and classifiers.

Clips of real footage under known moves (`camera_moves.py`) and, with `--demo`, the demo's pans and zooms are labelled
by an oracle: the first page at random, further pages by the rule of the suggested feed. The table has the average
precision on the clips that are not labelled, the mean over seeds. The rows `session` are what a session does: it
searches for the concept, then labels suggested clips, and finds from the labels which views matter.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.svm import SVC
from tqdm.auto import tqdm

from benchmarks import camera_moves
from va_widgets import demo
from va_widgets.corpus.neighbours import nearest_neighbours
from va_widgets.encoders import OpenClipEncoder
from va_widgets.learning import feeds
from va_widgets.learning.logistic import TextLogistic
from va_widgets.learning.score_index import ScoreIndex
from va_widgets.learning.statistics import CorpusStatistics, sample_of
from va_widgets.learning.trainer import ClipArrays, Trainer, TrainingLabels
from va_widgets.learning.views import View
from va_widgets.video.decode import Video
from va_widgets.video.frame import Frame
from va_widgets.video.motion.camera import pair_motion
from va_widgets.video.motion.meter import MotionMeter
from va_widgets.video.motion.pair import PairMotion
from va_widgets.video.motion.readable import MotionNumbers
from va_widgets.video.motion.words import motion_in_words, motion_query, motion_scores
from va_widgets.video.shots import Transitions, segments, shots

PAGE = 12
COURSE_DIM = 64
FARTHEST = 3.0  # standard deviations
PICTURES = 8
SMALL_SIDE, STRIP_SIDE, PICTURE_SIDE = 36, 72, 144  # pixels of the shorter side
TEXTS = {  # searched for, where it is not the move's name
    "static": "static shot",
    "roll": "camera rotates",
    "shake": "shaky",
}
WORDS = {  # what `motion_in_words` should say of each move; whip pans and slow zooms may also be named otherwise
    "static": ("static",),
    "pan left": ("moves left",),
    "pan right": ("moves right",),
    "tilt up": ("moves up",),
    "tilt down": ("moves down",),
    "zoom in": ("zooms in",),
    "zoom out": ("zooms out",),
    "slow zoom": ("zooms",),
    "roll": ("clockwise",),
    "shake": ("shaky",),
    "whip pan": ("moves left", "moves right"),
}

Scorer = Callable[[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]], NDArray[np.float64]]


@dataclass(frozen=True)
class Pool:
    """The features of n clips by name, float32 (n, d) each, their readable numbers, and the truth by concept.

    `views` are the two views as a corpus stores them, float16 (n, d); `texts` what a person would search for.
    """

    features: dict[str, NDArray[np.float32]]
    numbers: pd.DataFrame
    truth: dict[str, NDArray[np.bool_]]
    views: dict[str, NDArray[np.float16]]
    texts: dict[str, str]

    @cached_property
    def neighbours(self) -> NDArray[np.int32]:
        """The clips most similar to each by their embeddings, as in a corpus."""
        return nearest_neighbours(self.views["appearance"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, help="a folder with the videos that camera_moves.py names")
    parser.add_argument("--folder", type=Path, help="keep the moved clips here (default: a temporary folder)")
    parser.add_argument("--clips", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0, help="of the moved clips; features were chosen at 0")
    parser.add_argument("--demo", type=Path, help="a folder for a demo corpus, which is made if it is not there")
    parser.add_argument("--labels", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--concepts", nargs="+", default=["pan", "zoom"], help="of the demo; all for every one")
    parser.add_argument("--features", nargs="+", help="the kinds of features (default: all)")
    parser.add_argument("--linear", action="store_true", help="leave the RBF classifier out")
    parser.add_argument("--cost", type=Path, help="a video: measure what motion costs while it is read as in a build")
    parser.add_argument("--repeats", type=int, default=5, help="of --cost")
    options = parser.parse_args()
    classifiers = ("linear",) if options.linear else ("linear", "RBF")
    choice = Choice(options.labels, options.seeds, options.features, classifiers)
    if options.footage is None and options.demo is None and options.cost is None:
        parser.error("give --footage, --demo or --cost")
    if options.footage is not None:
        absent = [name for name in camera_moves.STILL if not (options.footage / f"{name}.mp4").is_file()]
        if absent:
            print(f"The moves over real footage are left out: {options.footage} has no {absent[0]}.mp4.\n")
        else:
            with tempfile.TemporaryDirectory() as temporary:
                clips = camera_moves.plan(options.clips, options.seed)
                pool = moves_pool(clips, options.folder or Path(temporary), options.footage)
            report(f"{len(clips)} clips of real footage", pool, choice)
            print(f"What the words say, share that is right\n{right_words(clips, pool.numbers).to_string()}\n")
    if options.cost is not None:
        print(f"{options.cost.name}\n{cost(options.cost, options.repeats).to_string()}\n")
    if options.demo is not None:
        names = [concept.name for concept in demo.CONCEPTS] if options.concepts == ["all"] else options.concepts
        pool = demo_pool(options.demo, options.clips, names)
        report(f"{len(pool.numbers)} clips of the demo", pool, choice)


def cost(file: Path, repeats: int) -> pd.DataFrame:
    """Return the processor seconds of reading a video with its shots and pictures, without and with motion."""
    spent: dict[str, list[float]] = {"shots": [], "shots and motion": []}
    seconds, number = 0.0, 0
    for name in list(spent) * repeats:
        video = Video(file, file.stat().st_size, SMALL_SIDE, 224)
        meter = MotionMeter()
        frames = video.frames() if name == "shots" else _metered(video, meter, 0.0)
        started = time.process_time()
        for shot in shots(frames, Transitions(video.seen_fps), PICTURES):
            seconds, number = shot.end, shot.frame_out
            if name != "shots":
                meter.result(shot.start, shot.end)
                meter.forget(shot.end)
        spent[name].append(time.process_time() - started)
        video.close()
    rows = {name: np.median(values) for name, values in spent.items()}
    ratio = np.median(np.array(spent["shots and motion"]) / np.array(spent["shots"]))
    return pd.DataFrame(
        {
            "processor ms a second of video": [value / seconds * 1000 for value in rows.values()],
            "ms a frame": [value / number * 1000 for value in rows.values()],
            "ratio": [1.0, ratio],
        },
        index=list(rows),
    ).round(3)


@dataclass(frozen=True)
class Choice:
    """What is measured: with how many labels, seeds, which kinds of features (None: all) and classifiers."""

    labels: int
    seeds: int
    features: list[str] | None
    classifiers: tuple[str, ...]


def report(title: str, pool: Pool, choice: Choice) -> None:
    """Print the average precision of every concept with each kind of features and classifier."""
    table = {}
    labels, seeds = choice.labels, choice.seeds
    for features in pool.features if choice.features is None else choice.features:
        if features == "session":
            continue
        X = pool.features[features]
        for name in choice.classifiers:
            scorer = scorers(X)[name]
            table[f"{features}, {name}"] = {
                concept: float(np.mean([oracle_ap(X, truth, scorer, labels, seed) for seed in range(seeds)]))
                for concept, truth in pool.truth.items()
            }
    for name, viewed in (("session, embeddings alone", False), ("session, both views", True)):
        if choice.features is None or "session" in choice.features:
            table[name] = {
                concept: float(np.mean([session_ap(pool, concept, viewed, labels, seed) for seed in range(seeds)]))
                for concept in pool.truth
            }
    frame = pd.DataFrame(table)
    frame.loc["mean"], frame.loc["least"] = frame.mean(), frame.min()
    frame.insert(0, "share", pd.Series({concept: truth.mean() for concept, truth in pool.truth.items()}))
    print(f"{title}: AP on the rest after {labels} labels, mean of {seeds} seeds")
    print(frame.round(2).T.to_string(), "\n", flush=True)


def oracle_ap(X: NDArray[np.float32], truth: NDArray[np.bool_], scorer: Scorer, labels: int, seed: int) -> float:
    """Return the average precision on the unlabelled clips after so many labels by the truth."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(X))[:PAGE]
    directions = (X - X.mean(axis=0)) / np.maximum(np.linalg.norm(X - X.mean(axis=0), axis=1, keepdims=True), 1e-9)
    while True:
        labelled = np.zeros(len(X), dtype=bool)
        labelled[rows] = True
        scores = scorer(X, rows, truth[rows]).astype(np.float32)
        if len(rows) >= labels:
            return float(average_precision_score(truth[~labelled], scores[~labelled]))
        page = feeds.feed(
            "suggested",
            ScoreIndex(scores),
            min(PAGE, labels - len(rows)),
            labelled=labelled,
            any_yes=bool(truth[rows].any()),
            embeddings=directions,
            center=np.zeros(X.shape[1]),
            seed=seed,
        )
        rows = np.concatenate([rows, page])


def session_ap(pool: Pool, concept: str, viewed: bool, labels: int, seed: int) -> float:
    """Return the average precision on the unlabelled clips after so many labels, learned as a session does.

    The first six are half the results of a search, the others pages of the suggested feed. Without `viewed` the
    embeddings alone are searched and learned from.
    """
    truth, n, text = pool.truth[concept], len(pool.numbers), pool.texts[concept]
    appearance, motion = pool.views["appearance"], pool.views["motion"]
    vector = OpenClipEncoder(demo.ENCODER).encode_text([text])[0]
    scores, fits, query = appearance.astype(np.float32) @ vector, {}, motion_query(text) if viewed else None
    moving = motion_scores(text, motion) if viewed else None
    if moving is not None:
        scores, fits = moving, {"motion": sample_of(moving[:, None], seed)[:, 0]}
    clips = ClipArrays(
        embeddings=lambda: appearance,
        clusters=np.zeros(n, dtype=np.int64),
        videos=np.arange(n),
        statistics=CorpusStatistics.of(appearance, seed),
        seed=seed,
        neighbours=lambda: pool.neighbours,
        views=[View("motion", lambda: motion, sample_of(motion, seed))] if viewed else [],
    )
    rows = np.random.default_rng(seed).permutation(np.argsort(-scores, kind="stable")[:PAGE])[: PAGE // 2]

    def labelled() -> TrainingLabels:
        return TrainingLabels(len(rows), rows, truth[rows], np.zeros(len(rows), dtype=bool))

    alone = query is not None and not query.rest
    trainer = Trainer(clips, None if alone else vector, labelled(), 1, fits)
    fit = trainer.start(lambda: -1)
    while True:
        left_out = np.isin(np.arange(n), rows)
        if len(rows) >= labels:
            return float(average_precision_score(truth[~left_out], fit.logits[~left_out]))
        page = trainer.feed(fit, "suggested", min(PAGE, labels - len(rows)), left_out)
        rows = np.concatenate([rows, page.rows])
        fit = trainer.fit(labelled(), fit, fit.refit.version + 1)


def scorers(X: NDArray[np.float32]) -> dict[str, Scorer]:
    """Return the classifiers, as functions of features, labelled rows and labels that return scores of all clips."""
    return {"linear": partial(_linear, CorpusStatistics.of(X)), "RBF": _rbf}


def _linear(
    statistics: CorpusStatistics, X: NDArray[np.float32], rows: NDArray[np.int64], y: NDArray[np.bool_]
) -> NDArray[np.float64]:
    return TextLogistic(statistics=statistics).fit(X[rows], y).decision_function(X)


def _rbf(X: NDArray[np.float32], rows: NDArray[np.int64], y: NDArray[np.bool_]) -> NDArray[np.float64]:
    if y.all() or not y.any():
        return np.zeros(len(X))
    model = SVC(C=10.0, gamma=0.5 / X.shape[1], class_weight="balanced").fit(X[rows], y)
    return np.asarray(model.decision_function(X), dtype=np.float64)


def moves_pool(clips: list[camera_moves.MovedClip], folder: Path, footage: Path) -> Pool:
    """Return the features and the truth of clips under known moves."""
    with tqdm(total=len(clips), desc="filming", unit="clip") as bar:
        camera_moves.film(folder, clips, footage, on_done=lambda: bar.update())
    places = [(folder / clip.video, 0.0, 1e6) for clip in clips]
    moves = np.array([clip.move for clip in clips])
    truth = {move: moves == move for move in camera_moves.MOVES}
    return measured(places, truth, {move: TEXTS.get(move, move) for move in truth})


def demo_pool(folder: Path, clips: int, concepts: Sequence[str]) -> Pool:
    """Return the features of a demo corpus, and the truth about some of its concepts."""
    corpus = demo.corpus(folder, clips=clips)
    table = corpus.clips
    places = [
        (folder / "videos" / str(video), float(start), float(end))
        for video, start, end in zip(table["video"], table["start"], table["end"], strict=True)
    ]
    truth = {concept: demo.truth_of(corpus, concept).to_numpy() for concept in concepts}
    return measured(places, truth, {concept: concept for concept in concepts})


def measured(
    places: list[tuple[Path, float, float]], truth: dict[str, NDArray[np.bool_]], texts: dict[str, str]
) -> Pool:
    """Return all kinds of features of clips, each (file, start, end), all standardised, and their two views."""
    encoder = OpenClipEncoder(demo.ENCODER)
    rows, numbers = [], []
    for file, start, end in tqdm(places, desc="measuring", unit="clip"):
        meter = MotionMeter()
        video = Video(file, file.stat().st_size, SMALL_SIDE, PICTURE_SIDE)
        try:
            [(_, shot)] = segments(partial(_metered, video, meter), [(start, end)], PICTURES)
        finally:
            video.close()
        motion = meter.result(start, end)
        vectors = encoder.encode_frames(shot.pictures).astype(np.float64)
        numbers.append(motion.numbers)
        rows.append(
            {
                "appearance": vectors.mean(axis=0),
                "course": course(vectors, seed=0),
                "filmstrip": filmstrip_features(shot.pictures, shot.end - shot.start),
                "motion": motion.features,
            }
        )
    appearance = np.stack([row["appearance"] for row in rows])
    appearance /= np.linalg.norm(appearance, axis=1, keepdims=True)
    moves = np.stack([row["motion"] for row in rows])
    views = {"appearance": appearance.astype(np.float16), "motion": moves.astype(np.float16)}
    features = {name: standardised(np.stack([row[name] for row in rows])) for name in rows[0]}
    for names in (("appearance", "course"), ("motion", "course"), ("appearance", "motion")):
        features[" + ".join(names)] = joined([features[name] for name in names])
    return Pool(features, pd.DataFrame(numbers, columns=MotionNumbers._fields), truth, views, texts)


def _metered(video: Video, meter: MotionMeter, start: float) -> Iterator[Frame]:
    for frame in video.frames(start):
        meter.add(frame.small(), frame.time)
        yield frame


def course(vectors: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return how a clip's frame vectors (frames, dim) change: (192,).

    It is their standard deviation, slope over time and mean step, each by a random projection to 64 dimensions.
    """
    time = np.linspace(-1, 1, len(vectors))
    slope = time @ vectors / max(float(time @ time), 1e-9)
    step = np.abs(np.diff(vectors, axis=0)).mean(axis=0)
    projection = np.random.default_rng(seed).normal(0, 1, (vectors.shape[1], COURSE_DIM))
    return np.concatenate([part @ projection for part in (vectors.std(axis=0), slope, step)])


def joined(blocks: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return several kinds of features side by side, all with the same weight."""
    return np.concatenate([block / np.sqrt(block.shape[1]) for block in blocks], axis=1).astype(np.float32)


def filmstrip_features(pictures: list[NDArray[np.uint8]], seconds: float) -> NDArray[np.float64]:
    """Return the camera's mean, mean absolute, spread and sum of moves between neighbours of a few pictures."""
    scale = STRIP_SIDE / min(pictures[0].shape[:2])
    grey = [
        cv2.cvtColor(cv2.resize(p, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        for p in pictures
    ]
    pairs = [pair_motion(a.astype(np.uint8), b.astype(np.uint8)) for a, b in pairwise(grey)]
    moves = np.array(pairs, dtype=np.float64).reshape(-1, len(PairMotion._fields))[:, :6]
    rates = moves * len(pairs) / seconds
    parts = [rates.mean(axis=0), np.abs(rates).mean(axis=0), rates.std(axis=0), moves.sum(axis=0)]
    return np.arcsinh(np.concatenate(parts) / 0.05)


def standardised(X: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the features with mean 0 and deviation 1 over all clips, at most 3 deviations from the mean."""
    deviation = X.std(axis=0)
    scaled = (X - X.mean(axis=0)) / np.where(deviation > 1e-6, deviation, 1.0)
    return np.clip(scaled, -FARTHEST, FARTHEST).astype(np.float32)


def right_words(clips: list[camera_moves.MovedClip], numbers: pd.DataFrame) -> pd.DataFrame:
    """Return the share of clips whose motion is named rightly in words, by move and by how the clips look."""
    said = [motion_in_words(dict(zip(numbers.columns, row, strict=True))) for row in numbers.to_numpy()]
    right = [any(word in text for word in WORDS[clip.move]) for clip, text in zip(clips, said, strict=True)]
    table = pd.DataFrame([vars(clip) for clip in clips]).assign(right=right)
    table["rate"] = table["fps"].astype(str) + " fps"
    table["length"] = np.where(table["seconds"] >= camera_moves.LONG, "long", "short")
    table["footage"] = np.where(table["live"], "live", "one picture")
    columns = ["look", "rate", "length", "footage"]
    parts = [table.pivot_table(index="move", columns=column, values="right", margins=True) for column in columns]
    both = pd.concat([part.drop(columns="All") for part in parts] + [parts[0][["All"]]], axis=1)
    return both.reindex([*camera_moves.MOVES, "All"]).round(2)


if __name__ == "__main__":
    main()
