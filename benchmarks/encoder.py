"""Compare the frames per second of `OpenClipEncoder` and of a plain loop over OpenCLIP."""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open_clip
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file

from va_widgets.corpus import OpenClipEncoder
from va_widgets.demo.render import render
from va_widgets.demo.scenes import sample_scenes
from va_widgets.encoders.model_sources import model_source
from va_widgets.encoders.protocol import TINY

Frames = list[NDArray[np.uint8]]
Encode = Callable[[Frames], NDArray[np.float32]]
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--models", nargs="+", default=[TINY, "ViT-B-32"], help="va-tiny or names of OpenCLIP architectures"
    )
    parser.add_argument("--batches", nargs="+", type=int, default=[8, 16, 32, 64, 128])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--frames", type=int, default=128, help="frames in each measurement, at least one batch")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="use cpu on a busy machine, with one thread")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # OpenCLIP warns of architectures without weights
    logging.disable(logging.WARNING)
    rows = []
    for name in options.models:
        with tempfile.TemporaryDirectory() as folder:
            tag = name if name == TINY else _with_random_weights(name, Path(folder))
            plain = _plain_loop(tag)
            side = OpenClipEncoder(tag).image_size
            scenes = sample_scenes(max(options.frames, *options.batches), 0)
            width = round(side * 16 / 9 / 2) * 2
            frames = [np.asarray(render(scene, 0.5, width, side), dtype=np.uint8) for scene in scenes]
            reference = plain(frames[:16])
            for threads in options.threads:
                torch.set_num_threads(threads)
                for batch in options.batches:
                    measured = frames[: max(options.frames, batch) // batch * batch]
                    ours = {
                        p: OpenClipEncoder(tag, device="cpu", batch_size=batch, precision=p) for p in ("fp32", "bf16")
                    }
                    methods: dict[str, Encode] = {"plain": lambda f, b=batch, p=plain: p(f, b)}  # type: ignore[misc]
                    methods |= {f"ours {precision}": encoder.encode_frames for precision, encoder in ours.items()}
                    speeds = _speeds(methods, measured, options.repeats, CLOCKS[options.clock])
                    cosine = (ours["bf16"].encode_frames(frames[:16]) * reference).sum(axis=1).min()
                    rows.append({"model": name, "threads": threads, "batch": batch, **speeds, "least cosine": cosine})
    print(pd.DataFrame(rows).round({"least cosine": 5}).to_string(index=False, float_format="{:.4g}".format))
    print(f"frames a second by the {options.clock} clock; the cosine is that of ours in bf16 to the plain loop.")


def _with_random_weights(architecture: str, folder: Path) -> str:
    """Write an untrained model to the folder, and return its tag."""
    torch.manual_seed(0)
    model, _, _ = open_clip.create_model_and_transforms(architecture, pretrained=None)
    config = {
        "model_cfg": open_clip.get_model_config(architecture),
        "preprocess_cfg": open_clip.get_model_preprocess_cfg(model),
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    weights = {key: value.contiguous().clone() for key, value in model.state_dict().items()}
    save_file(weights, str(folder / "open_clip_model.safetensors"))
    return f"local-dir:{folder}"


def _plain_loop(tag: str) -> Callable[..., NDArray[np.float32]]:
    """Return a plain encoder: PIL images, OpenCLIP's preprocessing frame by frame, float32."""
    model, preprocess = model_source(tag).load("cpu")
    model.eval()

    def encode(frames: Frames, batch: int = 64) -> NDArray[np.float32]:
        parts = []
        with torch.no_grad():
            for start in range(0, len(frames), batch):
                inputs = [preprocess(Image.fromarray(frame)) for frame in frames[start : start + batch]]
                parts.append(model.encode_image(torch.stack(inputs), normalize=True).numpy())
        return np.concatenate(parts)

    return encode


def _speeds(methods: dict[str, Encode], frames: Frames, repeats: int, clock: Callable[[], float]) -> dict[str, float]:
    """Return the frames per second of each method: the median of interleaved repetitions, after a warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for repeat in range(repeats + 1):
        for name, encode in methods.items():
            started = clock()
            encode(frames if repeat else frames[:1])
            seconds[name].append(clock() - started)
    return {name: len(frames) / float(np.median(times[1:])) for name, times in seconds.items()}


if __name__ == "__main__":
    main()
