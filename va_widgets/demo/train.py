"""Trains the tiny OpenCLIP model that the demo searches with: `python -m va_widgets.demo.train --out FOLDER`.

The training data are rendered scenes and their captions alone. Training takes under an hour on two CPU cores. It writes
a folder that open_clip loads (`local-dir:FOLDER`): a model config, fp16 weights in safetensors, the tokenizer's merges,
and `results.json` with retrieval figures on held-out scenes, captions and pairs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import open_clip
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from open_clip.model import CustomTextCLIP
from safetensors.torch import save_file
from sklearn.metrics import average_precision_score

from va_widgets.corpus.building.tiny_check import SUBSPACE_FILE
from va_widgets.demo.captions import caption, codes, matches, vocabulary
from va_widgets.demo.concepts import CONCEPTS
from va_widgets.demo.render import render
from va_widgets.demo.scenes import HELD_OUT, Scene, sample_scenes
from va_widgets.encoders.protocol import OpenClipEncoder

HEIGHT, WIDTH = 72, 128
CONTEXT = 24
DIM = 256
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
CONFIG_FILE, WEIGHTS_FILE, MERGES_FILE = "open_clip_config.json", "open_clip_model.safetensors", "merges.txt.gz"


def learn_merges(words: Sequence[str]) -> list[tuple[str, str]]:
    """Return byte-pair merges that make each of `words` a single token (Sennrich et al. 2016)."""
    split = {word: [*word[:-1], word[-1] + "</w>"] for word in words}
    merges: list[tuple[str, str]] = []
    while True:
        pairs = Counter(pair for parts in split.values() for pair in pairwise(parts))
        if not pairs:
            return merges
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for word, parts in split.items():
            merged: list[str] = []
            for part in parts:
                if merged and (merged[-1], part) == best:
                    merged[-1] += part
                else:
                    merged.append(part)
            split[word] = merged


def model_config(vocab_size: int) -> dict[str, Any]:
    """Return the open_clip config of the tiny model."""
    return {
        "model_cfg": {
            "embed_dim": DIM,
            "vision_cfg": {
                "timm_model_name": "mobilenetv3_small_100",
                "timm_model_pretrained": False,
                "timm_pool": "avg",
                "timm_proj": None,
                "timm_drop": 0.0,
                "timm_drop_path": 0.0,
                "image_size": [HEIGHT, WIDTH],
            },
            "text_cfg": {
                "context_length": CONTEXT,
                "vocab_size": vocab_size,
                "width": 192,
                "heads": 6,
                "layers": 3,
            },
            "custom_text": True,
        },
        "preprocess_cfg": {
            "mean": MEAN,
            "std": STD,
            "interpolation": "bicubic",
            "resize_mode": "squash",
        },
    }


def rendered_frames(scenes: Sequence[Scene], moments: Sequence[float]) -> torch.Tensor:
    """Return each scene rendered at each moment: uint8 (scenes, moments, 3, HEIGHT, WIDTH)."""
    frames = np.empty((len(scenes), len(moments), HEIGHT, WIDTH, 3), dtype=np.uint8)

    def draw(i: int) -> None:
        for j, moment in enumerate(moments):
            large = render(scenes[i], moment, 2 * WIDTH, 2 * HEIGHT)
            frames[i, j] = cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(draw, range(len(scenes)), chunksize=64))
    return torch.from_numpy(frames).permute(0, 1, 4, 2, 3)


def normalised(images: torch.Tensor) -> torch.Tensor:
    """Return the model's float input for uint8 images (n, 3, h, w)."""
    mean, std = (torch.tensor(values)[None, :, None, None] for values in (MEAN, STD))
    pixels = images.float().div_(255)
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


