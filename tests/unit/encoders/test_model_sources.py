"""Where models come from: every tag of OpenCLIP by its configuration, folders, and the hub's cache."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import time
import warnings
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest

import va_widgets as va
from tests.unit.encoders.tiny_models import FAMILIES, TINY, write_model
from va_widgets.encoders.model_sources import ListedSource, model_source
from va_widgets.encoders.protocol import OpenClipEncoder

TAGS = ["/".join(pair) for pair in open_clip.list_pretrained()]
# Its weights were trained with the QuickGELU that its architecture names; the list of weights does not say so.
ONLY_THE_ARCHITECTURE_SAYS = {"roberta-ViT-B-32/laion2b_s12b_b32k"}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Built(Exception):  # noqa: N818 - no error: it ends OpenCLIP's work where the model would be made
    """The options that OpenCLIP would make a model with."""


@pytest.fixture
def with_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package is installed or not, as if it were."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())


@pytest.fixture
def without_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)


# --- OpenCLIP's list --------------------------------------------------------------------------------


def test_every_tag_gets_the_activation_of_its_weights(with_transformers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def built(**options: Any) -> None:
        raise _Built(options)

    for name in ("CLIP", "CustomTextCLIP", "CoCa"):
        monkeypatch.setattr(open_clip.factory, name, built)
    monkeypatch.setattr(open_clip.factory, "download_pretrained", lambda *_, **__: "weights")
    assert len(TAGS) > 100
    wrong, corrected = [], 0
    for tag in TAGS:
        source = model_source(tag)
        assert isinstance(source, ListedSource)
        with warnings.catch_warnings():
            # OpenCLIP itself warns where activations differ.
            warnings.simplefilter("ignore" if tag in ONLY_THE_ARCHITECTURE_SAYS else "error")
            with pytest.raises(_Built) as made:
                source.load("cpu")
        wanted = open_clip.get_pretrained_cfg(*tag.split("/")).get("quick_gelu", False)
        given = made.value.args[0].get("quick_gelu", False)
        if given != (wanted or tag in ONLY_THE_ARCHITECTURE_SAYS):
            wrong.append(tag)
        corrected += source.quick_gelu
    assert wrong == []
    assert corrected >= 20


def test_the_right_activation_is_another_encoder() -> None:
    """A corpus that was made with plain GELU is not searched with QuickGELU."""
    for tag in ("ViT-B-32/openai", "ViT-L-14/openai", "ViT-H-14/dfn5b"):
        architecture, weights = tag.split("/")
        right = f"open_clip:{architecture}-quickgelu/{weights}"
        assert model_source(tag).fingerprint == right
        assert model_source(f"{architecture}-quickgelu/{weights}").fingerprint == right
    same = "ViT-B-32/laion2b_s34b_b79k"
    assert model_source(same).fingerprint == f"open_clip:{same}"


def test_a_package_that_texts_need_is_named_before_anything_is_loaded(
    without_transformers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class _FromTransformers:
        def __init__(self, *_: object, **__: object) -> None: ...

    for name in ("HFTokenizer", "SigLipTokenizer"):
        monkeypatch.setattr(open_clip.factory, name, _FromTransformers, raising=False)
    monkeypatch.setattr(open_clip.factory, "SimpleTokenizer", lambda **_: None)
    needing = []
    for tag in TAGS:
        architecture = tag.split("/")[0]
        tower = "hf_model_name" in open_clip.get_model_config(architecture)["text_cfg"]
        tokenizer = isinstance(open_clip.get_tokenizer(architecture), _FromTransformers)
        if tower or tokenizer:
            needing.append(tag)
            with pytest.raises(va.EncoderError, match=r"pip install 'va-widgets\[transformers\]'"):
                OpenClipEncoder(tag)
        else:
            OpenClipEncoder(tag)
    assert {"ViT-B-16-SigLIP/webli", "ViT-L-14-CLIPA/datacomp1b", "nllb-clip-base/v1"} < set(needing)
    assert not {"PE-Core-B-16/meta", "ViT-B-32/openai"} & set(needing)


def test_what_a_person_is_told_of_a_missing_package(without_transformers: None) -> None:
    with pytest.raises(va.EncoderError) as raised:
        OpenClipEncoder("ViT-B-16-SigLIP/webli")
    assert str(raised.value) == (
        "The model ViT-B-16-SigLIP/webli reads texts with the package transformers, which is missing: run"
        " `pip install 'va-widgets[transformers]'`, or take a model that needs none, such as PE-Core-B-16/meta."
    )


def test_a_wrong_tag_is_told_with_the_nearest() -> None:
    with pytest.raises(va.EncoderError, match=r"the nearest are .*PE-Core-B-16/meta"):
        OpenClipEncoder("PE-Core-B16/meta")


# --- folders ----------------------------------------------------------------------------------------


def test_fingerprints_of_corpora_that_exist_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    was = "open_clip:tiny@be3ebccf396b92c4"
    monkeypatch.chdir(TINY.parent)
    for model in ("va-tiny", f"local-dir:{TINY}", "local-dir:tiny", "local-dir:./tiny/", "local-dir:../demo/tiny"):
        assert OpenClipEncoder(model).fingerprint == was


def test_a_folder_is_taken_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(TINY, tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    relative, home = OpenClipEncoder("local-dir:model", device="cpu"), OpenClipEncoder("local-dir:~/model")
    assert relative.tag == home.tag == f"local-dir:{folder}"
    monkeypatch.chdir(os.sep)
    again = OpenClipEncoder(relative.tag)
    assert again.fingerprint == relative.fingerprint == home.fingerprint
    np.testing.assert_array_equal(relative.encode_text(["snow"]), OpenClipEncoder(device="cpu").encode_text(["snow"]))


@pytest.mark.parametrize("name", ["open_clip_model.safetensors", "open_clip_config.json", "merges.txt.gz"])
def test_a_fingerprint_is_of_the_content(name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(TINY, tmp_path / "tiny")
    before = OpenClipEncoder(f"local-dir:{folder}").fingerprint
    assert before == OpenClipEncoder().fingerprint
    with (folder / name).open("ab") as file:
        file.write(b"\n")
    assert OpenClipEncoder(f"local-dir:{folder}").fingerprint != before


def test_a_folder_whose_texts_need_a_package_names_it(without_transformers: None, tmp_path: Path) -> None:
    folder = shutil.copytree(TINY, tmp_path / "model")
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"]["hf_tokenizer_name"] = "owner/name"
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(va.EncoderError, match=r"va-widgets\[transformers\]"):
        OpenClipEncoder(f"local-dir:{folder}")


@pytest.mark.parametrize(
    ("model", "says"), [("local-dir:", "There is no folder"), ("local-dir:none", "holds no OpenC")]
)
def test_no_model_in_a_folder_is_told(model: str, says: str) -> None:
    with pytest.raises(va.EncoderError, match=says):
        OpenClipEncoder(model)


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    folder = shutil.copytree(TINY, tmp_path / "model")
    (folder / "open_clip_model.safetensors").write_bytes(b"no weights")
    with pytest.raises(va.EncoderError, match=r"cannot be loaded \(.*\): copy the folder again"):
        OpenClipEncoder(f"local-dir:{folder}", device="cpu").encode_text(["snow"])


# --- the hub ----------------------------------------------------------------------------------------


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache, empty, and no network."""
    from huggingface_hub import constants

    cache = tmp_path / "hub"
    cache.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return cache


