"""The answers of a batch as an artifact: the Parquet file itself."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, ClassVar

import pyarrow.parquet as pq

from mtl_models.files import sha256_of
from mtl_models.inference.batch import Answers
from steps.materializers.folder import FolderMaterializer

__all__ = ["AnswersMaterializer"]

_FILE = "answers.parquet"


class AnswersMaterializer(FolderMaterializer):
    """`Answers` to a Parquet file and back."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Answers,)

    def write(self, value: Answers, folder: Path) -> None:
        """The file itself, which was only waiting for this: of a large table there are not two."""
        folder.mkdir()
        shutil.move(value.path, folder / _FILE)

    def read(self, folder: Path) -> Answers:
        """The file where it lies."""
        path = folder / _FILE
        return Answers(path, pq.read_metadata(path).num_rows, sha256_of(path))

    def fingerprint(self, value: Answers) -> str:
        """Of the file's bytes."""
        return value.sha256

    def extract_metadata(self, data: Answers) -> dict[str, Any]:
        """Its rows, for the dashboard."""
        return {"rows": data.rows, "sha256": data.sha256}
