"""Queries over published scores, columns of clips and motion: a small grammar, and a ranking of the clips."""

from va_widgets.catalogue.query.completion import complete
from va_widgets.catalogue.query.names import Name, names
from va_widgets.catalogue.query.query import Query

__all__ = ["Name", "Query", "complete", "names"]
