"""A model that somebody else made, or that is damaged, is refused in one sentence, whatever is in its files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import va_widgets as va
from va_widgets.encoders.protocol import OpenClipEncoder

CARD: dict[str, Any] = {
    "schema": 1, "name": "night", "version": 1, "concept": "night", "guideline": "", "encoder": "none", "dim": 4,
    "threshold": 0.5,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good model, in the folder of its version."""
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "card.json").write_text(json.dumps(CARD))
    write_weights(tmp_path / "v1")
    assert va.load_model(tmp_path / "v1").coef.tolist() == [0, 1, 2, 3]
    return tmp_path / "v1"


def write_weights(
    folder: Path, kind: str = "F32", size: int = 4, names: tuple[str, str] = ("coef", "intercept")
) -> None:
    """Write weights in safetensors: 0, 1, 2, 3 and 0 as float32, of which other types take so many bytes each."""
    header, data = {}, b""
    for name, values in zip(names, (np.arange(4, dtype="<f4"), np.zeros(1, "<f4")), strict=True):
        start, data = len(data), data + b"".join(one.tobytes()[:size] for one in values)
        header[name] = {"dtype": kind, "shape": values.shape, "data_offsets": [start, len(data)]}
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)


@pytest.mark.parametrize(("kind", "size"), [("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1), ("F16", 2), ("I32", 4)])
def test_weights_of_another_type_are_named(folder: Path, kind: str, size: int) -> None:
    write_weights(folder, kind, size)
    with pytest.raises(va.ModelError, match=rf"\(its weights are of the type {kind}, not float32\): publish it again"):
        va.load_model(folder)


def test_weights_that_lack_a_part_are_told(folder: Path) -> None:
    write_weights(folder, names=("coef", "bias"))
    with pytest.raises(va.ModelError, match=r"\(its weights lack 'intercept'\): publish it again\.$"):
        va.load_model(folder)


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff", b"", b"1" * 10_000, b"null", b"[]"])
def test_a_card_of_anything_is_refused(folder: Path, data: bytes) -> None:
    (folder / "card.json").write_bytes(data)
    with pytest.raises(va.ModelError, match=r"^The model in .* is damaged \(.*\): publish it again\.$"):
        va.load_model(folder)


@pytest.mark.parametrize("data", [b"", b"\xff" * 100, (1 << 60).to_bytes(8, "little"), b"\x02" + bytes(7) + b"{}"])
def test_weights_of_anything_are_refused(folder: Path, data: bytes) -> None:
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(va.ModelError, match=r"^The model in .* is damaged \(.*\): publish it again\.$"):
        va.load_model(folder)


@pytest.mark.parametrize("name", ["card.json", "model.safetensors"])
@pytest.mark.parametrize("device", ["pipe", "/dev/zero"])
def test_a_device_in_place_of_a_file_neither_hangs_nor_fills_memory(folder: Path, name: str, device: str) -> None:
    (folder / name).unlink()
    if device == "pipe":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to(device)
    with pytest.raises(va.ModelError, match=r"not a file\): publish it again"):
        va.load_model(folder)


def test_a_file_far_too_large_is_not_read(folder: Path) -> None:
    for name in ("model.safetensors", "card.json"):
        with (folder / name).open("r+b") as opened:
            opened.truncate(1 << 40)  # a sparse file
        with pytest.raises(va.ModelError, match=rf"\({name} is larger than [0-9,]+ bytes\)"):
            va.load_model(folder)


@pytest.mark.parametrize(
    "data", [b"[" * 100_000, b'{"model_cfg":' * 100_000, b"\xff\xfe", b"1" * 10_000, b"[]", b"null"]
)
def test_a_model_s_configuration_of_anything_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "open_clip_config.json").write_bytes(data)
    (tmp_path / "model" / "open_clip_model.safetensors").touch()
    with pytest.raises(va.EncoderError, match=r"does not describe an OpenCLIP model: copy the folder again"):
        OpenClipEncoder(f"local-dir:{tmp_path / 'model'}")


def test_pipes_in_a_model_s_folder_do_not_hang(tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").touch()
    os.mkfifo(tmp_path / "open_clip_model.safetensors")
    with pytest.raises(va.EncoderError, match="holds no OpenCLIP model"):
        OpenClipEncoder(f"local-dir:{tmp_path}")
