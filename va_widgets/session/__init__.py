"""One annotator at work on one concept of a corpus: what a notebook and the widget drive.

`Session` joins the corpus, the labels and the classifier; the other modules are its parts.
"""

from va_widgets.corpus.search.clip_search import FLAT
from va_widgets.labels.label_status import LabelStatus
from va_widgets.labels.records import Remark
from va_widgets.labels.values import LabelValue
from va_widgets.learning.trainer import Refit
from va_widgets.models.names import MODELS_FOLDER
from va_widgets.session.session import LABELS_FILE, Session

__all__ = ["FLAT", "LABELS_FILE", "MODELS_FOLDER", "LabelStatus", "LabelValue", "Refit", "Remark", "Session"]
