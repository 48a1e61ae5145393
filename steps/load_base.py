"""load_base: the trained model that takes on new tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from zenml import step

from mtl_models.networks.folder import load_model
from mtl_models.networks.model import Model
from steps.dependencies import depends_on
from steps.materializers.model import ModelMaterializer
from steps.tracking.registry import download

__all__ = ["load_base"]


@step(cache_policy=depends_on(__name__), output_materializers=ModelMaterializer)
def load_base(source: str, fingerprint: str) -> Annotated[Model, "base_model"]:  # noqa: ARG001 (another model misses the cache)
    """The model at `source`: an address in the registry (models:/NAME@ALIAS, models:/NAME/VERSION) or a model folder."""
    return load_model(download(source) if source.startswith("models:") else Path(source))
