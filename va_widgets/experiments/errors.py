"""The error of the experiments."""

from __future__ import annotations

from va_widgets.base.errors import VaError


class ExperimentError(VaError):
    """An experiment cannot be set up or run with the given arguments."""
