"""What goes wrong in an experiment."""

from __future__ import annotations

from va_widgets.errors import VaError


class ExperimentError(VaError):
    """An experiment cannot be set up or run as it was asked for."""
