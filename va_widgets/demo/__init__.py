"""The demo corpus: rendered videos with known content, and a tiny OpenCLIP model for them.

Works without a network. The truth about every clip is in `corpus.clips`, in boolean columns `truth:<concept>`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from va_widgets.base import arguments
from va_widgets.base.errors import CorpusError
from va_widgets.base.paths import GivenPath, absolute_path, replacing
from va_widgets.base.progress import can_be_shown
from va_widgets.base.texts import counted
from va_widgets.corpus import Corpus, OpenClipEncoder
from va_widgets.demo.concepts import CONCEPTS, Concept, truth
from va_widgets.demo.render import render
from va_widgets.demo.scenes import Scene, sample_scenes
from va_widgets.demo.videos import Shot, film, plan, write_truth

__all__ = ["CONCEPTS", "ENCODER", "TRUTH", "Concept", "corpus", "truth_of"]

ENCODER = "va-tiny"
TRUTH = "truth:"
_OPTIONS_FILE, _TRUTH_FILE = "demo.json", "truth.json"
_DEFAULTS: dict[str, int] = {"clips": 400, "seed": 0, "videos": True}
_VIDEOS_FOLDER = "videos"
_FAST_MOMENTS = (0.1, 0.5, 0.9)
_FAST_CHUNK = 256


def corpus(
    path: GivenPath,
    clips: int | None = None,
    seed: int | None = None,
    *,
    videos: bool | None = None,
    progress: bool = True,
) -> Corpus:
    """Render and build a demo corpus in the folder `path`; later calls open it.

    Parameters
    ----------
    clips : int
        The number of shots. The default is that of the folder's demo corpus, or 400.
    seed : int
        The default is that of the folder's demo corpus, or 0. The same number of shots and seed give the same corpus.
    videos : bool
        False writes no video files and embeds the rendered frames directly, which is faster for experiments with tens
        of thousands of clips. Such a corpus has no thumbnails and no videos to play.
    progress : bool
        Show progress bars and messages.

    Raises
    ------
    CorpusError
        If `clips` is not positive, or the folder holds a demo corpus made with other numbers.
    """
    path = absolute_path(path, name="A demo corpus's folder")
    clips = None if clips is None else arguments.count(clips, "clips", least=1, error=CorpusError)
    seed = None if seed is None else arguments.seed(seed, error=CorpusError)
    videos = None if videos is None else arguments.flag(videos, "videos", error=CorpusError)
    progress = arguments.flag(progress, "progress")
    options = _options(path, {"clips": clips, "seed": seed, "videos": videos})
    scenes = sample_scenes(options["clips"], options["seed"])
    if options["videos"]:
        return _build_from_videos(path, scenes, options["seed"], progress)
    return _build_without_videos(path, scenes, progress)


def truth_of(corpus: Corpus, concept: str) -> pd.Series[bool]:
    """Return for each clip of a demo corpus whether it shows a concept, by clip_id.

    Raises CorpusError if the corpus has no truth about the concept, or not for all of its clips.
    """
    arguments.instance(corpus, Corpus, "The demo corpus", "a va.Corpus", error=CorpusError)
    column = TRUTH + arguments.text(concept, "The concept", error=CorpusError)
    if column not in corpus.clips:
        raise CorpusError(f"This corpus holds no truth about {concept!r}: only va.demo.corpus makes one that does.")
    values = corpus.clips[column]
    if values.isna().any():
        raise CorpusError(
            f"The truth about {concept!r} is missing for {values.isna().sum()} clips, which were not rendered: take"
            " them out of the corpus."
        )
    return values.astype(bool)


def _options(path: Path, requested: dict[str, int | None]) -> dict[str, int]:
    """Return the options of the folder's corpus, from its options file; write that file first if there is none."""
    given = {name: value for name, value in requested.items() if value is not None}
    file = path / _OPTIONS_FILE
    if not file.exists():
        if (path / _TRUTH_FILE).exists():
            raise CorpusError(f"{path / _TRUTH_FILE} is not the demo's: move it, or choose another folder.")
        path.mkdir(parents=True, exist_ok=True)
        options = _DEFAULTS | given
        with replacing(file) as unfinished:
            unfinished.write_text(json.dumps(options) + "\n", encoding="utf-8")
        return options
    try:
        stored = msgspec.json.decode(file.read_bytes(), type=dict[str, int | bool])
        options = {name: stored[name] for name in _DEFAULTS}
    except (OSError, ValueError, KeyError, msgspec.MsgspecError, RecursionError) as error:
        raise CorpusError(f"{file} is not the demo's: move it, or choose another folder.") from error
    for name, value in given.items():
        if options[name] != value:
            raise CorpusError(
                f"{path} already holds a demo corpus made with {name}={options[name]}, not {value}:"
                " choose another folder."
            )
    return options


