"""What several annotators together say about a clip."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def resolve(current: pd.DataFrame) -> pd.DataFrame:
    """One value a clip out of all annotators' newest values.

    The majority of yes and no counts; a draw is "tie". "unsure" counts only where nobody said yes or no.

    Parameters
    ----------
    current : DataFrame(clip_id, annotator, value, time, source, …)
        One row for each annotator's newest value of a clip, oldest first, as `LabelStore.current` gives it.

    Returns
    -------
    DataFrame indexed by clip_id, in the order in which the clips' values came to be
        value ("yes", "no", "unsure", "tie"), annotators (int), agree (bool: all said the same), time and source of
        the newest value.
    """
    said = current["value"]
    if current["annotator"].nunique() <= 1:  # the usual case, at every label: grouping would take ten times as long
        columns = {"value": said.to_numpy(dtype=object), "annotators": 1, "agree": True}
        columns |= {name: current[name].to_numpy() for name in ("time", "source")}
        return pd.DataFrame(columns, index=pd.Index(current["clip_id"], name="clip_id"))
    votes = pd.DataFrame({"clip_id": current["clip_id"], "yes": said == "yes", "no": said == "no", "value": said})
    by_clip = votes.groupby("clip_id", sort=False)
    yes, no = by_clip["yes"].sum().astype(int), by_clip["no"].sum().astype(int)
    newest = current.drop_duplicates("clip_id", keep="last").set_index("clip_id")
    clips = newest.index
    balance = (yes - no).reindex(clips).to_numpy()
    decided = (yes + no).reindex(clips).to_numpy() > 0
    value = np.where(~decided, "unsure", np.where(balance > 0, "yes", np.where(balance < 0, "no", "tie")))
    return pd.DataFrame(
        {
            "value": value.astype(object),
            "annotators": by_clip.size().reindex(clips).to_numpy(dtype=int),
            "agree": by_clip["value"].nunique().reindex(clips).to_numpy(dtype=int) == 1,
            "time": newest["time"].to_numpy(),
            "source": newest["source"].to_numpy(),
        },
        index=clips,
    )


def training_set(resolved: pd.DataFrame) -> tuple[list[str], NDArray[np.bool_]]:
    """The clips that count as yes or no, ordered by clip id, and whether each is yes."""
    kept = resolved[resolved["value"].isin(("yes", "no"))].sort_index()
    return [str(clip) for clip in kept.index], (kept["value"] == "yes").to_numpy(dtype=bool)
