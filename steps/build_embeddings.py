"""build_embeddings: a vector for every word of a vocabulary."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config.text import TextOptions, Vectors
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.sources import fetch
from mtl_models.text.matrix import EmbeddingMatrix, build_matrix
from mtl_models.text.vocabulary import Vocabulary
from steps.dependencies import depends_on
from steps.materializers.text import EmbeddingMatrixMaterializer

__all__ = ["build_embeddings"]


@step(cache_policy=depends_on(__name__), output_materializers=EmbeddingMatrixMaterializer)
def build_embeddings(
    group: str,  # noqa: ARG001 (names the artifact)
    vocabulary: Vocabulary,
    corpora: list[Corpus],
    options: dict[str, TextOptions],
    vectors: Vectors,
    seed: int,
    fingerprint: str,  # noqa: ARG001 (changed vectors miss the cache)
) -> Annotated[EmbeddingMatrix, "embeddings_{group}"]:
    """Read, train or draw the vectors; words without one get a seeded normal."""
    texts = {corpus.task: corpus.texts("train") for corpus in corpora}
    file = fetch(vectors.source) if vectors.source else None
    return build_matrix(vocabulary, vectors, file, texts, options, seed)
