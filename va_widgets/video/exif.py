"""What a picture's EXIF says of how it is shown."""

from __future__ import annotations

from PIL import Image

ORIENTATION = 0x0112  # the tag


def orientation(image: Image.Image) -> int:
    """Return an image's EXIF orientation; 1, which is upright, if there is none or its EXIF is damaged."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # what Pillow raises for damaged EXIF cannot be listed: a SyntaxError and others
        return 1
    return value if isinstance(value, int) else 1
