"""A model's scores of clips that it has learned from, by its own recipe fitted again without them.

The recipe is fitted to the model's labels without those of a fifth of the videos at a time, and scores these. Other
clips are scored by the model as it was published.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from va_widgets.catalogue.labelled import concept_vector
from va_widgets.learning.calibration import calibrate
from va_widgets.learning.logistic import TextLogistic
from va_widgets.learning.quality import cross_validated
from va_widgets.learning.views import choose_space
from va_widgets.models.model import Model
from va_widgets.models.reference import hashed, labels_of
from va_widgets.session.corpus_view import CorpusView


def held_out_scores(
    model: Model, view: CorpusView, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return P(yes) of some rows by a model that has not learned from them, float64 (m,), and which it had, bool (m,).

    P(yes) is NaN where the model has learned from a clip and has too few labels to be fitted without it.
    """
    own = view.arrays.rows(rows)
    scores = model.score(own["appearance"], {name: own[name] for name in model.views}).astype(np.float64)
    kept = labels_of(model)
    if kept is None:
        return scores, np.zeros(len(rows), dtype=bool)
    places = pd.Series(np.arange(len(kept)), index=kept.clips)
    places = places[~places.index.duplicated()].reindex(hashed(view.corpus.clips.index[rows].tolist()))
    learned = places.notna().to_numpy()
    if not learned.any():
        return scores, learned
    views = [one for one in view.arrays.views if kept.views.get(one.name) == one.sample.shape[1]]
    text = concept_vector(view.corpus, model.concept)
    space = choose_space(view.arrays.statistics, views, kept.rows, kept.y, text, {})
    classifier = TextLogistic(space.text(text, {}), space.statistics)
    checked = cross_validated(space.joined(kept.rows), kept.y, classifier, groups=kept.videos, seed=view.arrays.seed)
    if checked is None or checked.logits is None:
        scores[learned] = np.nan
        return scores, learned
    factor = calibrate(kept.y, checked.logits).factor
    scores[learned] = expit(factor * checked.logits[places[learned].to_numpy(dtype=np.int64)])
    return scores, learned