def put(hub: Path, folder: Path, commit: str = COMMIT) -> Path:
    """Put a model into the cache as the hub's library does, as the newest commit of owner/name."""
    repository = hub / "models--owner--name"
    snapshot = shutil.copytree(folder, repository / "snapshots" / commit)
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(commit)
    return snapshot


def test_a_model_of_the_hub_comes_from_its_cache(hub: Path, tmp_path: Path) -> None:
    config, preprocess = FAMILIES["plain ViT"]
    config = {**config, "text_cfg": {**config["text_cfg"], "vocab_size": 49408}}  # of OpenCLIP's own tokenizer
    folder = write_model(tmp_path / "model", config, preprocess, merges=False)
    put(hub, folder)
    encoder, same = OpenClipEncoder("hf-hub:owner/name", device="cpu"), OpenClipEncoder(f"local-dir:{folder}")
    assert (encoder.tag, encoder.dim, encoder.image_size) == ("hf-hub:owner/name", 24, 48)
    np.testing.assert_array_equal(encoder.encode_text(["a car"]), same.encode_text(["a car"]))
    frame = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    np.testing.assert_array_equal(encoder.encode_frames([frame]), same.encode_frames([frame]))

    # Its fingerprint is of the configuration and the weights: another commit of the same is the same encoder.
    assert encoder.fingerprint.startswith("open_clip:hf-hub:owner/name@")
    newer = put(hub, folder, commit=COMMIT[::-1])
    assert OpenClipEncoder("hf-hub:owner/name").fingerprint == encoder.fingerprint
    with (newer / "open_clip_model.safetensors").open("ab") as file:
        file.write(b"\n")
    assert OpenClipEncoder("hf-hub:owner/name").fingerprint != encoder.fingerprint


