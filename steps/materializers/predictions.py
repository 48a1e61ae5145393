"""Predictions as artifacts: parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from mtl_models.evaluation.prediction_set import PredictionSet
from steps.materializers.folder import FolderMaterializer

__all__ = ["PredictionSetMaterializer"]


class PredictionSetMaterializer(FolderMaterializer):
    """`PredictionSet` to parquet files and back."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (PredictionSet,)

    def write(self, value: PredictionSet, folder: Path) -> None:
        """One parquet file per candidate and task."""
        value.save(folder)

    def read(self, folder: Path) -> PredictionSet:
        """Every probability, bit for bit."""
        return PredictionSet.load(folder)

    def fingerprint(self, value: PredictionSet) -> str:
        """Of every probability."""
        return value.fingerprint
