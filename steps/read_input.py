"""read_input: the texts to answer, from their file."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config.sources import FileSource
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.sources import fetch
from mtl_models.inference.batch import read_input as read
from steps.dependencies import depends_on
from steps.materializers.corpus import CorpusMaterializer

__all__ = ["read_input"]


@step(cache_policy=depends_on(__name__), output_materializers=CorpusMaterializer)
def read_input(
    path: str,
    column: str,
    fingerprint: str,  # noqa: ARG001 (changed bytes miss the cache)
) -> Annotated[Corpus, "input"]:
    """The texts of a file or URL, without labels."""
    return read(fetch(FileSource(path=path)), column, path)
