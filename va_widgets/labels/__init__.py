"""Label events in SQLite, current labels and agreement; `export` and `import_` exchange them with other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from va_widgets.exchange import export, import_, table, to_fiftyone

__all__ = ["export", "import_", "table", "to_fiftyone"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from va_widgets import exchange  # upwards, when it is called: what is exchanged is a corpus's

    return getattr(exchange, name)
