"""A model that somebody else made, or that is damaged, is refused in one sentence, whatever is in its files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

import va_widgets as va
from tests.unit.models.conftest import publish_model
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


def test_a_card_of_a_hundred_megabytes_is_not_read(folder: Path) -> None:
    text = json.dumps({**CARD, "guideline": ""})
    (folder / "card.json").write_text(text.replace('"guideline": ""', '"guideline": "' + "x" * 100_000_000 + '"'))
    with pytest.raises(va.ModelError, match=r"\(card.json is larger than 16,777,216 bytes\)"):
        va.load_model(folder)


NO_NAMES = (
    "../card.json",
    "/etc/passwd",
    "a/b",
    "..",
    "",
    "a\\b",
    "con",
    "x" * 200,
    "CARD.JSON",
    "withdrawn.json",
    "c:x",
)


@pytest.mark.parametrize("changes", [
    {"dim": 0}, {"dim": 5}, {"dim": True}, {"dim": 10**400}, {"version": 0}, {"version": -1}, {"name": "  "},
    {"name": "\ud800"}, {"concept": 3}, {"schema": 99}, {"threshold": float("nan")}, {"threshold": 2},
    {"threshold": 10**400}, {"smoothing": float("inf")}, {"smoothing": "1"}, {"views": {"motion": 3}},
    {"files": 3}, {"files": {"notes.txt": 3}}, {"files": {f"f{i}": {"bytes": 0, "sha256": ""} for i in range(200)}},
    *({"files": {name: {"bytes": 1, "sha256": ""}}} for name in NO_NAMES),
    *({"files": {"notes.txt": {"bytes": size, "sha256": ""}}} for size in (-1, 1 << 40, "1", None)),
    {"files": {"notes.txt": {"bytes": 1, "sha256": 3}}},
])  # fmt: skip
def test_a_card_with_a_wrong_entry_is_refused(folder: Path, changes: dict[str, Any]) -> None:
    (folder / "card.json").write_text(json.dumps({**CARD, **changes}))
    with pytest.raises(va.ModelError, match=r"^The model in .* is damaged \(.*\): publish it again\.$"):
        va.load_model(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("part", ["coef", "intercept"])
def test_weights_that_are_not_finite_are_refused(folder: Path, part: str, value: float) -> None:
    arrays = {"coef": np.arange(4, dtype=np.float32), "intercept": np.zeros(1, np.float32)}
    arrays[part][0] = value
    (folder / "model.safetensors").write_bytes(save(arrays))
    with pytest.raises(va.ModelError, match=r"its weights are not finite numbers"):
        va.load_model(folder)


@pytest.mark.parametrize("shape", [(2, 2), (1, 4), (5,), (0,), ()])
def test_weights_of_another_shape_are_refused(folder: Path, shape: tuple[int, ...]) -> None:
    (folder / "model.safetensors").write_bytes(
        save({"coef": np.zeros(shape, np.float32), "intercept": np.zeros(1, np.float32)})
    )
    with pytest.raises(va.ModelError, match=r"its weights have the shape"):
        va.load_model(folder)


@pytest.mark.parametrize("view", ["appearance", "", "../x", "x" * 60])
def test_a_view_with_a_name_that_none_has_is_refused(folder: Path, view: str) -> None:
    arrays = {"coef": np.zeros(4, np.float32), "intercept": np.zeros(1, np.float32), f"view.{view}": np.ones(4, "<f4")}
    (folder / "model.safetensors").write_bytes(save(arrays))
    (folder / "card.json").write_text(json.dumps({**CARD, "schema": 2, "views": {view: 4}}))
    with pytest.raises(va.ModelError, match=r"its weights are of a view with a name that none has"):
        va.load_model(folder)


@pytest.mark.parametrize("name", ["card.json", "model.safetensors", "notes.txt", "README.md"])
def test_a_link_that_leads_out_of_a_bundle_is_not_followed(model: va.Model, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    (model.folder / name).rename(outside)
    (model.folder / name).symlink_to(outside)
    with pytest.raises(va.ModelError, match="leads out of"):
        va.load_model(model.folder).read_file(name)


def test_a_changed_file_is_told_when_it_is_read(model: va.Model) -> None:
    assert model.read_file("notes.txt") == b"seen"
    assert model.files["notes.txt"]["bytes"] == 4
    for data in (b"sewn", b"see", b"seen it", b""):
        (model.folder / "notes.txt").write_bytes(data)
        with pytest.raises(va.ModelError, match=r"damaged \(notes.txt"):
            model.read_file("notes.txt")
    (model.folder / "notes.txt").unlink()
    with pytest.raises(va.ModelError, match=r"damaged \(notes.txt: No such file"):
        model.read_file("notes.txt")
    for name in ("card.json", "../v1/notes.txt", "none", 3):
        with pytest.raises(va.ModelError, match="has no file"):
            model.read_file(name)  # type: ignore[arg-type]


def test_weights_exchanged_for_others_that_fit_are_refused(model: va.Model) -> None:
    weights = {"coef": np.ones(model.dim, np.float32), "intercept": np.zeros(1, np.float32)}
    (model.folder / "model.safetensors").write_bytes(save(weights))
    with pytest.raises(va.ModelError, match=r"model.safetensors holds something else than what was published"):
        va.load_model(model.folder)


@pytest.mark.parametrize("files", [
    {"../x": b""}, {"a/b": b""}, {"card.json": b""}, {"Readme.md": b""}, {"nul": b""}, {".hidden": b""}, {3: b""},
    {"a.txt": b"", "A.txt": b""}, {f"f{i}": b"" for i in range(99)}, {"large": bytes((1 << 26) + 1)},
], ids=lambda files: str(list(files)[:2]))  # fmt: skip
def test_files_with_names_or_sizes_that_none_may_have_are_not_published(tmp_path: Path, files: Any) -> None:
    with pytest.raises(va.ModelError):
        publish_model(tmp_path / "models", files=files)
    assert not list(tmp_path.rglob("v1"))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_a_bundle_with_changed_bytes_is_the_same_model_or_none(model: va.Model, data: st.DataObject) -> None:
    file = model.folder / data.draw(st.sampled_from(["card.json", "model.safetensors"]))
    content = file.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    changed = data.draw(
        st.one_of(
            st.just(content[:at]),
            st.binary(min_size=1, max_size=4).map(lambda new: content[:at] + new + content[at + len(new) :]),
            st.binary(min_size=1, max_size=4).map(lambda new: content[:at] + new + content[at:]),
        )
    )
    file.write_bytes(changed)
    try:
        again = va.load_model(model.folder)
    except va.ModelError:
        pass
    else:  # a text or a number of the card is another one
        assert again.coef.tolist() == model.coef.tolist()
        assert 0 <= again.threshold <= 1
        again._repr_html_()
    finally:
        file.write_bytes(content)


@pytest.mark.parametrize("name", ["card.json", "model.safetensors"])
@pytest.mark.parametrize("device", ["pipe", "/dev/zero"])
def test_a_device_in_place_of_a_file_neither_hangs_nor_fills_memory(folder: Path, name: str, device: str) -> None:
    (folder / name).unlink()
    if device == "pipe":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to(device)
    with pytest.raises(va.ModelError, match=r"not a file\): publish it again|leads out of"):
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