def test_a_link_to_a_blob_gives_the_fingerprint_of_its_content(hub: Path) -> None:
    put(hub, TINY)
    copied = OpenClipEncoder("hf-hub:owner/name").fingerprint
    weights = hub / "models--owner--name" / "snapshots" / COMMIT / "open_clip_model.safetensors"
    blob = hub / "models--owner--name" / "blobs" / sha256(weights.read_bytes()).hexdigest()
    blob.parent.mkdir()
    weights.rename(blob)
    try:
        weights.symlink_to(blob)
    except OSError:
        pytest.skip("this system makes no symbolic links")
    assert OpenClipEncoder("hf-hub:owner/name").fingerprint == copied


def test_a_model_of_the_hub_that_needs_a_package_names_it(hub: Path, without_transformers: None) -> None:
    snapshot = put(hub, TINY)
    config = json.loads((snapshot / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"]["hf_tokenizer_name"] = "owner/name"
    (snapshot / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(va.EncoderError, match=r"va-widgets\[transformers\]"):
        OpenClipEncoder("hf-hub:owner/name")


def test_a_hub_out_of_reach_is_told_in_one_sentence(hub: Path) -> None:
    encoder = OpenClipEncoder("hf-hub:owner/name")
    for ask in (lambda: encoder.fingerprint, lambda: encoder.dim, lambda: encoder.encode_text(["snow"])):
        with pytest.raises(va.EncoderError) as raised:
            ask()
        assert str(raised.value) == (
            "The model hf-hub:owner/name could not be downloaded: check its name and connect to the network once."
        )


def test_a_hub_that_does_not_answer_is_asked_once(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    with socket.socket() as nobody:  # bound but not listening: a connection is refused at once
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        pauses: list[float] = []
        monkeypatch.setattr(time, "sleep", pauses.append)
        with pytest.raises(va.EncoderError, match="could not be downloaded"):
            _ = OpenClipEncoder("hf-hub:owner/name").fingerprint
        with pytest.raises(va.EncoderError, match="could not be loaded"):
            OpenClipEncoder("ViT-B-32/laion2b_s34b_b79k").encode_text(["snow"])
        assert pauses == []
        assert constants.HF_HUB_OFFLINE is False


@pytest.mark.parametrize("model", ["hf-hub:", "hf-hub:name", "hf-hub:a/b/c", "hf-hub:owner/na me", "hf-hub:-/-"])
def test_what_is_no_repository_is_refused(model: str) -> None:
    with pytest.raises(va.EncoderError, match="write hf-hub:owner/name"):
        OpenClipEncoder(model)
