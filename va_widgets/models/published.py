"""The models that were published from a corpus, in its folder `models`."""

from __future__ import annotations

from va_widgets.base.errors import ModelError
from va_widgets.base.paths import inside, is_folder
from va_widgets.corpus import Corpus
from va_widgets.models.bundle import Model, load_model

MODELS_FOLDER = "models"


def served(corpus: Corpus) -> dict[str, Model]:
    """Return the newest version of every model of a corpus, by `Model.slug`, in the order of these.

    Raises ModelError if one is damaged.
    """
    home = inside(corpus.path, MODELS_FOLDER, error=ModelError)
    if not is_folder(home):
        return {}
    folders = sorted(folder for folder in home.iterdir() if is_folder(folder))
    return {folder.name: load_model(folder) for folder in folders}
