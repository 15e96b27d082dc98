"""The tables of Kinetics: label, youtube_id, time_start, time_end, split. A row is a segment that shows its label."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from va_widgets.base.spreadsheet import harmless
from va_widgets.exchange.content import Content
from va_widgets.exchange.formats.names import METADATA, held_not, left_out, placed, stem


def files(content: Content) -> tuple[dict[str, bytes], list[str]]:
    """Return the clips that count as yes, of which the corpus knows the times.

    A video is called by its name without folders and suffix, or by its path where that is the name of several.
    """
    rows = content.rows
    yes = rows[rows["value"] == "yes"]
    kept = placed(yes)
    stems = {path: stem(path) for path in kept["video"].unique()}
    counts = Counter(stems.values())
    ids = {path: name if counts[name] == 1 else path for path, name in stems.items()}
    table = pd.DataFrame(
        {
            "label": [harmless(concept) for concept in kept["concept"]],
            "youtube_id": [harmless(ids[video]) for video in kept["video"]],
            "time_start": kept["start"].map(_seconds),
            "time_end": kept["end"].map(_seconds),
            "split": "train",
        },
        columns=["label", "youtube_id", "time_start", "time_end", "split"],
    )
    notes = left_out(
        {
            'labels "no"': int(rows["value"].eq("no").sum()),
            'labels "unsure"': int(rows["value"].eq("unsure").sum()),
            "ties": int(rows["value"].eq("tie").sum()),
            "clips without times": len(yes) - len(kept),
        },
        "Kinetics",
    )
    changed = sum(text.startswith("'") for text in [*table["label"], *table["youtube_id"]])
    if changed:
        notes.append(
            f"{changed:,} names begin with an apostrophe, because a spreadsheet would compute them: take it away for"
            " programs that look for the videos."
        )
    text = table.to_csv(index=False, lineterminator="\n")  # readers look for the names of columns without quotes
    return {"": text.encode()}, [*notes, *held_not(yes, "Kinetics", METADATA)]


def _seconds(time: float) -> str:
    """Return a time in seconds, a whole one without a point, as in Kinetics: some readers know no others."""
    return f"{time:.3f}".rstrip("0").rstrip(".")
