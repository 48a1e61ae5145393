"""Vocabularies and embedding matrices as artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from mtl_models.text.matrix import EmbeddingMatrix
from mtl_models.text.subwords import Subwords, load_vocabulary
from mtl_models.text.vocabulary import Vocabulary
from steps.materializers.folder import FolderMaterializer

__all__ = ["EmbeddingMatrixMaterializer", "VocabularyMaterializer"]


class VocabularyMaterializer(FolderMaterializer):
    """`Vocabulary` to tokenizer.json and back."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Vocabulary, Subwords)

    def write(self, value: Vocabulary, folder: Path) -> None:
        """One file, tokenizer.json."""
        folder.mkdir()
        value.save(folder / "tokenizer.json")

    def read(self, folder: Path) -> Vocabulary:
        """The vocabulary as it was built."""
        return load_vocabulary(folder / "tokenizer.json")

    def fingerprint(self, value: Vocabulary) -> str:
        """Words, ids and rules."""
        return value.fingerprint

    def extract_metadata(self, data: Vocabulary) -> dict[str, Any]:
        """Its size, for the dashboard."""
        return {"size": data.size}


class EmbeddingMatrixMaterializer(FolderMaterializer):
    """`EmbeddingMatrix` to safetensors and JSON, and back."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (EmbeddingMatrix,)

    def write(self, value: EmbeddingMatrix, folder: Path) -> None:
        """The numbers and their account."""
        value.save(folder)

    def read(self, folder: Path) -> EmbeddingMatrix:
        """The matrix as it was built."""
        return EmbeddingMatrix.load(folder)

    def fingerprint(self, value: EmbeddingMatrix) -> str:
        """Every number and the account."""
        return value.fingerprint
