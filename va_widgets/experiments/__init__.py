"""Experiments: labelling replayed by an oracle that knows the truth, and VA's own release."""

from va_widgets.experiments.oracle import Run, label_by_oracle
from va_widgets.experiments.release import Release, open_release

__all__ = ["Release", "Run", "label_by_oracle", "open_release"]
