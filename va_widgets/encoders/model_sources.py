"""Where OpenCLIP models come from: a folder, the Hugging Face hub, or the list of pretrained models in OpenCLIP."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from va_widgets.base.errors import EncoderError
from va_widgets.base.forks import imports
from va_widgets.base.paths import open_regular
from va_widgets.base.system_errors import failure
from va_widgets.encoders.hub import cache_if_unreachable

TINY = "va-tiny"
"""The model that the package carries: trained on the demo's rendered videos; works without a network."""

_LOCAL, _HUB = "local-dir:", "hf-hub:"
_TINY_FOLDER = Path(__file__).resolve().parents[1] / "demo" / "tiny"
_CONFIG_FILE, _MERGES_FILE = "open_clip_config.json", "merges.txt.gz"
_HUB_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")  # in OpenCLIP's order of preference
_TOKENIZER_FILES = (
    "added_tokens.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)  # what `transformers` reads from a folder


class ModelSource(Protocol):
    """One model: its name, its configuration, and how it is loaded."""

    @property
    def tag(self) -> str:
        """The name by which `model_source` finds the model again, from any working directory."""

    @property
    def fingerprint(self) -> str:
        """An identifier of the vectors: models with different vectors have different fingerprints."""

    @property
    def configuration(self) -> Mapping[str, Any]:
        """OpenCLIP's `model_cfg`, read without loading the weights."""

    def load(self, device: str) -> tuple[Any, Any]:
        """Return the model with its weights, and its preprocessing of a PIL image. Raises what OpenCLIP raises."""

    def tokenizer(self) -> Any:
        """Return the tokenizer, from a list of texts to a tensor of token ids. Raises what OpenCLIP raises."""

    def failure(self, error: Exception) -> str:
        """Return the sentence to show when loading raised `error`."""


def model_source(model: str) -> ModelSource:
    """Return the source of a model by the model's name. No weights are loaded.

    Raises EncoderError if there is no such model, or if its texts need the package `transformers`, which is missing.
    """
    if model == TINY:
        return FolderSource(TINY, _TINY_FOLDER)
    if model.startswith(_LOCAL):
        return FolderSource.at(model.removeprefix(_LOCAL))
    if model.startswith(_HUB):
        return HubSource(model)
    return ListedSource(model)


class FolderSource:
    """A folder with an `open_clip_config.json`, weights in safetensors, and the tokenizer's files if it has its own."""

    def __init__(self, tag: str, folder: Path) -> None:
        self.tag = tag
        self.folder = folder
        if not (folder / _CONFIG_FILE).is_file() or not self._weights:
            raise EncoderError(
                f"The folder {folder} holds no OpenCLIP model: it needs {_CONFIG_FILE} and weights in safetensors."
            )
        _require_transformers(tag, self.configuration)

    @classmethod
    def at(cls, place: str) -> FolderSource:
        """Return the folder at a path, which may be relative or start with "~"; the tag holds the absolute path.

        Symbolic links stay as they are given: the folder's name is part of the fingerprint.
        """
        if not place:
            raise EncoderError(f"There is no folder after {_LOCAL!r}: write {_LOCAL}FOLDER.")
        folder = Path(os.path.abspath(os.path.expanduser(place)))  # noqa: PTH111 - a "~" without a home stays
        return cls(f"{_LOCAL}{folder}", folder)

    @property
    def _weights(self) -> list[Path]:
        return sorted(file for file in self.folder.glob("*.safetensors") if file.is_file())

    @cached_property
    def configuration(self) -> Mapping[str, Any]:
        """OpenCLIP's `model_cfg`. Raises EncoderError if the file does not describe a model."""
        return _read_configuration(self.folder / _CONFIG_FILE, "copy the folder again")

    @cached_property
    def fingerprint(self) -> str:
        """The folder's name and a digest of the configuration, the weights and the tokenizer's files."""
        digest = hashlib.sha256()
        # Without names, in this order: the fingerprints of corpora that exist were made like this.
        for file in (self.folder / _CONFIG_FILE, self.folder / _MERGES_FILE, *self._weights):
            if file.exists():
                digest.update(_sha256(file))
        if _tokenizer_of(self.configuration):
            for name in _TOKENIZER_FILES:
                if (self.folder / name).is_file():
                    digest.update(name.encode() + _sha256(self.folder / name))
        return f"open_clip:{self.folder.name}@{digest.hexdigest()[:16]}"

    def load(self, device: str) -> tuple[Any, Any]:
        """Return the model with its weights, and its preprocessing."""
        return _created(f"{_LOCAL}{self.folder}", device)

    def tokenizer(self) -> Any:
        """Return the tokenizer in the folder, or OpenCLIP's own where the folder has none."""
        open_clip = _open_clip()

        merges = self.folder / _MERGES_FILE
        options = {} if _tokenizer_of(self.configuration) or not merges.exists() else {"bpe_path": str(merges)}
        return open_clip.get_tokenizer(f"{_LOCAL}{self.folder}", **options)

    def failure(self, error: Exception) -> str:
        """Return the sentence to show when loading raised `error`."""
        return f"The model in {self.folder} cannot be loaded ({_first_line(error)}): copy the folder again."


class HubSource:
    """A repository of OpenCLIP's format on the Hugging Face hub; what is in the hub's cache is taken from there."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self._repository = tag.removeprefix(_HUB)
        try:
            _, _ = self._repository.split("/")
            cached = self._cached(_CONFIG_FILE)
        except ValueError as error:  # as the hub's library raises it for a name that no repository can have
            raise EncoderError(
                f"{tag!r} names no repository of the Hugging Face hub: write {_HUB}owner/name."
            ) from error
        if cached is not None:
            _require_transformers(tag, self.configuration)

    @cached_property
    def configuration(self) -> Mapping[str, Any]:
        """OpenCLIP's `model_cfg`, downloaded if it is not in the hub's cache. Raises EncoderError if it cannot be."""
        configuration = _read_configuration(self._file(_CONFIG_FILE), f"take another model than {self.tag}")
        _require_transformers(self.tag, configuration)
        return configuration

    @cached_property
    def fingerprint(self) -> str:
        """The repository's name and a digest of its configuration and weights, which are downloaded for it.

        A commit that changes neither, such as an edit of the model card, does not change the fingerprint.
        """
        digest = hashlib.sha256()
        for file in (self._snapshot / _CONFIG_FILE, self._weights):
            digest.update(_blob_sha256(file))
        return f"open_clip:{self.tag}@{digest.hexdigest()[:16]}"

    def load(self, device: str) -> tuple[Any, Any]:
        """Return the model with its weights, and its preprocessing."""
        # From the folder of the files that the fingerprint is of: by its name the hub may give a newer commit.
        return _created(f"{_LOCAL}{self._snapshot}", device)

    def tokenizer(self) -> Any:
        """Return the tokenizer that the configuration names, or OpenCLIP's own where it names none."""
        open_clip = _open_clip()

        # In a snapshot OpenCLIP would look for the files of a tokenizer that the hub has in another repository.
        named = _tokenizer_of(self.configuration)
        with cache_if_unreachable():
            return open_clip.get_tokenizer(self.tag if named else f"{_LOCAL}{self._snapshot}")

    def failure(self, error: Exception) -> str:
        """Return the sentence to show when loading raised `error`."""
        return f"The model {self.tag} cannot be loaded ({_first_line(error)}): take another model."

    @cached_property
    def _weights(self) -> Path:
        """The file of the weights, with the configuration of the same commit beside it."""
        _ = self.configuration  # read first: a package that is missing is named before a large download
        config = self._file(_CONFIG_FILE)
        for name in _HUB_WEIGHTS:
            if (file := config.with_name(name)).is_file():
                return file
        weights = self._downloaded(None)
        if weights.parent != config.parent:  # the configuration was in the cache since an older commit
            self._downloaded(_CONFIG_FILE)
        return weights

    @property
    def _snapshot(self) -> Path:
        return self._weights.parent

    def _file(self, name: str) -> Path:
        return self._cached(name) or self._downloaded(name)

    def _cached(self, name: str) -> Path | None:
        from huggingface_hub import try_to_load_from_cache

        file = try_to_load_from_cache(self._repository, name)
        return Path(file) if isinstance(file, str) else None

    def _downloaded(self, name: str | None) -> Path:
        """Return a file of the repository; its weights where `name` is None."""
        from open_clip.pretrained import download_pretrained_from_hf

        try:
            with cache_if_unreachable():
                return Path(download_pretrained_from_hf(self._repository, name))
        except Exception as error:  # what a hub, a proxy or a full disk raises cannot be listed
            raise EncoderError(
                f"The model {self.tag} could not be downloaded: check its name and connect to the network once."
            ) from error


class ListedSource:
    """An architecture and its weights, by a tag of `open_clip.list_pretrained()`, such as "PE-Core-B-16/meta"."""

    def __init__(self, tag: str) -> None:
        open_clip = _open_clip()

        self.tag = tag
        tags = ["/".join(pair) for pair in open_clip.list_pretrained()]
        if tag not in tags:
            close = difflib.get_close_matches(tag, tags, n=3, cutoff=0.5)
            closest = f"; the nearest are {', '.join(close)}" if close else ""
            raise EncoderError(
                f"OpenCLIP has no model {tag!r}{closest}: write architecture/pretrained, such as"
                f" ViT-B-32/laion2b_s34b_b79k, or {TINY}."
            )
        self._architecture, _, self._pretrained = tag.partition("/")
        self.configuration: Mapping[str, Any] = open_clip.get_model_config(self._architecture)
        _require_transformers(tag, self.configuration, self._architecture)
        self.quick_gelu = self._needs_quick_gelu()

    def _needs_quick_gelu(self) -> bool:
        """Whether the weights were trained with QuickGELU while the architecture says plain GELU.

        Where only the architecture says QuickGELU (roberta-ViT-B-32), it stays: the weights were trained with it.
        """
        open_clip = _open_clip()

        weights = open_clip.get_pretrained_cfg(self._architecture, self._pretrained)
        return bool(weights.get("quick_gelu", False)) and not self.configuration.get("quick_gelu", False)

    @property
    def fingerprint(self) -> str:
        """The tag; for weights trained with QuickGELU, that of OpenCLIP's architecture with it, which is the same.

        So a corpus that was made without QuickGELU is not taken for one of the right vectors.
        """
        architecture = f"{self._architecture}-quickgelu" if self.quick_gelu else self._architecture
        return f"open_clip:{architecture}/{self._pretrained}"

    def load(self, device: str) -> tuple[Any, Any]:
        """Return the model with its weights, and its preprocessing."""
        options = {"force_quick_gelu": True} if self.quick_gelu else {}
        with cache_if_unreachable():
            return _created(self._architecture, device, pretrained=self._pretrained, **options)

    def tokenizer(self) -> Any:
        """Return the tokenizer of the architecture."""
        open_clip = _open_clip()

        with cache_if_unreachable():
            return open_clip.get_tokenizer(self._architecture)

    def failure(self, error: Exception) -> str:  # noqa: ARG002 - what a download raises is a paragraph
        """Return the sentence to show when loading failed; the error itself is its cause."""
        return f"The weights of {self.tag} could not be loaded: connect to the network once, to download them."


def _open_clip() -> Any:
    with imports:
        import open_clip
    return open_clip


def _created(name: str, device: str, **options: Any) -> tuple[Any, Any]:
    open_clip = _open_clip()

    model, _, preprocess = open_clip.create_model_and_transforms(name, device=device, **options)
    return model, preprocess


def _read_configuration(file: Path, advice: str) -> Mapping[str, Any]:
    try:
        with open_regular(file) as opened:
            content = json.load(opened)
        configuration: dict[str, Any] = content["model_cfg"]
        _ = configuration["embed_dim"], configuration["vision_cfg"].get, configuration["text_cfg"].get
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EncoderError(
            failure(str(file), error) or f"{file} does not describe an OpenCLIP model: {advice}."
        ) from error
    return configuration


def _tokenizer_of(configuration: Mapping[str, Any]) -> str:
    """Return the name of the tokenizer from `transformers` that a model reads texts with; empty for OpenCLIP's own."""
    return str(configuration["text_cfg"].get("hf_tokenizer_name") or "")


def needs_transformers(configuration: Mapping[str, Any], architecture: str = "") -> bool:
    """Whether a model's text tower or tokenizer is one of the package `transformers`."""
    text = configuration["text_cfg"]
    # OpenCLIP chooses a tokenizer of `transformers` by this name where the configuration says nothing.
    return bool(text.get("hf_model_name") or text.get("hf_tokenizer_name") or "siglip" in architecture.lower())


def _require_transformers(tag: str, configuration: Mapping[str, Any], architecture: str = "") -> None:
    if needs_transformers(configuration, architecture) and importlib.util.find_spec("transformers") is None:
        raise EncoderError(
            f"The model {tag} reads texts with the package transformers, which is missing: run"
            " `pip install 'va-widgets[transformers]'`, or take a model that needs none, such as PE-Core-B-16/meta."
        )


def _sha256(file: Path) -> bytes:
    with open_regular(file) as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def _blob_sha256(file: Path) -> bytes:
    """Return the digest of a file in the hub's cache: of a large file it is the name of the blob behind its link."""
    name = file.resolve().name
    return bytes.fromhex(name) if re.fullmatch(r"[0-9a-f]{64}", name) else _sha256(file)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
