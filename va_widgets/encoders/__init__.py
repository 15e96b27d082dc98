"""Encoders: frames and texts become vectors of one space."""

from va_widgets.encoders.open_clip import OpenClipEncoder
from va_widgets.encoders.protocol import ClipEncoder, Encoder

__all__ = ["ClipEncoder", "Encoder", "OpenClipEncoder"]
