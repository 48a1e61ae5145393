"""ingest_t: a task's source becomes labelled rows in three splits."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config.corpus import Corpus as CorpusSection
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.ingest import ingest as read_corpus
from steps.dependencies import depends_on
from steps.materializers.corpus import CorpusMaterializer

__all__ = ["ingest"]


@step(cache_policy=depends_on(__name__), output_materializers=CorpusMaterializer)
def ingest(task: str, corpus: CorpusSection, seed: int, fingerprint: str) -> Annotated[Corpus, "rows_{task}"]:  # noqa: ARG001
    """Fetch, read, label and split. `fingerprint` of the source is a parameter so that changed bytes miss the cache."""
    return read_corpus(task, corpus, seed)
