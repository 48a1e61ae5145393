"""Pre-trained encoders as artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from zenml.enums import ArtifactType

from mtl_models.networks.backbone import Backbone
from steps.materializers.folder import FolderMaterializer

__all__ = ["BackboneMaterializer"]


class BackboneMaterializer(FolderMaterializer):
    """`Backbone` to config.json and model.safetensors, and back."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Backbone,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def write(self, value: Backbone, folder: Path) -> None:
        """Configuration and weights."""
        value.save(folder)

    def read(self, folder: Path) -> Backbone:
        """The encoder as it was read."""
        return Backbone.load(folder)

    def fingerprint(self, value: Backbone) -> str:
        """Every weight and the configuration."""
        return value.fingerprint
