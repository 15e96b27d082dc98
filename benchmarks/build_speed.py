"""How fast videos become a corpus, beside the loop that one would write: OpenCV reads, OpenCLIP embeds.

Both embed the same number of frames of the same shots with the same model. The loop is given where the shots are; the
build has to find them, makes filmstrips, and writes a corpus. 1080p H.264 is made for it, with x264's defaults.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import av
import cv2
import numpy as np
import open_clip
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file

import va_widgets as va
from va_widgets.corpus.encoders import OpenClipEncoder
from va_widgets.corpus.reader import Clip, Reader, Request
from va_widgets.demo.render import render
from va_widgets.demo.scenes import sample_scenes

WIDTH, HEIGHT, FPS = 1920, 1080, 25
GRAIN = 2.0  # grey levels

ShotPlace: TypeAlias = tuple[str, int, int]  # clip_id, its first frame, and the one after its last


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=Path, help="a folder of videos (default: two are made)")
    parser.add_argument("--seconds", type=int, default=30, help="of each video that is made")
    parser.add_argument("--model", default="ViT-B-32", help="an architecture, with random weights, or va-tiny")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        videos = options.videos or made(home / "videos", options.seconds)
        tag = "va-tiny" if options.model == "va-tiny" else f"local-dir:{random_model(options.model, home / 'model')}"
        encoder = OpenClipEncoder(tag)
        corpus = va.Corpus.build(home / "warm", videos, encoder, progress=False)
        shots: dict[str, list[ShotPlace]] = {}
        clips = corpus.clips
        for place in zip(clips["video"], clips.index, clips["frame_in"], clips["frame_out"], strict=True):
            shots.setdefault(str(place[0]), []).append((str(place[1]), int(place[2]), int(place[3])))
        ends = clips.groupby("video", observed=True)["end"].max()
        model, _, preprocess = open_clip.create_model_and_transforms(tag if ":" in tag else f"local-dir:{tiny()}")
        model.eval()
        rows: dict[str, list[float]] = {name: [] for name in ("plain loop", "build", "reading alone", "model alone")}
        for number in range(options.repeats):
            rows["plain loop"].append(timed(lambda: plain(videos, shots, model, preprocess)))
            fresh = home / f"corpus-{number}"
            rows["build"].append(timed(partial(va.Corpus.build, fresh, videos, encoder, progress=False)))
            rows["reading alone"].append(timed(lambda: drained(videos, encoder.image_size)))
            rows["model alone"].append(timed(lambda: modelled(encoder, 8 * len(corpus))))
        agreement = like(corpus, plain(videos, shots, model, preprocess))
    seconds = {name: float(np.median(times)) for name, times in rows.items()}
    length, frames = float(ends.sum()), sum(max(place[2] for place in places) for places in shots.values())
    table = pd.DataFrame(
        {
            "seconds": seconds,
            "x realtime": {name: length / value for name, value in seconds.items()},
            "video frames/s": {name: frames / value for name, value in seconds.items()},
            "embedded frames/s": {name: 8 * len(corpus) / value for name, value in seconds.items()},
        }
    )
    print(f"{len(ends)} videos, {length:.0f} s, {frames} frames, {len(corpus)} shots; {options.model}")
    print(table.round(2).to_string())
    ratios = [a / b for a, b in zip(rows["plain loop"], rows["build"], strict=True)]
    print(f"build against plain loop: {np.median(ratios):.2f} x (from {min(ratios):.2f} to {max(ratios):.2f})")
    print(f"cosine of a shot's vector with the loop's: median {np.median(agreement):.4f}, least {agreement.min():.4f}")
    if options.json:
        options.json.write_text(json.dumps({"seconds": rows, "ratio": float(np.median(ratios))}), encoding="utf-8")


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def plain(
    videos: Path, shots: dict[str, list[ShotPlace]], model: Any, preprocess: Callable[[Image.Image], torch.Tensor]
) -> dict[str, NDArray[np.float32]]:
    """The loop: read every frame, preprocess those sampled, and embed shot by shot."""
    vectors = {}
    for name, places in shots.items():
        capture = cv2.VideoCapture(str(videos / name))
        number = -1
        for clip, first, after in sorted(places, key=lambda place: place[1]):
            wanted = {first + int((i + 0.5) / 8 * (after - first)) for i in range(8)}
            kept = []
            while number < after - 1:
                fine, frame = capture.read()
                number += 1
                if not fine:
                    break
                if number in wanted:
                    kept.append(preprocess(Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))))
            with torch.inference_mode():
                vectors[clip] = model.encode_image(torch.stack(kept), normalize=True).mean(dim=0).numpy()
        capture.release()
    return vectors


def drained(videos: Path, side: int) -> None:
    """Read all videos as a build does, one after the other, and throw the clips away."""
    reader = Reader()
    for file in sorted(videos.iterdir()):
        for message in reader.read(Request(str(file), file.stat().st_size, side, 8, threads=2)):
            assert not isinstance(message, Clip) or message.pictures
    reader.close()


def modelled(encoder: OpenClipEncoder, frames: int) -> None:
    """Embed so many frames."""
    side = encoder.image_size
    picture = np.random.default_rng(0).integers(0, 255, (side, side * 16 // 9, 3), dtype=np.uint8)
    for start in range(0, frames, 64):
        encoder.encode_frames([picture] * min(64, frames - start))


def like(corpus: va.Corpus, vectors: dict[str, NDArray[np.float32]]) -> NDArray[np.float64]:
    """The cosine of each clip's vector in the corpus with the loop's."""
    ours = corpus.embeddings.astype(np.float64)
    return np.array(
        [float(ours[corpus.row(clip)] @ (vector / np.linalg.norm(vector))) for clip, vector in vectors.items()]
    )


def random_model(architecture: str, folder: Path) -> Path:
    """An OpenCLIP model without training: as fast as a trained one."""
    torch.manual_seed(0)
    model = open_clip.create_model(architecture)
    folder.mkdir(parents=True)
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    config = {
        "model_cfg": open_clip.get_model_config(architecture),
        "preprocess_cfg": open_clip.get_model_preprocess_cfg(model),
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def tiny() -> Path:
    return Path(va.__file__).parent / "demo" / "tiny"


def made(folder: Path, seconds: int) -> Path:
    """Two 1080p videos of shots of 2 to 5 seconds."""
    folder.mkdir(parents=True)
    for number in range(2):
        with av.open(str(folder / f"{number}.mp4"), "w") as file:
            stream = file.add_stream("libx264", rate=FPS)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for picture in pictures(seconds, number):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            file.mux(stream.encode())
    return folder


def pictures(seconds: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    grains = [np.repeat(rng.normal(0, GRAIN, (HEIGHT, WIDTH, 1)), 3, axis=2).astype(np.float32) for _ in range(4)]
    left, scenes = seconds * FPS, iter(sample_scenes(seconds, seed))
    while left > 0:
        length = min(left, int(rng.integers(2 * FPS, 5 * FPS)))
        scene = next(scenes)
        for i in range(length):
            small = render(scene, i / length, WIDTH // 2, HEIGHT // 2)
            large = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
            yield np.clip(large + grains[int(rng.integers(4))], 0, 255).astype(np.uint8)
        left -= length


if __name__ == "__main__":
    main()
