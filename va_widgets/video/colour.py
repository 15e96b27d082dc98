"""Tone mapping: pictures of high dynamic range and wide gamut become pictures for an ordinary screen."""

from __future__ import annotations

from functools import cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Transfer: TypeAlias = Literal["pq", "hlg", "gamma"]

_EDGE = 33  # points of the look-up table along red, green and blue
_WHITE = 203.0  # cd/m2 of a white sheet of paper, ITU-R BT.2408
_PEAK = 1000.0  # cd/m2 that become the screen's brightest
# Linear BT.2020 to BT.709, ITU-R BT.2087-0 annex 2 inverted.
_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])


def to_screen(picture: NDArray[np.uint8], transfer: Transfer) -> NDArray[np.uint8]:
    """Return an RGB picture (h, w, 3) of BT.2020 primaries and the given transfer function in BT.709."""
    shown = Image.fromarray(picture).filter(_table(transfer))
    return np.asarray(shown, dtype=np.uint8)


@cache
def _table(transfer: Transfer) -> ImageFilter.Color3DLUT:
    axis = np.linspace(0.0, 1.0, _EDGE)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")  # red runs fastest
    light = _linear(np.stack([red, green, blue], axis=-1), transfer)
    mapped = _toned(np.maximum(light @ _TO_709.T, 0.0)) if transfer != "gamma" else light @ _TO_709.T
    encoded = np.clip(mapped, 0.0, 1.0) ** (1 / 2.4)
    return ImageFilter.Color3DLUT(_EDGE, encoded.astype(np.float32).ravel())


def _linear(signal: NDArray[np.float64], transfer: Transfer) -> NDArray[np.float64]:
    """Light in units of a white sheet of paper."""
    if transfer == "pq":  # SMPTE ST 2084, equation 4
        m1, m2 = 2610 / 16384, 2523 / 4096 * 128
        c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
        root = signal ** (1 / m2)
        return 10_000 / _WHITE * (np.maximum(root - c1, 0.0) / (c2 - c3 * root)) ** (1 / m1)
    if transfer == "hlg":  # ITU-R BT.2100, table 5: inverse OETF, then the OOTF of a screen of 1,000 cd/m2
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        brightness = scene @ np.array([0.2627, 0.6780, 0.0593])
        return _PEAK / _WHITE * brightness[..., None] ** 0.2 * scene
    return signal**2.4  # ITU-R BT.1886


def _toned(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring highlights into range and keep hues: Reinhard et al. 2002, equation 4, on the strongest channel."""
    strongest = light.max(axis=-1, keepdims=True)
    peak = _PEAK / _WHITE
    return light * (1 + strongest / peak**2) / (1 + strongest)