def augmented(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return model inputs with random changes as in real videos: mirrored, shifted, other colours, blur and noise."""
    if torch.rand((), generator=rng) < 0.5:
        images = images.flip(-1)
    dy, dx = (int(torch.randint(-3, 4, (), generator=rng)) for _ in range(2))
    images = torch.roll(images, (dy, dx), dims=(-2, -1))
    pixels = normalised(images)
    gain = 1 + 0.08 * torch.randn((len(pixels), 1, 1, 1), generator=rng)
    shift = 0.06 * torch.randn((len(pixels), 3, 1, 1), generator=rng)
    pixels = pixels * gain + shift
    if torch.rand((), generator=rng) < 0.4:
        pixels = functional.avg_pool2d(functional.pad(pixels, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return pixels + 0.04 * torch.randn(pixels.shape, generator=rng)


def with_random_word(text: str, rng: np.random.Generator) -> str:
    """Return a caption, in 8 % of the cases with a random word in it, so that unknown words change a search little."""
    if rng.uniform() > 0.08:
        return text
    letters = rng.choice(list("abcdefghijklmnopqrstuvwxyz"), size=int(rng.integers(3, 9)))
    words = text.split(" ")
    words.insert(int(rng.integers(len(words) + 1)), "".join(letters))
    return " ".join(words)


def contrastive_loss(
    images: torch.Tensor, texts: torch.Tensor, scale: torch.Tensor, true: torch.Tensor
) -> torch.Tensor:
    """Return CLIP's loss, with all true pairs of image and caption as targets, not only each caption's own image.

    `images` (n, dim) and `texts` (m, dim) are L2-normalised, `true` is bool (m, n). Each row's target is uniform over
    its true partners, as in supervised contrastive learning (Khosla et al. 2020).
    """
    logits = scale * texts @ images.T
    by_text = true / true.sum(dim=1, keepdim=True)
    by_image = true.T / true.T.sum(dim=1, keepdim=True)
    return 0.5 * (
        functional.cross_entropy(logits, by_text.float()) + functional.cross_entropy(logits.T, by_image.float())
    )


def train(out: Path, scenes: int, steps: int, batch: int, seed: int) -> None:
    """Train the model, write it to `out`, measure it, and write the results there."""
    started = time.perf_counter()
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    merges = learn_merges(vocabulary())
    with gzip.GzipFile(out / MERGES_FILE, "wb", mtime=0) as file:
        file.write("\n".join(["#version: 0.2", *(" ".join(pair) for pair in merges)]).encode())
    config = model_config(514 + len(merges))
    (out / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{out}", bpe_path=str(out / MERGES_FILE))
    model = CustomTextCLIP(**{key: value for key, value in config["model_cfg"].items() if key != "custom_text"})
    model = model.to(memory_format=torch.channels_last)

    training_scenes = sample_scenes(scenes, seed + 1, skip=HELD_OUT)
    moments = (0.25, 0.75)
    frames = rendered_frames(training_scenes, moments)
    scene_codes = codes(training_scenes)
    print(f"rendered {frames.shape[0] * frames.shape[1]} frames in {time.perf_counter() - started:.0f} s", flush=True)

    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}],
        lr=2e-3,
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps, pct_start=0.08)
    rng, torch_rng = np.random.default_rng([seed, 2]), torch.Generator().manual_seed(seed)
    order = np.array([], dtype=int)
    model.train()
    for step in range(1, steps + 1):
        if len(order) < batch:
            order = np.concatenate([order, rng.permutation(len(training_scenes))])
        rows, order = order[:batch], order[batch:]
        texts, caption_codes = zip(*(caption(training_scenes[i], rng) for i in rows), strict=True)
        tokens = tokenizer([with_random_word(text, rng) for text in texts], context_length=CONTEXT)
        true = torch.from_numpy(matches(np.stack(caption_codes), scene_codes[rows]))
        views = frames[torch.from_numpy(rows), torch.from_numpy(rng.integers(len(moments), size=batch))]
        image_features = model.encode_image(augmented(views, torch_rng), normalize=True)
        text_features = model.encode_text(tokens, normalize=True)
        loss = contrastive_loss(image_features, text_features, model.logit_scale.exp(), true)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, float(np.log(100)))
        if step % 50 == 0 or step == steps:
            minutes = (time.perf_counter() - started) / 60
            print(f"step {step:5d}  loss {loss.item():.3f}  {minutes:.1f} min", flush=True)
        if step % 500 == 0 and step != steps:
            save(model, out)
            print(json.dumps(measure(out, seed, scenes=600)["summary"]), flush=True)
            model.train()
    save(model, out)
    save_subspace(out, seed)
    results = measure(out, seed)
    results["training"] = {
        "command": f"python -m va_widgets.demo.train --scenes {scenes} --steps {steps} --batch {batch} --seed {seed}",
        "minutes": round((time.perf_counter() - started) / 60, 1),
        "threads": torch.get_num_threads(),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    (out / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results["summary"], indent=2))


def save(model: torch.nn.Module, out: Path) -> None:
    """Write the weights as fp16 safetensors."""
    weights = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in model.state_dict().items()
    }
    save_file(weights, out / WEIGHTS_FILE)


def save_subspace(folder: Path, seed: int, scenes: int = 1500, directions: int = 32) -> None:
    """Write the subspace of the model's vectors of renderings, by which `tiny_check` recognises other videos.

    It is the mean and the first principal directions of the saved model's vectors of held-out scenes.
    """
    frames = (
        rendered_frames(sample_scenes(scenes, seed + 1_000_000), (0.5,)).permute(0, 1, 3, 4, 2).flatten(0, 1).numpy()
    )
    vectors = OpenClipEncoder(f"local-dir:{folder}", device="cpu", precision="fp32").encode_frames(list(frames))
    mean = vectors.mean(axis=0)
    _, _, components = np.linalg.svd(vectors - mean, full_matrices=False)
    np.savez(
        folder / SUBSPACE_FILE.name,
        mean=mean.astype(np.float16),
        directions=components[:directions].astype(np.float16),
    )


def measure(folder: Path, seed: int, scenes: int = 2000, captions: int = 1000) -> dict[str, Any]:
    """Measure text-to-clip retrieval of the model saved in `folder`, on held-out scenes and captions.

    A hit is a clip that the text is true of. `r_at_1` is the share of texts whose first clip is a hit, `r_at_10` the
    share of texts with a hit among the first ten; their `chance` is the expected value for a random order.
    """
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}", bpe_path=str(folder / MERGES_FILE))
    model.eval()
    held_out_scenes = sample_scenes(scenes, seed + 1_000_000)
    frames = rendered_frames(held_out_scenes, (0.1, 0.5, 0.9))
    clips = torch.zeros((scenes, DIM))
    with torch.inference_mode():
        for start in range(0, scenes, 100):
            part = frames[start : start + 100]
            features = model.encode_image(normalised(part.flatten(0, 1)), normalize=True)
            clips[start : start + 100] = functional.normalize(features.view(len(part), -1, DIM).mean(1), dim=-1)
        scene_codes = codes(held_out_scenes)

        def scores(texts: Sequence[str]) -> NDArray[np.float32]:
            tokens = tokenizer(list(texts), context_length=CONTEXT)
            similarities: NDArray[np.float32] = (model.encode_text(tokens, normalize=True) @ clips.T).numpy()
            return similarities

        rng = np.random.default_rng([seed, 4])
        texts, caption_codes = zip(*(caption(held_out_scenes[i % scenes], rng) for i in range(captions)), strict=True)
        caption_recall = _recall(scores(texts), matches(np.stack(caption_codes), scene_codes))
        concept_hits = np.array([[concept.shown_in(scene) for scene in held_out_scenes] for concept in CONCEPTS])
        concept_scores = scores([concept.query for concept in CONCEPTS])
        pair_texts = [_pair_query(pair) for pair in HELD_OUT]
        pair_hits = np.array([[scene.has(**pair) for scene in held_out_scenes] for pair in HELD_OUT])
        pair_scores = scores(pair_texts)
    concept_ap = {
        concept.name: _ap(hits, similarities)
        for concept, hits, similarities in zip(CONCEPTS, concept_hits, concept_scores, strict=True)
    }
    pair_ap = {
        text: _ap(hits, similarities)
        for text, hits, similarities in zip(pair_texts, pair_hits, pair_scores, strict=True)
    }
    return {
        "summary": {
            "scenes": scenes,
            "captions": {"number": captions, **caption_recall},
            "concepts": {
                "number": len(CONCEPTS),
                "mean_ap": _mean(concept_ap),
                "chance_ap": round(float(concept_hits.mean()), 4),
                **_recall(concept_scores, concept_hits),
            },
            "pairs never seen together in training": {
                "number": len(HELD_OUT),
                "mean_ap": _mean(pair_ap),
                "chance_ap": round(float(pair_hits.mean()), 4),
                **_recall(pair_scores, pair_hits),
            },
        },
        "concept_ap": concept_ap,
        "pair_ap": pair_ap,
        "seed": seed,
    }


def _pair_query(pair: dict[str, str]) -> str:
    """Return a search text for one of `HELD_OUT`."""
    if "colour" in pair:
        return f"{pair['colour']} {pair['subject']}"
    if "light" in pair:
        return f"a {pair['setting']} at {pair['light']}" + (" hour" if pair["light"] == "golden" else "")
    return f"a {pair['subject']} in the {pair['setting']}"


def _ap(hits: NDArray[np.bool_], scores: NDArray[np.float32]) -> float:
    return round(float(average_precision_score(hits, scores)), 4)


def _mean(values: dict[str, float]) -> float:
    return round(sum(values.values()) / len(values), 4)


def _recall(scores: NDArray[np.float32], hits: NDArray[np.bool_]) -> dict[str, float]:
    """Return recall at 1 and 10 and their chance levels, for scores and hits (texts, clips)."""
    first = np.take_along_axis(hits, np.argsort(-scores, axis=1)[:, :10], axis=1)
    share = hits.mean(axis=1)
    return {
        "r_at_1": round(float(first[:, 0].mean()), 4),
        "r_at_1_chance": round(float(share.mean()), 4),
        "r_at_10": round(float(first.any(axis=1).mean()), 4),
        "r_at_10_chance": round(float((1 - (1 - share) ** 10).mean()), 4),
    }


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description="Train the tiny OpenCLIP model of the demo.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "tiny")
    parser.add_argument("--scenes", type=int, default=30_000)
    parser.add_argument("--steps", type=int, default=2_400)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    train(options.out, options.scenes, options.steps, options.batch, options.seed)


if __name__ == "__main__":
    main()
