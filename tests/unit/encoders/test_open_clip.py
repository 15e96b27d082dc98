"""Encoders: the vectors are those of OpenCLIP's own preprocessing, whatever the speed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import av
import numpy as np
import open_clip
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import va_widgets as va
from va_widgets.base.threads import one_torch_thread
from va_widgets.demo.render import render
from va_widgets.demo.scenes import sample_scenes
from va_widgets.encoders import image_tower, protocol
from va_widgets.encoders.protocol import Encoder, OpenClipEncoder, as_encoder

Frames = list[NDArray[np.uint8]]
TINY = Path(protocol.__file__).parents[1] / "demo" / "tiny"
ODD_SIZES = [(72, 128), (128, 72), (71, 129), (145, 111), (90, 91), (73, 400), (31, 17), (1, 1), (721, 1283)]


@pytest.fixture(scope="module")
def plain() -> OpenClipEncoder:
    return OpenClipEncoder(device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def scenes() -> Frames:
    """Rendered frames of sizes that nothing divides."""
    return [
        np.ascontiguousarray(render(scene, 0.5, max(width, 16), max(height, 16))[:height, :width])
        for scene, (height, width) in zip(sample_scenes(len(ODD_SIZES), 3), ODD_SIZES, strict=True)
    ]


def reference(folder: Path, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """What a plain loop over OpenCLIP gives."""
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    model.eval()
    with torch.inference_mode(), one_torch_thread():
        pixels = torch.stack([preprocess(Image.fromarray(frame)) for frame in frames])
        vectors: NDArray[np.float32] = model.encode_image(pixels, normalize=True).numpy()
    return vectors


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    return (a * b).sum(axis=1)


def another_model(folder: Path, size: int | list[int], **preprocess: str) -> Path:
    """A copy of va-tiny that looks at pictures of another size, or prepares them in another way."""
    shutil.copytree(TINY, folder)
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["model_cfg"]["vision_cfg"]["image_size"] = size
    config["preprocess_cfg"] |= preprocess
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder


def test_frames_of_all_sizes_are_seen_as_by_openclip(plain: OpenClipEncoder, scenes: Frames) -> None:
    vectors = plain.encode_frames(scenes)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert cosines(vectors, reference(TINY, scenes)).min() >= 0.999


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_real_frames_are_seen_as_by_openclip(precision: protocol.Precision, shared_data: Path) -> None:
    frames: Frames = []
    for file in sorted((shared_data / "videos" / "real").glob("*.mp4")):
        with av.open(str(file)) as opened:
            some = islice(opened.decode(video=0), 0, 31, 15)
            frames += [np.asarray(one.to_ndarray(format="rgb24"), dtype=np.uint8) for one in some]
    assert frames
    vectors = OpenClipEncoder(device="cpu", precision=precision).encode_frames(frames)
    assert cosines(vectors, reference(TINY, frames)).min() >= 0.999


@pytest.mark.parametrize(
    ("size", "mode", "interpolation"),
    [
        (80, "shortest", "bicubic"),
        (80, "squash", "bilinear"),
        (80, "longest", "bicubic"),
        ([72, 128], "shortest", "bicubic"),
    ],
)
def test_every_way_of_scaling_is_openclip_s(
    size: int | list[int], mode: str, interpolation: str, scenes: Frames, tmp_path: Path
) -> None:
    folder = another_model(tmp_path / "model", size, resize_mode=mode, interpolation=interpolation)
    encoder = OpenClipEncoder(f"local-dir:{folder}", device="cpu", precision="fp32")
    frames = [frame for frame in scenes if min(frame.shape[:2]) > 1]
    assert cosines(encoder.encode_frames(frames), reference(folder, frames)).min() >= 0.999


def test_frames_of_the_model_s_size_are_taken_as_they_are(tmp_path: Path) -> None:
    folder = another_model(tmp_path / "model", 80, resize_mode="shortest")
    encoder = OpenClipEncoder(f"local-dir:{folder}", device="cpu", precision="fp32")
    frames = [render(scene, 0.5, 143, encoder.image_size) for scene in sample_scenes(5, 0)]
    np.testing.assert_allclose(encoder.encode_frames(frames), reference(folder, frames), atol=1e-6)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_frame_has_the_same_vector_in_any_company(precision: protocol.Precision, scenes: Frames) -> None:
    encoder = OpenClipEncoder(device="cpu", precision=precision, batch_size=8)
    frames = [render(scene, 0.3, 128, 72) for scene in sample_scenes(11, 5)]
    together = encoder.encode_frames(frames)
    # With torch 2.4 and on some processors the place in a batch changes the last bit of float32.
    last_bit = 1e-7 if torch.__version__.startswith("2.4.") else 0.0
    same = partial(np.testing.assert_allclose, rtol=0, atol=last_bit)
    same(encoder.encode_frames(frames[::-1])[::-1], together)
    same(encoder.encode_frames(frames[4:6]), together[4:6])
    same(encoder.encode_frames([*scenes, *frames])[len(scenes) :], together)


def test_the_number_of_threads_changes_nothing_and_is_kept(plain: OpenClipEncoder, scenes: Frames) -> None:
    threads = torch.get_num_threads()
    frames = [*scenes, *scenes]
    try:
        for number in (1, 3):
            torch.set_num_threads(number)
            assert plain.frames_per_call == number * plain.batch_size
            np.testing.assert_array_equal(plain.encode_frames(frames)[: len(scenes)], plain.encode_frames(scenes))
            assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(threads)


def test_lower_precision_stays_near_and_leaves_texts_alone(plain: OpenClipEncoder, scenes: Frames) -> None:
    lower = OpenClipEncoder(device="cpu", precision="bf16")
    vectors = lower.encode_frames(scenes)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert cosines(vectors, plain.encode_frames(scenes)).min() >= 0.999
    np.testing.assert_array_equal(lower.encode_text(["a car at night"]), plain.encode_text(["a car at night"]))


def test_a_precision_that_changes_what_is_seen_is_not_chosen(
    plain: OpenClipEncoder, scenes: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_tower, "resolved_precision", lambda *_: torch.bfloat16)
    monkeypatch.setattr(image_tower, "_FAITHFUL", 1.1)
    vectors = OpenClipEncoder(device="cpu").encode_frames(scenes)
    np.testing.assert_array_equal(vectors, plain.encode_frames(scenes))


def test_size_and_length_are_known_without_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenClipEncoder, "_create_model", lambda _: pytest.fail("the weights were loaded"))
    tiny, large = OpenClipEncoder(), OpenClipEncoder("ViT-B-32/laion2b_s34b_b79k")
    assert (tiny.dim, tiny.image_size) == (256, 72)
    assert (large.dim, large.image_size) == (512, 224)
    assert tiny.encode_frames([]).shape == (0, 256)
    assert as_encoder(tiny) is tiny


def test_read_only_and_strided_frames_are_taken(plain: OpenClipEncoder) -> None:
    frame = render(sample_scenes(1, 0)[0], 0.5, 300, 200)
    fixed = np.frombuffer(frame.tobytes(), dtype=np.uint8).reshape(frame.shape)
    turned = np.ascontiguousarray(frame[..., ::-1])[..., ::-1]
    one, two, three = plain.encode_frames([frame, fixed, turned])
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize(
    "frame", [np.zeros((72, 128), np.uint8), np.zeros((72, 128, 3), np.float32), np.zeros((0, 9, 3), np.uint8)]
)
def test_what_is_no_frame_is_refused(frame: NDArray[np.uint8], plain: OpenClipEncoder) -> None:
    with pytest.raises(va.EncoderError, match="RGB array"):
        plain.encode_frames([frame])


def test_wrong_options_are_refused() -> None:
    with pytest.raises(va.EncoderError, match="auto, fp32, bf16, fp16, not 'int8'"):
        OpenClipEncoder(precision="int8")  # type: ignore[arg-type]
    with pytest.raises(va.EncoderError, match="batch_size must be at least 1"):
        OpenClipEncoder(batch_size=0)


def test_a_damaged_configuration_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(TINY, tmp_path / "model")
    (folder / "open_clip_config.json").write_text("{}")
    with pytest.raises(va.EncoderError, match="does not describe an OpenCLIP model"):
        _ = OpenClipEncoder(f"local-dir:{folder}").dim


def test_an_encoder_of_one_s_own_needs_four_members() -> None:
    class Own:
        fingerprint = "own"
        dim = 3

        def encode_frames(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
            return np.zeros((len(frames), 3), dtype=np.float32)

        def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return np.zeros((len(texts), 3), dtype=np.float32)

    own: Encoder = Own()
    assert as_encoder(own) is own
    with pytest.raises(va.EncoderError, match="not dict"):
        as_encoder({})  # type: ignore[arg-type]
