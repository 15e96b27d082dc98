"""Small real video files for the tests of the corpus."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np


def write_video(
    path: Path, shots: list[tuple[int, int]], fps: int = 25, size: tuple[int, int] = (160, 90)
) -> list[float]:
    """Write an H.264 file of shots (seed, number of frames); returns where its cuts are, in seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, fps)
        cuts, frames = [], 0
        for seed, length in shots:
            if frames:
                cuts.append(frames / fps)
            still = _picture(seed, width, height)
            for index in range(length):
                frame = av.VideoFrame.from_ndarray(np.roll(still, index // 4, axis=1), format="rgb24")
                frame.pts, frame.time_base = frames, Fraction(1, fps)
                file.mux(stream.encode(frame))
                frames += 1
        file.mux(stream.encode())
    return cuts


def _picture(seed: int, width: int, height: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (5, 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
