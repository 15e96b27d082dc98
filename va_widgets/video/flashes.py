"""Where a flash lights a shot: a camera's, lightning, a strobe."""

from __future__ import annotations

from collections.abc import Sequence

from va_widgets.video.resemblance import SmallPicture, change, correlation, shifted_correlation

_LIGHT = 0.9  # the least share of a flash's change that is light: all pixels become brighter, or all darker
_LIT = 0.5  # the least correlation of the picture in a flash's light with the one without,
_BLINDING = 230.0  # unless it is brighter than this in the mean, where too little is left of it
_AGAIN, _AGAIN_SHIFTED = 0.6, 0.7  # the least correlation, as they are and shifted, of pictures before and after one


def is_flash(pictures: Sequence[SmallPicture], at: int, longest: int) -> bool:
    """Return whether a flash of up to `longest` frames begins, changes or ends between pictures `at - 1` and `at`.

    It shows the same picture in more light, and then the light is again as it was.
    """
    last, small = pictures[at - 1], pictures[at]
    if abs(small.mean - last.mean) < _LIGHT * change(last, small):
        return False
    if correlation(last, small) < _LIT and max(last.mean, small.mean) < _BLINDING:
        return False
    unlit, others = last, pictures[at + 1 : at + 1 + longest]
    if small.mean < last.mean:
        unlit, others = small, pictures[max(0, at - 1 - longest) : at - 1]
    middle = (last.mean + small.mean) / 2
    return any(
        correlation(unlit, other) >= _AGAIN or shifted_correlation(unlit, other) >= _AGAIN_SHIFTED
        for other in others
        if other.mean < middle
    )
