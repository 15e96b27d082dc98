"""Compare ways to measure the camera's move between two small frames: their errors on known moves, and their cost.

Clips as in motion.py are measured at pairs of frames 1/12 s apart. Errors are those of the speed a second, in shares of
the picture, of the axis that is worst: the median and the 90th percentile over the pairs. `--vectors` also encodes the
clips with x264's defaults and reads the motion vectors that the decoder exports for frames that refer to the past only.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks import camera_moves
from va_widgets.video.motion.camera import pair_motion

RATE = 12  # frames a second
MOVING = 0.3  # the least true speed of the pairs of a whip pan that count: the others are at rest
Grey = NDArray[np.uint8]
Move = NDArray[np.float64]  # pan, tilt, zoom, roll of one pair, as in PairMotion
Estimator = Callable[[Grey, Grey], Move]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("footage", type=Path, help="a folder with the videos that camera_moves.py names")
    parser.add_argument("--clips", type=int, default=110)
    parser.add_argument("--sides", type=int, nargs="+", default=[36, 72])
    parser.add_argument("--vectors", action="store_true")
    options = parser.parse_args()
    if any(not (options.footage / f"{name}.mp4").is_file() for name in camera_moves.STILL):
        parser.error(f"{options.footage} lacks one of {', '.join(camera_moves.STILL)}")
    cv2.setNumThreads(1)  # more threads only wait for each other with pictures as small as these
    sources = camera_moves.load(options.footage)
    clips = [
        replace(clip, fps=RATE, look="plain", live=False, seconds=2.0)
        for clip in camera_moves.plan(options.clips, seed=1)
    ]
    films = [list(camera_moves.frames(clip, sources)) for clip in clips]
    truths = [camera_moves.true_moves(clip, sources) for clip in clips]
    rows = []
    for side in options.sides:
        small = [[_grey(frame, side) for frame in film] for film in films]
        for name, estimator in estimators().items():
            started = time.process_time()
            moves = [[estimator(a, b) for a, b in pairwise(film)] for film in small]
            spent = time.process_time() - started
            rows.append(_row(f"{name}, {side} px", clips, truths, moves, spent))
    if options.vectors:
        rows.append(_row("decoder's motion vectors", clips, truths, [_from_vectors(film) for film in films], np.nan))
    print(pd.DataFrame(rows).set_index("estimator").round(3).to_string())


def _row(
    name: str, clips: list[camera_moves.MovedClip], truths: list[Move], moves: list[list[Move]], spent: float
) -> dict[str, object]:
    """Return the errors of one estimator, by groups of moves, and a pair's processor time in milliseconds."""
    pairs = sum(len(film) for film in moves)
    row: dict[str, object] = {"estimator": name, "ms a pair": spent / pairs * 1000}
    groups = {"static": "static", "pan": "pan l pan r tilt", "zoom": "zoom", "slow": "slow", "roll": "roll"}
    for group, names in (groups | {"shake": "shake", "whip": "whip"}).items():
        errors = np.concatenate(
            [
                np.abs((np.array(found) - truth) * RATE).max(axis=1)[
                    np.abs(truth * RATE).max(axis=1) > (MOVING if group == "whip" else -1)
                ]
                for clip, truth, found in zip(clips, truths, moves, strict=True)
                if any(clip.move.startswith(word) for word in names.split())
            ]
        )
        row[f"{group} median"], row[f"{group} 90 %"] = np.nanmedian(errors), np.nanquantile(errors, 0.9)
    return row


def estimators() -> dict[str, Estimator]:
    """Return the ways to measure a pair, by name."""
    return {
        "phase correlation": _correlated,
        "sparse flow, RANSAC": _sparse,
        "sparse flow, least squares": _sparse_squares,
        "both (camera.py)": lambda a, b: np.array(pair_motion(a, b)[:4]),
        "DIS flow, RANSAC": _dense(_dis),
        "Farneback's flow, RANSAC": _dense(_farneback),
        "ECC, affine": _ecc,
    }


def _grey(frame: NDArray[np.uint8], side: int) -> Grey:
    scale = side / min(frame.shape[:2])
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.uint8)


