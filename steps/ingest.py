"""ingest_t: a task's source becomes labelled rows in three splits."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config.corpus import Corpus as CorpusSection
from mtl_models.config.experiment import Kind
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.ingest import ingest as read_corpus
from steps.dependencies import depends_on
from steps.materializers.corpus import CorpusMaterializer

__all__ = ["ingest"]


@step(cache_policy=depends_on(__name__), output_materializers=CorpusMaterializer)
def ingest(
    task: str,
    kind: Kind,
    corpus: CorpusSection,
    seed: int,
    fingerprint: str,  # noqa: ARG001 (changed bytes of the source miss the cache)
) -> Annotated[Corpus, "rows_{task}"]:
    """Fetch, read, label and split."""
    return read_corpus(task, corpus, seed, kind)
