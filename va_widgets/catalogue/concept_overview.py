"""All concepts of a corpus in one table: labels, quality, models, guidelines, and when somebody last changed one."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pandas as pd

from va_widgets.base.errors import LabelError
from va_widgets.base.paths import exists, inside
from va_widgets.corpus import Corpus
from va_widgets.labels.label_store import LabelStore
from va_widgets.labels.refit_history import RefitHistory
from va_widgets.labels.shared import StoreUser
from va_widgets.models.published import all_versions
from va_widgets.session import LABELS_FILE

_COLUMNS: dict[str, Any] = {
    "concept": object,
    "yes": "int64",
    "no": "int64",
    "unsure": "int64",
    "annotators": "int64",
    "ap": float,
    "ap_low": float,
    "ap_high": float,
    "version": "int64",
    "models": object,
    "guideline": object,
    "archived": bool,
    "last_activity": object,
}


def concept_overview(corpus: Corpus) -> pd.DataFrame:
    """Return a row for each concept that was ever opened, by name: see `Corpus.concepts`.

    Raises LabelError if the labels cannot be read.
    """
    path = inside(corpus.path, LABELS_FILE, error=LabelError)
    if not exists(path):  # opening would make it
        return pd.DataFrame(columns=list(_COLUMNS)).astype(_COLUMNS)
    user = StoreUser(path)
    try:
        return _table(corpus, user.store)
    finally:
        user.close()


def _table(corpus: Corpus, store: LabelStore) -> pd.DataFrame:
    labelled = {row["concept"]: row for row in store.concepts().to_dict("records")}
    guidelines, archived = store.guidelines(), store.concept_log.archived()
    models: defaultdict[str, list[str]] = defaultdict(list)
    for model in all_versions(corpus)[0]:
        models[store.concept_log.present_name(model.concept)].append(f"{model.name} v{model.version}")
    rows = []
    for concept in sorted({*labelled, *guidelines, *archived, *store.opened_concepts()}):
        counts = labelled.get(concept, {})
        history = RefitHistory(store, concept)
        newest = next((point for point in reversed(history.points) if "corpus_ap" in point), {})
        rows.append(
            {
                "concept": concept,
                **{name: counts.get(name, 0) for name in ("yes", "no", "unsure", "annotators")},
                "ap": newest.get("corpus_ap"),
                "ap_low": newest.get("corpus_low"),
                "ap_high": newest.get("corpus_high"),
                "version": history.newest_version,
                "models": models.get(concept, []),
                "guideline": guidelines.get(concept, ""),
                "archived": concept in archived,
                "last_activity": store.last_activity(concept),
            }
        )
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)
