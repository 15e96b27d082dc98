"""Labels to and from other programs: files are written and read, and foreign rows are matched to clips of a corpus."""

from va_widgets.exchange.exporting import export, table
from va_widgets.exchange.fiftyone_objects import FiftyOneLabels, to_fiftyone
from va_widgets.exchange.importing import import_
from va_widgets.exchange.results import Exported, Imported

__all__ = ["Exported", "FiftyOneLabels", "Imported", "export", "import_", "table", "to_fiftyone"]
