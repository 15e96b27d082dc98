"""Random OpenCLIP models of every family, narrow enough to run in a blink, written as `local-dir:` folders."""

from __future__ import annotations

import json
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from open_clip.coca_model import CoCa
from open_clip.model import CLIP, CustomTextCLIP
from safetensors.torch import save_file

from va_widgets.encoders import model_sources

Config = dict[str, Any]
TINY = Path(model_sources.__file__).parents[1] / "demo" / "tiny"
VOCABULARY = 971  # of va-tiny's merges, which the folders hold

OPENAI = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}
HALVES = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
NONE = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}


def text(context: int = 12, **more: Any) -> Config:
    return {"context_length": context, "vocab_size": VOCABULARY, "width": 32, "heads": 2, "layers": 2, **more}


def vit(size: Any, **more: Any) -> Config:
    return {"image_size": size, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16, **more}


def timm(name: str, size: Any, **more: Any) -> Config:
    return {"image_size": size, "timm_model_name": name, "timm_model_pretrained": False, "timm_proj": None, **more}


# The configuration of the model and of its preprocessing.
FAMILIES: dict[str, tuple[Config, Config]] = {
    "plain ViT": (
        {"embed_dim": 24, "vision_cfg": vit(48), "text_cfg": text()},
        {**OPENAI, "interpolation": "bicubic", "resize_mode": "shortest"},
    ),
    "QuickGELU": (
        {"embed_dim": 24, "quick_gelu": True, "vision_cfg": vit(64), "text_cfg": text(20)},
        {**OPENAI, "interpolation": "bilinear", "resize_mode": "shortest"},
    ),
    "wide pictures": (
        {"embed_dim": 24, "vision_cfg": vit([32, 64]), "text_cfg": text()},
        {**OPENAI, "interpolation": "bicubic", "resize_mode": "shortest"},
    ),
    "tall pictures": (
        {"embed_dim": 24, "vision_cfg": vit([64, 32]), "text_cfg": text()},
        {**HALVES, "interpolation": "bilinear", "resize_mode": "squash"},
    ),
    "padded": (
        {"embed_dim": 24, "vision_cfg": vit(48), "text_cfg": text()},
        {**OPENAI, "interpolation": "bicubic", "resize_mode": "longest", "fill_color": 128},
    ),
    "ModifiedResNet": (
        {
            "embed_dim": 24,
            "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None},
            "text_cfg": text(),
        },
        {**OPENAI, "interpolation": "bicubic", "resize_mode": "shortest"},
    ),
    "timm, custom text, no normalisation": (
        {
            "embed_dim": 24,
            "custom_text": True,
            "vision_cfg": timm("test_resnet", 56, timm_pool="avg", timm_proj="linear"),
            "text_cfg": text(9, no_causal_mask=True),
        },
        {**NONE, "interpolation": "bilinear", "resize_mode": "shortest"},
    ),
    "SigLIP-like": (
        {
            "embed_dim": 64,
            "init_logit_bias": -10,
            "custom_text": True,
            "vision_cfg": timm("test_vit", 64, timm_pool="map", timm_proj="none"),
            "text_cfg": text(16, no_causal_mask=True, proj_bias=True, pool_type="last"),
        },
        {**HALVES, "interpolation": "bicubic", "resize_mode": "squash"},
    ),
    "CoCa": (
        {
            "embed_dim": 32,
            "custom_text": True,
            "multimodal_cfg": {
                "width": 32,
                "context_length": 12,
                "vocab_size": VOCABULARY,
                "mlp_ratio": 2,
                "layers": 1,
                "dim_head": 16,
                "heads": 2,
                "n_queries": 4,
                "attn_pooler_heads": 2,
            },
            "vision_cfg": vit(48, attentional_pool=True, attn_pooler_heads=2, output_tokens=True),
            "text_cfg": text(12, embed_cls=True, output_tokens=True),
        },
        {**OPENAI, "interpolation": "bicubic", "resize_mode": "shortest"},
    ),
}


def write_model(folder: Path, config: Config, preprocess: Config, *, merges: bool = True) -> Path:
    """Write a model with random weights, and va-tiny's merges for its texts; returns the folder."""
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    options = deepcopy(config)
    custom = options.pop("custom_text", False) or "hf_model_name" in options["text_cfg"]
    family = CoCa if "multimodal_cfg" in options else CustomTextCLIP if custom else CLIP
    model = family(**options)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1 and "logit" not in name:
                weight.mul_(3)  # livelier than fresh weights, whose vectors hardly differ between pictures
    weights = {name: value.contiguous().clone() for name, value in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    written = {"model_cfg": config, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(written), encoding="utf-8")
    if merges:
        shutil.copy(TINY / "merges.txt.gz", folder)
    return folder
