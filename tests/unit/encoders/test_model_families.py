"""Random models of every family give the vectors that plain OpenCLIP gives, for frames of odd sizes and for texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from tests.unit.encoders.tiny_models import FAMILIES, HALVES, text, vit, write_model
from va_widgets.demo.render import render
from va_widgets.demo.scenes import sample_scenes
from va_widgets.encoders.protocol import OpenClipEncoder

SIZES = [(72, 128), (129, 71), (97, 333), (31, 17), (64, 64), (201, 203)]
TEXTS = ["a red car at night", "Snow!", "two  people\nwalk in a forest in the rain, and a dog that barks at every tree"]


@pytest.fixture(scope="module")
def frames() -> list[NDArray[np.uint8]]:
    return [
        np.ascontiguousarray(render(scene, 0.5, 340, 210)[:height, :width])
        for scene, (height, width) in zip(sample_scenes(len(SIZES), 3), SIZES, strict=True)
    ]


def plain(
    folder: Path, frames: list[NDArray[np.uint8]], texts: list[str]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What one gets by OpenCLIP's own calls."""
    name = f"local-dir:{folder}"
    model, _, preprocess = open_clip.create_model_and_transforms(name)
    merges = folder / "merges.txt.gz"
    options: dict[str, Any] = {"bpe_path": str(merges)} if merges.exists() else {}
    tokenizer = open_clip.get_tokenizer(name, **options)
    model.eval()
    with torch.inference_mode():
        pixels = torch.stack([preprocess(Image.fromarray(frame)) for frame in frames])
        seen = model.encode_image(pixels, normalize=True).numpy()
        read = model.encode_text(tokenizer(texts), normalize=True).numpy()
    return seen, read


def assert_alike(ours: NDArray[np.float32], theirs: NDArray[np.float32], least: float) -> None:
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    assert (ours * theirs).sum(axis=1).min() >= 0.999
    # What tells one from another is alike, too: vectors of random weights have much in common.
    ours, theirs = ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    assert ((ours * theirs).sum(axis=1) / lengths).min() >= least


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_sees_and_reads_as_in_openclip(family: str, frames: list[NDArray[np.uint8]], tmp_path: Path) -> None:
    config, preprocess = FAMILIES[family]
    folder = write_model(tmp_path / "model", config, preprocess)
    encoder = OpenClipEncoder(f"local-dir:{folder}", device="cpu", precision="fp32")
    seen, read = plain(folder, frames, TEXTS)
    assert encoder.dim == seen.shape[1]
    assert_alike(encoder.encode_frames(frames), seen, 0.99)
    assert_alike(encoder.encode_text(TEXTS), read, 0.9999)
    assert encoder.encode_text([]).shape == (0, encoder.dim)


@pytest.mark.parametrize(("size", "height"), [(48, 48), ([32, 64], 32), ([64, 32], 64)])
def test_frames_are_scaled_to_the_height_of_the_model_s_pictures(size: Any, height: int, tmp_path: Path) -> None:
    config = {"embed_dim": 24, "vision_cfg": vit(size), "text_cfg": text()}
    folder = write_model(tmp_path / "model", config, {**HALVES, "resize_mode": "squash"})
    assert OpenClipEncoder(f"local-dir:{folder}").image_size == height


# --- texts that are too long ----------------------------------------------------------------------


@pytest.mark.parametrize("family", ["plain ViT", "CoCa", "SigLIP-like"])
def test_a_text_is_cut_where_the_model_stops_reading(family: str, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model", *FAMILIES[family])
    encoder = OpenClipEncoder(f"local-dir:{folder}", device="cpu")
    room = FAMILIES[family][0]["text_cfg"]["context_length"] - 2  # without its beginning and its end
    words = ["car"] * room  # one token each
    assert encoder.cut_text(" ".join(words)) is None
    assert encoder.cut_text("") is None
    assert encoder.cut_text(f"{' '.join(words)}  \n tree, and more") == " ".join(words)
    assert encoder._loaded is None  # the tokenizer alone says so
    read = encoder.cut_text(" ".join([*words, "tree"]))
    assert read is not None
    np.testing.assert_array_equal(*encoder.encode_text([" ".join([*words, "tree"]), read]))


def test_of_a_word_that_does_not_fit_its_beginning_is_read() -> None:
    word = "qzxw" * 30
    encoder = OpenClipEncoder(device="cpu")
    read = encoder.cut_text(f"  {word} and more")
    assert read is not None
    assert word.startswith(read.strip())
    assert 10 <= len(read.strip()) < len(word)
    assert encoder.cut_text(read) is None


# --- texts by the package `transformers` ----------------------------------------------------------


@pytest.fixture
def own_tokenizer() -> Any:
    """A tokenizer of `transformers` that knows a few words."""
    transformers = pytest.importorskip("transformers", reason="the extra va-widgets[transformers] is not installed")
    tokenizers = pytest.importorskip("tokenizers")
    words = ["<pad>", "</s>", "<unk>", *"a red car at night two people walk in forest rain and dog snow tree".split()]
    model = tokenizers.models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>")
    made = tokenizers.Tokenizer(model)
    made.normalizer = tokenizers.normalizers.Lowercase()
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


def test_a_folder_s_own_tokenizer_is_used_and_part_of_the_fingerprint(
    own_tokenizer: Any, frames: list[NDArray[np.uint8]], tmp_path: Path
) -> None:
    config = {
        "embed_dim": 64,
        "custom_text": True,
        "vision_cfg": FAMILIES["SigLIP-like"][0]["vision_cfg"],
        "text_cfg": text(8, hf_tokenizer_name="owner/name", pool_type="last", no_causal_mask=True),
    }
    folder = write_model(tmp_path / "model", config, {**HALVES, "resize_mode": "squash"}, merges=False)
    own_tokenizer.save_pretrained(folder)
    encoder = OpenClipEncoder(f"local-dir:{folder}", device="cpu", precision="fp32")
    seen, read = plain(folder, frames, TEXTS)
    assert_alike(encoder.encode_frames(frames), seen, 0.99)
    assert_alike(encoder.encode_text(TEXTS), read, 0.9999)
    assert encoder.cut_text("a red car at night and snow") is None  # seven words and the end
    assert encoder.cut_text("a red car at night and snow and rain") == "a red car at night and snow"

    before = encoder.fingerprint
    file = folder / "tokenizer.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"snow"', '"snows"'), encoding="utf-8")
    assert OpenClipEncoder(f"local-dir:{folder}").fingerprint != before


def test_a_text_tower_of_transformers_reads_as_in_openclip(
    own_tokenizer: Any, frames: list[NDArray[np.uint8]], tmp_path: Path
) -> None:
    import transformers

    tower = transformers.BertConfig(
        vocab_size=32, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48
    )
    tower.save_pretrained(tmp_path / "tower")
    names = {"hf_model_name": str(tmp_path / "tower"), "hf_tokenizer_name": "owner/name"}
    config = {
        "embed_dim": 24,
        "vision_cfg": vit(48),
        "text_cfg": {**names, "hf_model_pretrained": False, "hf_pooler_type": "mean_pooler", "hf_proj_type": "mlp"},
    }
    folder = write_model(tmp_path / "model", config, {**HALVES, "resize_mode": "shortest"}, merges=False)
    own_tokenizer.save_pretrained(folder)
    encoder = OpenClipEncoder(f"local-dir:{folder}", device="cpu", precision="fp32")
    seen, read = plain(folder, frames, TEXTS)
    assert_alike(encoder.encode_frames(frames), seen, 0.99)
    assert_alike(encoder.encode_text(TEXTS), read, 0.9999)
