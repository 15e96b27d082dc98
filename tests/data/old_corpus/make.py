"""Writes the corpus that lies here, with the code of commit 1d6ccab: see README.md."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd

import va_widgets as va
from va_widgets.corpus import Filmstrip
from va_widgets.demo.render import render
from va_widgets.demo.scenes import sample_scenes

WIDTH, HEIGHT, FRAMES_PER_SECOND, FRAMES_PER_SCENE = 64, 36, 12, 12
FILMS = Path("/films")  # its name is in the manifest, so it says nothing about the machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a new folder for the corpus and expected.json")
    folder: Path = parser.parse_args().folder
    os.environ["VA_WIDGETS_STATE_DIR"] = str(FILMS / "state")
    if FILMS.exists():
        raise SystemExit(f"{FILMS} exists: the corpus is built there, so move it away.")
    try:
        _film(FILMS / "videos" / "nights.mp4")
        expected = _make(FILMS / "corpus")
        ignored = shutil.ignore_patterns(".build.lock", "labels.sqlite-*")
        shutil.copytree(FILMS / "corpus", folder / "corpus", ignore=ignored)
    finally:
        shutil.rmtree(FILMS, ignore_errors=True)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in expected.items())
    (folder / "expected.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def _film(path: Path) -> None:
    """Write a video of sixteen scenes, one by day and one by night in turn."""
    path.parent.mkdir(parents=True)
    scenes = sample_scenes(200, seed=5)
    days = [scene for scene in scenes if scene.has(light="day")]
    nights = [scene for scene in scenes if scene.has(light="night")]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options={"crf": "20"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, FRAMES_PER_SECOND)
        for day, night in list(zip(days, nights, strict=False))[:8]:
            for scene in (day, night):
                for index in range(FRAMES_PER_SCENE):
                    frame = render(scene, index / (FRAMES_PER_SCENE - 1), WIDTH, HEIGHT)
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def _make(path: Path) -> dict[str, object]:
    """Build the corpus, label it, publish a model; return what every later version should read from it."""
    videos = path.parent / "videos"
    corpus = va.Corpus.build(path, videos=videos, encoder="va-tiny", frames_per_shot=2, progress=False)
    clips = list(corpus.clips.index)
    corpus = corpus.with_columns(pd.DataFrame({"scene": [f"scene {i}" for i in range(len(clips))]}, index=clips))
    assert len(clips) == 16, f"{len(clips)} shots were found in 16 scenes"

    kelli = va.Session(corpus, "night", annotator="kelli", seed=7)
    kelli.guideline = "The sun is down, or it looks as if it were."
    kelli.search("night", 4)
    kelli.label(clips[1:9:2], True, source="search")
    kelli.label(clips[0:8:2], False, source="random")
    kelli.refit()
    kelli.label([clips[9], clips[11]], True, source="suggested", message_id="page-1")
    kelli.label(clips[8], True, source="suggested")
    kelli.undo()  # clip 8 has no label
    kelli.label(clips[10], False, source="borderline")
    kelli.undo()
    kelli.redo()
    kelli.label(clips[12], "unsure", source="borderline")
    thomas = va.Session(corpus, "night", annotator="thomas", seed=7)
    thomas.label({clips[0]: False, clips[1]: False, clips[3]: True}, source="notebook")  # clip 1 is a tie
    thomas.label(clips[14], False, source="random")
    thomas.undo()
    kelli.refit()
    model = kelli.publish("Night shots", precision=0.9)
    session = va.Session(corpus, "night", annotator="kelli", seed=7)
    vector = np.asarray(corpus.embeddings[1], dtype=np.float32)
    expected = {
        "fingerprint": corpus.encoder_fingerprint,
        "clips": corpus.clips.reset_index().to_dict("list"),
        "report": corpus.report[["source", "status", "clips"]].to_dict("list"),
        "embeddings": corpus.embeddings[:, :4].astype(float).tolist(),
        "search": corpus.search_vector(vector, 5).to_dict("list"),
        "search for night": session.search("night", 5).to_dict("list"),
        "filmstrips": {clip: _described(corpus.filmstrip(clip)) for clip in clips[:2] + clips[-1:]},
        "labels": session.labels["value"].to_dict(),
        "own": {"kelli": kelli.own_labels, "thomas": thomas.own_labels},
        "history": json.loads(session.history.drop(columns="time").to_json(orient="split")),
        "guideline": session.guideline,
        "queries": session.queries,
        "version": session.version,
        "steps": {"kelli": [kelli.can_undo, kelli.can_redo], "thomas": [thomas.can_undo, thomas.can_redo]},
        "refits": json.loads(session.refits.to_json(orient="split")),
        "scores": session.scores().tolist(),
        "model": {"threshold": model.threshold, "scores": model.score_corpus(corpus).tolist()},
    }
    for opened in (kelli, thomas, session):
        opened.close()
    return expected


def _described(filmstrip: Filmstrip) -> list[object]:
    digest = hashlib.sha256(filmstrip.data).hexdigest()
    return [filmstrip.frames, filmstrip.width, filmstrip.height, filmstrip.mime, digest]


if __name__ == "__main__":
    main()