def _build_from_videos(path: Path, scenes: Sequence[Scene], seed: int, progress: bool) -> Corpus:
    """Write the missing videos, build a corpus from them, and add the truth of each clip."""
    shots = plan(scenes, seed)
    folder = path / _VIDEOS_FOLDER
    if any(not (folder / video[0].video).exists() for video in shots):
        with tqdm(total=len(shots), desc="filming", unit="video", disable=not can_be_shown(progress)) as bar:
            film(folder, shots, on_done=lambda: bar.update() and None)
        write_truth(path / _TRUTH_FILE, shots)
    built = Corpus.build(path, videos=folder, encoder=ENCODER, progress=progress)
    if not _has_truth(built):
        built = built.with_columns(_truth_table(built, [shot for video in shots for shot in video]))
    return built


def _build_without_videos(path: Path, scenes: Sequence[Scene], progress: bool) -> Corpus:
    """Open the folder's corpus, or make one from embeddings of rendered frames."""
    encoder = OpenClipEncoder(ENCODER)
    if (path / "manifest.json").exists():
        return Corpus.open(path)
    if progress:
        print(f"Rendering {counted(len(scenes), 'clip')} straight into embeddings: no video files, so no thumbnails.")
    parts = []
    with tqdm(total=len(scenes), desc="rendering", unit="clip", disable=not can_be_shown(progress)) as bar:
        for start in range(0, len(scenes), _FAST_CHUNK):
            chunk = scenes[start : start + _FAST_CHUNK]
            parts.append(_embedded(chunk, encoder))
            bar.update(len(chunk))
    clips = pd.DataFrame(
        {
            "clip_id": [f"scene-{i:06d}" for i in range(len(scenes))],
            "video": [f"imagined-{i // 8:05d}" for i in range(len(scenes))],
            "start": [float(i % 8) for i in range(len(scenes))],
            "end": [float(i % 8 + 1) for i in range(len(scenes))],
            **{TRUTH + name: values for name, values in truth(scenes).items()},
        }
    ).set_index("clip_id")
    return Corpus.from_embeddings(path, np.concatenate(parts), clips, text_encoder=encoder)


def _embedded(scenes: Sequence[Scene], encoder: OpenClipEncoder) -> np.ndarray:
    """Return the unit embedding (n, dim) of each scene: the mean over its rendered frames."""
    height, width = 144, 256
    frames = [render(scene, moment, width, height) for scene in scenes for moment in _FAST_MOMENTS]
    half = (width // 2, height // 2)
    small = [cv2.resize(frame, half, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False) for frame in frames]
    features = encoder.encode_frames(small).reshape(len(scenes), len(_FAST_MOMENTS), -1).mean(axis=1)
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def _has_truth(corpus: Corpus) -> bool:
    return all(TRUTH + concept.name in corpus.clips for concept in CONCEPTS)


def _truth_table(corpus: Corpus, shots: Sequence[Shot]) -> pd.DataFrame:
    """Return the truth of each clip from shot detection: that of the rendered shot with the longest overlap."""
    shots_by_video: dict[str, list[Shot]] = {}
    for shot in shots:
        shots_by_video.setdefault(shot.video, []).append(shot)

    def scene_of(video: str, start: float, end: float) -> Scene:
        overlap = [min(end, shot.end) - max(start, shot.start) for shot in shots_by_video[video]]
        return shots_by_video[video][int(np.argmax(overlap))].scene

    clips = corpus.clips
    scenes = [scene_of(*span) for span in zip(clips["video"], clips["start"], clips["end"], strict=True)]
    table = {TRUTH + name: values for name, values in truth(scenes).items()}
    return pd.DataFrame(table, index=corpus.clips.index)
