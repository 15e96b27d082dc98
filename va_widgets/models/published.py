"""The models that were published from a corpus, in its folder `models`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from va_widgets.base.arguments import described
from va_widgets.base.errors import ModelError, reason_of
from va_widgets.base.names import folder_name
from va_widgets.base.paths import inside, is_folder
from va_widgets.base.system_errors import failure
from va_widgets.corpus import Corpus
from va_widgets.models.bundle import load_model, version_of, versions
from va_widgets.models.card import count_of, share_of
from va_widgets.models.model import Model
from va_widgets.models.names import MODELS_FOLDER
from va_widgets.models.withdrawal import is_withdrawn

__all__ = [
    "MODELS_FOLDER",
    "all_versions",
    "damaged",
    "newest",
    "served",
    "served_and_damaged",
    "table",
    "why_not_served",
]

_COLUMNS: dict[str, Any] = {
    "name": object,
    "version": "Int64",
    "concept": object,
    "encoder": object,
    "yes": "Int64",
    "no": "Int64",
    "ap": float,
    "ap_low": float,
    "ap_high": float,
    "threshold": float,
    "created": object,
    "parent": "Int64",
    "withdrawn": bool,
    "problem": object,
}


def served(corpus: Corpus) -> dict[str, Model]:
    """Return the newest version of every model of a corpus, by `Model.slug`, in the order of these.

    Versions that are withdrawn are left out, and so is a model whose newest other version is `damaged`: an older one in
    its place would change results without a word.
    """
    return served_and_damaged(corpus)[0]


def damaged(corpus: Corpus) -> dict[str, str]:
    """Return why models of a corpus are not served although they are not withdrawn, by the names of their folders."""
    return served_and_damaged(corpus)[1]


def served_and_damaged(corpus: Corpus) -> tuple[dict[str, Model], dict[str, str]]:
    """Return what `served` and `damaged` do; each model is read once."""
    models: dict[str, Model] = {}
    problems: dict[str, str] = {}
    for name, found in _newest_of_each(corpus).items():
        if isinstance(found, ModelError):
            problems[name] = str(found)
            continue
        other = models.get(found.slug)
        if other is None or _rank(other) < _rank(found):
            models[found.slug] = found
    return dict(sorted(models.items())), problems


def _rank(model: Model) -> tuple[bool, int]:
    """Return what decides between two models of one name: version 0.1.0 called folders otherwise, and people copy them.

    The one in the folder that is called by the name comes first, whatever the card of another one says.
    """
    return model.folder.parent.name == model.slug, model.version


def why_not_served(corpus: Corpus, name: str) -> str | None:
    """Return why a name's model is not served, being damaged or withdrawn; None where none was published so."""
    folder = folder_name(name, "model")
    home = inside(corpus.path, MODELS_FOLDER, folder, error=ModelError)
    problem = damaged(corpus).get(folder)
    if problem is None and is_folder(home) and _versions(corpus, home):
        return f"All versions of the model {described(name)} are withdrawn: restore one, or publish it again."
    return problem


def newest(corpus: Corpus, slug: str) -> Model | None:
    """Return the newest version of a model that can be read and is not withdrawn; None if there is none."""
    home = inside(corpus.path, MODELS_FOLDER, slug, error=ModelError)
    try:
        kept = [folder for folder in _versions(corpus, home) if not is_withdrawn(folder)] if is_folder(home) else []
    except ModelError:
        return None
    for folder in reversed(kept):
        try:
            return load_model(folder)
        except ModelError:
            continue
    return None


def _newest_of_each(corpus: Corpus) -> dict[str, Model | ModelError]:
    """Return the newest version of each model that is not withdrawn, or why it cannot be read, by its folder's name."""
    found: dict[str, Model | ModelError] = {}
    for home in _homes(corpus):
        try:
            kept = [folder for folder in _versions(corpus, home) if not is_withdrawn(folder)]
            if kept:
                found[home.name] = load_model(kept[-1])
        except ModelError as error:
            found[home.name] = error
    return found


def all_versions(corpus: Corpus) -> tuple[list[Model], dict[Path, str]]:
    """Return all versions of all models that can be read, and why others cannot be, by their folders."""
    models: list[Model] = []
    problems: dict[Path, str] = {}
    for home in _homes(corpus):
        try:
            folders = _versions(corpus, home)
        except ModelError as error:
            problems[home] = str(error)
            continue
        for folder in folders:
            try:
                models.append(load_model(folder))
            except ModelError as error:
                problems[folder] = str(error)
    return models, problems


def table(corpus: Corpus) -> pd.DataFrame:
    """Return all versions of all models of a corpus, those of a name together and the newest of them first.

    DataFrame(name, version, concept, encoder, yes, no, ap, ap_low, ap_high, threshold, created, parent, withdrawn,
    problem), indexed by the name that queries use. A version that cannot be read has its problem and no facts.
    """
    models, problems = all_versions(corpus)
    rows = [(model.slug, {"version": model.version, **_facts(model)}) for model in models]
    rows += [
        (
            folder.name if version is None else folder.parent.name,
            {"version": version, "problem": problem, "withdrawn": version is not None and is_withdrawn(folder)},
        )
        for folder, problem in problems.items()
        for version in [version_of(folder)]
    ]
    rows.sort(key=lambda row: (row[0], -(row[1]["version"] or 0)))
    index = pd.Index([slug for slug, _ in rows], name="model", dtype=object)
    facts = [{"withdrawn": False, **facts} for _, facts in rows]
    return pd.DataFrame(facts, index=index, columns=list(_COLUMNS)).astype(_COLUMNS)


def _homes(corpus: Corpus) -> list[Path]:
    """Return the folders of a corpus's models by name.

    Raises ModelError if they cannot be listed, or are a link that leads out of the corpus.
    """
    folder = inside(corpus.path, MODELS_FOLDER, error=ModelError)
    try:
        return sorted(home for home in folder.iterdir() if is_folder(home)) if is_folder(folder) else []
    except OSError as error:
        raise _unlisted(folder, error) from error


def _versions(corpus: Corpus, home: Path) -> list[Path]:
    """Return the folders of a model's versions, ascending; none in a folder where none was published yet.

    Raises ModelError as `_homes` does.
    """
    try:
        known = versions(inside(corpus.path, MODELS_FOLDER, home.name, error=ModelError))
    except OSError as error:
        raise _unlisted(home, error) from error
    return [inside(corpus.path, MODELS_FOLDER, home.name, f"v{version}", error=ModelError) for version in known]


def _unlisted(folder: Path, error: OSError) -> ModelError:
    return ModelError(
        failure(f"The folder {folder}", error) or f"The folder {folder} cannot be listed ({reason_of(error)})."
    )


def _facts(model: Model) -> dict[str, Any]:
    """Return what the table says of a model."""
    return {
        "name": model.name,
        "concept": model.concept,
        "encoder": model.encoder,
        "yes": count_of(model.card, "labels", "yes"),
        "no": count_of(model.card, "labels", "no"),
        "ap": share_of(model.card, "metrics", "corpus_average_precision"),
        "ap_low": share_of(model.card, "metrics", "corpus_average_precision_low"),
        "ap_high": share_of(model.card, "metrics", "corpus_average_precision_high"),
        "threshold": model.threshold,
        "created": str(model.card.get("created", "")),
        "parent": count_of(model.card, "parent", "version"),
        "withdrawn": is_withdrawn(model.folder),
        "problem": "",
    }
