"""Learning: the classifier, the feeds and the measures shown beside them; pure functions on arrays."""

from va_widgets.learning.classifier import Classifier

__all__ = ["Classifier"]
