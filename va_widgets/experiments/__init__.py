"""Experiments: labelling replayed by an oracle that knows the truth."""

from va_widgets.experiments.oracle import Run, label_by_oracle

__all__ = ["Run", "label_by_oracle"]
