"""A folder that Hugging Face `datasets` loads by its path: a Parquet file, and a README whose front matter names it."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pandas as pd

from va_widgets.base.errors import ExchangeError
from va_widgets.base.paths import inside
from va_widgets.base.texts import counted
from va_widgets.exchange.content import Content
from va_widgets.exchange.foreign import Foreign
from va_widgets.exchange.formats.tables import parquet, read_tabular

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>$])")


def files(content: Content) -> tuple[dict[str, bytes], list[str]]:
    """Return the README and the table, labels or the log."""
    what = "log" if content.log else "labels"
    return {"README.md": _readme(content, what).encode(), f"data/{what}.parquet": parquet(content)}, []


def _readme(content: Content, what: str) -> str:
    # The front matter holds words of ours alone: names of concepts could end it.
    lines = [
        "---",
        "task_categories:",
        "- video-classification",
        "tags:",
        "- video-annotation",
        "configs:",
        f"- config_name: {what}",
        "  data_files:",
        "  - split: train",
        f"    path: data/{what}.parquet",
        "---",
        "",
        "# Labels of video clips" if what == "labels" else "# Log of labels of video clips",
        "",
        f"{counted(len(content.rows), 'row')}, exported by va-widgets. A row is",
        "a label (yes, no or unsure) that an annotator gave to a clip for a concept."
        if what == "labels"
        else "an event: a label, a note, or a change of a concept, oldest first.",
        "",
        "| concept | rows |",
        "|---|---|",
    ]
    counts = content.rows["concept"].value_counts()
    lines += [f"| {_plain(name)} | {counts[name]:,} |" for name in content.concepts]
    for name in content.concepts:
        if name in content.guidelines:
            quoted = [f"> {_plain(line)}" for line in content.guidelines[name].splitlines()]
            lines += ["", f"## {_plain(name)}", "", *quoted]
    return "\n".join([*lines, ""])


def _plain(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return _MARKDOWN.sub(r"\\\1", html.escape(text, quote=False))


def read(folder: Path) -> Foreign:
    """Return the rows of all Parquet files in a folder, in the order of their names."""
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise ExchangeError(f"{folder} holds no Parquet files.")
    names = [file.relative_to(folder).as_posix() for file in files]
    tables = [read_tabular(inside(folder, name, error=ExchangeError)) for name in names]
    if len(tables) == 1:
        tables[0].name = folder.name
        return tables[0]
    if len({table.log for table in tables}) > 1:
        raise ExchangeError(f"{folder} holds labels and a log: give the path of one of {', '.join(names[:8])}.")
    parts = [name for name, table in zip(names, tables, strict=True) for _ in range(len(table.rows))]
    rows = pd.concat([table.rows for table in tables], ignore_index=True).astype(object)
    numbers = np.concatenate([table.numbers for table in tables])
    return Foreign(rows.where(rows.notna(), None), folder.name, "row", numbers, parts, log=tables[0].log)
