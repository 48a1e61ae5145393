"""Model folders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mtl_models.networks.folder import save_model
from mtl_models.networks.model import Model


def saved(models: Iterable[Model], parent: Path) -> list[Path]:
    """The folder in `parent` of every model."""
    folders = []
    for number, model in enumerate(models):
        save_model(model, parent / f"model-{number}")
        folders.append(parent / f"model-{number}")
    return folders
