"""build_vocabulary: the words of one group of tasks, counted on their train splits only."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config.text import TextOptions
from mtl_models.config.text import Vocabulary as VocabularySection
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.sources import fetch
from mtl_models.text.vectors.formats import first_words
from mtl_models.text.vocabulary import Vocabulary
from mtl_models.text.vocabulary import build_vocabulary as count_words
from steps.dependencies import depends_on
from steps.materializers.text import VocabularyMaterializer

__all__ = ["build_vocabulary"]


@step(cache_policy=depends_on(__name__), output_materializers=VocabularyMaterializer)
def build_vocabulary(
    group: str,  # noqa: ARG001 (names the artifact)
    corpora: list[Corpus],
    options: dict[str, TextOptions],
    section: VocabularySection,
    fingerprint: str,  # noqa: ARG001 (changed vectors, where words are read from them, miss the cache)
) -> Annotated[Vocabulary, "vocabulary_{group}"]:
    """One vocabulary over the train texts of all `corpora`, and the first words of the vectors' file where those are asked for."""
    texts = {corpus.task: corpus.texts("train") for corpus in corpora}
    source = section.vectors.source
    extra = first_words(fetch(source), section.extra_words, section.vectors.format) if source is not None and section.extra_words else ()
    return count_words(texts, options, section, extra)
