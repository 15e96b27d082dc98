"""What the modules of commands share: the type of the commands, and tables for people and programs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import pandas as pd

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `argparse.ArgumentParser.add_subparsers` returns: the parsers of commands are added to it."""


def print_table(table: pd.DataFrame, *, as_json: bool, nothing: str = "") -> None:
    """Print a table, without its index: in columns, or as a JSON list of one object a row, with dates in ISO 8601.

    In place of columns without a row, `nothing` is printed, if it says anything.
    """
    from va_widgets.base.progress import printable

    if as_json:
        print(table.to_json(orient="records", indent=1, force_ascii=False, double_precision=15, date_format="iso"))
        return
    if table.empty:
        if nothing:
            print(nothing)
        return
    for line in table.to_string(index=False, na_rep="", float_format="{:.3g}".format).splitlines():
        print(printable(line).rstrip())
