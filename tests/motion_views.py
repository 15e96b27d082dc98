"""Motion views of clips whose readable numbers a test chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from va_widgets.video.motion.features import FEATURES

_SIGNED = dict.fromkeys(("pan", "tilt", "zoom", "roll"), 0.05)
_SIZES = {
    "shake": ("camera usual shake", 0.05),
    "subject_motion": ("subject speed", 0.01),
    "brightness_change": ("light change", 0.05),
}


def motion_view(clips: Sequence[Mapping[str, float] | None]) -> NDArray[np.float16]:
    """Return the motion view, float16 (n, len(FEATURES)), of clips with these numbers, 0 where none is given.

    The motion of a clip that is None is not known. Only what the readable numbers are read back from is filled in.
    """
    features = np.zeros((len(clips), len(FEATURES)))
    for row, numbers in zip(features, clips, strict=True):
        if numbers is None:
            continue
        row[FEATURES.index("pan near 0.00")] = 1.0
        for name, value in numbers.items():
            if name in _SIGNED:
                row[FEATURES.index(f"{name} mean")] = np.arcsinh(value / _SIGNED[name])
            else:
                feature, unit = _SIZES[name]
                row[FEATURES.index(feature)] = np.log1p(value / unit)
    return features.astype(np.float16)
