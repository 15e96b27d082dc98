"""Compare the speed of a build with a plain loop that reads frames with OpenCV and embeds them with OpenCLIP.

Both embed the same number of frames of the same shots with the same model. The loop gets the shots as input; the build
detects them, makes filmstrips, and writes a corpus. The videos are 1080p H.264, made with x264's defaults.
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
from va_widgets.demo.render import render
from va_widgets.demo.scenes import sample_scenes
from va_widgets.encoders.protocol import OpenClipEncoder
from va_widgets.video.decoder_messages import Clip, Request
from va_widgets.video.decoder_process import DecoderProcess

WIDTH, HEIGHT, FPS = 1920, 1080, 25
GRAIN = 2.0  # grey levels

ShotSpan: TypeAlias = tuple[str, int, int]  # clip_id, its first frame, and the frame after its last


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=Path, help="a folder of videos (default: two are made)")
    parser.add_argument("--seconds", type=int, default=30, help="length of each video that is made")
    parser.add_argument("--model", default="ViT-B-32", help="an architecture, with random weights, or va-tiny")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        videos = options.videos or make_videos(home / "videos", options.seconds)
        tag = "va-tiny" if options.model == "va-tiny" else f"local-dir:{random_model(options.model, home / 'model')}"
        encoder = OpenClipEncoder(tag)
        corpus = va.Corpus.build(home / "warm", videos, encoder, progress=False)
        shots: dict[str, list[ShotSpan]] = {}
        clips = corpus.clips
        for video, clip, first, after in zip(
            clips["video"], clips.index, clips["frame_in"], clips["frame_out"], strict=True
        ):
            shots.setdefault(str(video), []).append((str(clip), int(first), int(after)))
        ends = clips.groupby("video", observed=True)["end"].max()
        model, _, preprocess = open_clip.create_model_and_transforms(tag if ":" in tag else f"local-dir:{tiny()}")
        model.eval()
        rows: dict[str, list[float]] = {name: [] for name in ("plain loop", "build", "reading alone", "model alone")}
        for number in range(options.repeats):
            rows["plain loop"].append(timed(lambda: plain(videos, shots, model, preprocess)))
            target = home / f"corpus-{number}"
            rows["build"].append(timed(partial(va.Corpus.build, target, videos, encoder, progress=False)))
            rows["reading alone"].append(timed(lambda: read_all(videos, encoder.image_size)))
            rows["model alone"].append(timed(lambda: embed_frames(encoder, 8 * len(corpus))))
        agreement = cosines(corpus, plain(videos, shots, model, preprocess))
    seconds = {name: float(np.median(times)) for name, times in rows.items()}
    length, frames = float(ends.sum()), sum(max(after for _, _, after in spans) for spans in shots.values())
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
    ratios = [plain_time / build_time for plain_time, build_time in zip(rows["plain loop"], rows["build"], strict=True)]
    print(f"build against plain loop: {np.median(ratios):.2f} x (from {min(ratios):.2f} to {max(ratios):.2f})")
    print(f"cosine of a shot's vector with the loop's: median {np.median(agreement):.4f}, least {agreement.min():.4f}")
    if options.json:
        options.json.write_text(json.dumps({"seconds": rows, "ratio": float(np.median(ratios))}), encoding="utf-8")


def timed(work: Callable[[], object]) -> float:
    """Return how long a call takes, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def plain(
    videos: Path, shots: dict[str, list[ShotSpan]], model: Any, preprocess: Callable[[Image.Image], torch.Tensor]
) -> dict[str, NDArray[np.float32]]:
    """The plain loop: read every frame, preprocess the sampled ones, and embed them shot by shot."""
    vectors = {}
    for name, spans in shots.items():
        capture = cv2.VideoCapture(str(videos / name))
        number = -1
        for clip, first, after in sorted(spans, key=lambda span: span[1]):
            sampled = {first + int((i + 0.5) / 8 * (after - first)) for i in range(8)}
            inputs = []
            while number < after - 1:
                success, frame = capture.read()
                number += 1
                if not success:
                    break
                if number in sampled:
                    inputs.append(preprocess(Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))))
            with torch.inference_mode():
                vectors[clip] = model.encode_image(torch.stack(inputs), normalize=True).mean(dim=0).numpy()
        capture.release()
    return vectors


def read_all(videos: Path, side: int) -> None:
    """Read all videos as a build does, one after the other, and discard the clips."""
    reader = DecoderProcess()
    for file in sorted(videos.iterdir()):
        for message in reader.read(Request(str(file), file.stat().st_size, side, 8, threads=2)):
            assert not isinstance(message, Clip) or message.pictures
    reader.close()


def embed_frames(encoder: OpenClipEncoder, frames: int) -> None:
    """Embed `frames` random frames."""
    side = encoder.image_size
    frame = np.random.default_rng(0).integers(0, 255, (side, side * 16 // 9, 3), dtype=np.uint8)
    for start in range(0, frames, 64):
        encoder.encode_frames([frame] * min(64, frames - start))


def cosines(corpus: va.Corpus, vectors: dict[str, NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return the cosine of each clip's vector in the corpus with the loop's vector."""
    ours = corpus.embeddings.astype(np.float64)
    return np.array(
        [float(ours[corpus.row(clip)] @ (vector / np.linalg.norm(vector))) for clip, vector in vectors.items()]
    )


def random_model(architecture: str, folder: Path) -> Path:
    """Write an untrained OpenCLIP model, which is as fast as a trained one, and return its folder."""
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


def make_videos(folder: Path, seconds: int) -> Path:
    """Write two 1080p videos of shots of 2 to 5 seconds, and return their folder."""
    folder.mkdir(parents=True)
    for number in range(2):
        with av.open(str(folder / f"{number}.mp4"), "w") as file:
            stream = file.add_stream("libx264", rate=FPS)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for frame in rendered_frames(seconds, number):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            file.mux(stream.encode())
    return folder


def rendered_frames(seconds: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a video of random scenes, with film grain."""
    rng = np.random.default_rng(seed)
    grains = [np.repeat(rng.normal(0, GRAIN, (HEIGHT, WIDTH, 1)), 3, axis=2).astype(np.float32) for _ in range(4)]
    remaining, scenes = seconds * FPS, iter(sample_scenes(seconds, seed))
    while remaining > 0:
        length = min(remaining, int(rng.integers(2 * FPS, 5 * FPS)))
        scene = next(scenes)
        for i in range(length):
            small = render(scene, i / length, WIDTH // 2, HEIGHT // 2)
            large = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
            yield np.clip(large + grains[int(rng.integers(4))], 0, 255).astype(np.uint8)
        remaining -= length


if __name__ == "__main__":
    main()