def _correlated(a: Grey, b: Grey) -> Move:
    height, width = a.shape
    taper = cv2.createHanningWindow((width, height), cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(a.astype(np.float32), b.astype(np.float32), taper)
    return np.array([-x / width, y / height, 0, 0])


def _tracks(a: Grey, b: Grey) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    height, width = a.shape
    grid = np.stack(np.meshgrid(np.arange(2, width, 4), np.arange(2, height, 4)), axis=-1)
    points = grid.reshape(-1, 2).astype(np.float32)
    ends, found, _ = cv2.calcOpticalFlowPyrLK(a, b, points, points.copy(), winSize=(9, 9), maxLevel=3)
    kept = found.ravel() > 0
    return points[kept], ends[kept].astype(np.float32, copy=False)


def _similarity(a: NDArray[np.float32], b: NDArray[np.float32], shape: tuple[int, ...], method: int) -> Move:
    if len(a) < 4:
        return np.zeros(4)
    if method:
        matrix, _ = cv2.estimateAffinePartial2D(a, b, method=method, ransacReprojThreshold=0.5)
        return np.zeros(4) if matrix is None else _move(matrix.astype(np.float64), shape)
    x, y = a.T
    one, none = np.ones_like(x), np.zeros_like(x)
    system = np.concatenate([np.stack([x, -y, one, none], axis=1), np.stack([y, x, none, one], axis=1)])
    scale, turn, right, down = np.linalg.lstsq(system, b.T.ravel(), rcond=None)[0]
    return _move(np.array([[scale, -turn, right], [turn, scale, down]]), shape)


def _move(matrix: NDArray[np.floating], shape: tuple[int, ...]) -> Move:
    """Return the camera's move for the matrix (2, 3) by which the picture's points move."""
    centre = (np.array(shape[1::-1]) - 1) / 2
    x, y = matrix[:, :2] @ centre + matrix[:, 2] - centre
    scale, turn = np.hypot(matrix[0, 0], matrix[1, 0]), np.arctan2(matrix[1, 0], matrix[0, 0])
    return np.array([-x / shape[1], y / shape[0], np.log(max(scale, 1e-6)), -turn])


def _sparse(a: Grey, b: Grey) -> Move:
    return _similarity(*_tracks(a, b), a.shape, cv2.RANSAC)


def _sparse_squares(a: Grey, b: Grey) -> Move:
    return _similarity(*_tracks(a, b), a.shape, 0)


def _dis(a: Grey, b: Grey) -> NDArray[np.float32]:
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(a, b, np.zeros((*a.shape, 2), np.float32))
    return np.asarray(flow, dtype=np.float32)


def _farneback(a: Grey, b: Grey) -> NDArray[np.float32]:
    return cv2.calcOpticalFlowFarneback(a, b, np.empty(0), 0.5, 3, 9, 3, 5, 1.1, 0).astype(np.float32)


def _dense(flow: Callable[[Grey, Grey], NDArray[np.float32]]) -> Estimator:
    def estimate(a: Grey, b: Grey) -> Move:
        height, width = a.shape
        points = np.stack(np.meshgrid(np.arange(2, width, 4), np.arange(2, height, 4)), axis=-1).reshape(-1, 2)
        moved = flow(a, b)[points[:, 1], points[:, 0]]
        return _similarity(points.astype(np.float32), (points + moved).astype(np.float32), a.shape, cv2.RANSAC)

    return estimate


def _ecc(a: Grey, b: Grey) -> Move:
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 1e-4)
    try:
        start = np.eye(2, 3, dtype=np.float32)
        _, matrix = cv2.findTransformECC(a, b, start, cv2.MOTION_AFFINE, stop, np.full(a.shape, 255, np.uint8), 3)
    except cv2.error:  # it does not converge
        return np.zeros(4)
    return _move(matrix.astype(np.float64), a.shape)


def _from_vectors(film: list[NDArray[np.uint8]]) -> list[Move]:
    """Return the moves between frames by the motion vectors of their H.264, NaN where a frame has too few."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=RATE)
        stream.height, stream.width = film[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in film:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        file.mux(stream.encode())
    memory.seek(0)
    moves = []
    with av.open(memory, "r") as encoded:
        video = encoded.streams.video[0]
        video.codec_context.options = {"flags2": "+export_mvs"}
        for frame in encoded.decode(video):
            data: Any = frame.side_data.get("MOTION_VECTORS")
            vectors = data.to_ndarray() if data is not None else None
            if vectors is None or (vectors["source"] > 0).any() or len(vectors) < 8:
                moves.append(np.full(4, np.nan))
                continue
            past = vectors[vectors["source"] == -1]
            before = np.stack([past["src_x"], past["src_y"]], axis=1).astype(np.float32)
            after = np.stack([past["dst_x"], past["dst_y"]], axis=1).astype(np.float32)
            moves.append(_similarity(before, after, film[0].shape, cv2.RANSAC))
    return moves[1 : len(film)]


if __name__ == "__main__":
    main()
