"""Measure whether averaging a concept's text vectors over several templates improves search: mean AP by templates.

`python benchmarks/prompts.py [--scenes 2000] [--seed 1000000] [--json FILE]`
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from va_widgets.corpus import OpenClipEncoder
from va_widgets.demo import CONCEPTS
from va_widgets.demo.scenes import Scene, sample_scenes
from va_widgets.demo.train import rendered_frames

MOMENTS = (0.1, 0.5, 0.9)
TEMPLATES: dict[str, Sequence[str]] = {
    "as it is": ("{}",),
    "a photo of": ("a photo of {}",),
    "a video of": ("a video of {}",),
    "photo, video, scene, view": ("a photo of {}", "a video of {}", "a scene with {}", "a view of {}"),
    "as it is and those four": ("{}", "a photo of {}", "a video of {}", "a scene with {}", "a view of {}"),
    "as it is, a shot of, a clip of": ("{}", "a shot of {}", "a clip of {}"),
}
RESAMPLES = 2000


def main() -> None:
    """Print mean AP over the demo's concepts for each set of templates, and its difference from the plain words."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=2000)
    parser.add_argument(
        "--seed", type=int, default=1_000_000, help="seed of the scenes; va-tiny was trained on other scenes"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    scenes = sample_scenes(options.scenes, options.seed)
    encoder = OpenClipEncoder()
    clips = _embedded(encoder, scenes)
    precision = {name: _precision(encoder, clips, scenes, templates) for name, templates in TEMPLATES.items()}
    plain = precision["as it is"]
    rng = np.random.default_rng(0)
    rows = []
    print(f"{'templates':34} {'mean AP':>8} {'difference (95 %)':>24}  better for")
    for name, values in precision.items():
        gain = values - plain
        resampled = rng.choice(gain, (RESAMPLES, len(gain))).mean(axis=1)
        low, high = np.quantile(resampled, (0.025, 0.975))
        better = int((gain > 0).sum())
        rows.append({"templates": name, "mean_ap": float(values.mean()), "low": float(low), "high": float(high)})
        print(
            f"{name:34} {values.mean():8.3f} {gain.mean():+8.3f} ({low:+.3f} to {high:+.3f})  {better} of {len(gain)}"
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _embedded(encoder: OpenClipEncoder, scenes: Sequence[Scene]) -> NDArray[np.float32]:
    """Return the unit embedding (n, dim) of each scene: the mean over its rendered frames."""
    parts = []
    for start in range(0, len(scenes), 200):
        frames = rendered_frames(scenes[start : start + 200], MOMENTS).permute(0, 1, 3, 4, 2)
        vectors = encoder.encode_frames(list(frames.flatten(0, 1).numpy())).reshape(len(frames), len(MOMENTS), -1)
        parts.append(_normalised(vectors.mean(axis=1)))
    return np.concatenate(parts)


def _precision(
    encoder: OpenClipEncoder, clips: NDArray[np.float32], scenes: Sequence[Scene], templates: Sequence[str]
) -> NDArray[np.float64]:
    """Return the AP of every concept, searched with the average of its vectors in all templates."""
    values = []
    for concept in CONCEPTS:
        words = [template.format(concept.query) for template in templates]
        vector = _normalised(encoder.encode_text(words).mean(axis=0))
        values.append(average_precision_score([concept.shown_in(scene) for scene in scenes], clips @ vector))
    return np.array(values)


def _normalised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


if __name__ == "__main__":
    main()
