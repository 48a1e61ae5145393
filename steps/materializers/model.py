"""A model as an artifact: the model folder of DESIGN, safetensors and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from zenml.enums import ArtifactType

from mtl_models.networks.folder import load_model, model_fingerprint, save_model
from mtl_models.networks.model import Model
from steps.materializers.folder import FolderMaterializer

__all__ = ["ModelMaterializer"]


class ModelMaterializer(FolderMaterializer):
    """`Model` to model folder and back."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Model,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def write(self, value: Model, folder: Path) -> None:
        """Weights, tokenizers and config, read back and compared before they count."""
        save_model(value, folder)

    def read(self, folder: Path) -> Model:
        """The model on the CPU, in evaluation mode."""
        return load_model(folder)

    def fingerprint(self, value: Model) -> str:
        """Of the weights, tokenizers and tasks."""
        return model_fingerprint(value)
