"""Which version of a model a command means: by the model's name, and perhaps a number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from va_widgets.base.errors import ModelError

if TYPE_CHECKING:
    from va_widgets.corpus import Corpus


def chosen_version(
    corpus: Corpus, name: str, version: int | None, *, withdrawn: bool = False, below: int | None = None
) -> tuple[Path, str]:
    """Return the folder of the version of a model that is meant, which may be damaged, and what to call it.

    It is the newest that is `withdrawn` or not, and that has a number less than `below`, unless the number `version` is
    given. Raises ModelError if there is none.
    """
    from va_widgets.models.bundle import version_of
    from va_widgets.models.names import other_names, slug
    from va_widgets.models.published import all_versions
    from va_widgets.models.withdrawal import is_withdrawn

    models, problems = all_versions(corpus)
    named = [model for model in models if name in (model.name, model.slug)]
    found = {model.folder: (model.version, model.name) for model in named}
    homes = {slug(name), *(model.folder.parent.name for model in named)}
    for folder, problem in problems.items():
        number = version_of(folder)
        if number is not None and folder.parent.name in homes:
            found[folder] = (number, name)
        elif folder.name in homes:  # all of its versions
            raise ModelError(problem)
    if not found:
        slugs = sorted({model.slug for model in models})
        raise ModelError(f"No model {name!r} was published from {corpus.path}; {other_names(name, slugs)}")
    if version is not None:
        meant = [folder for folder, (number, _) in found.items() if number == version]
        if not meant:
            numbers = ", ".join(map(str, sorted(number for number, _ in found.values())))
            raise ModelError(f"The model {name!r} has no version {version}, only {numbers}.")
    else:
        meant = [
            folder
            for folder, (number, _) in found.items()
            if is_withdrawn(folder) == withdrawn and (below is None or number < below)
        ]
        if not meant:
            raise ModelError(f"The model {name!r} has {_nothing(withdrawn, below)}.")
    newest = max(meant, key=lambda folder: found[folder][0])
    number, present_name = found[newest]
    return newest, f"{present_name}, version {number}"


def _nothing(withdrawn: bool, below: int | None) -> str:
    if withdrawn:
        return "no version that was withdrawn"
    if below is not None:
        return f"no version before version {below} that is not withdrawn: give another model, or its --older-version"
    return "only versions that were withdrawn: give a --version"
