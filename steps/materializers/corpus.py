"""A corpus as an artifact: one parquet file per split and the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from mtl_models.corpora.corpus import SPLITS, Corpus
from mtl_models.home import home_folder
from steps.materializers.folder import FolderMaterializer

__all__ = ["CorpusMaterializer"]


class CorpusMaterializer(FolderMaterializer):
    """`Corpus` to parquet and back."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Corpus,)

    def write(self, value: Corpus, folder: Path) -> None:
        """One parquet file per split, `corpus.json` beside them."""
        value.save(folder)

    def read(self, folder: Path) -> Corpus:
        """The corpus, memory-mapped."""
        return Corpus.load(folder, home_folder("cache", "corpora"))

    def fingerprint(self, value: Corpus) -> str:
        """Rows and account: a note that changes in the account reaches the report."""
        return f"{value.fingerprint}:{value.report.model_dump_json()}"

    def extract_metadata(self, data: Corpus) -> dict[str, Any]:
        """Counts and classes, for the dashboard."""
        rows: dict[str, Any] = {f"{split}_rows": len(data.splits[split]) for split in SPLITS}
        return rows | {"labels": list(data.labels), "fingerprint": data.fingerprint}
