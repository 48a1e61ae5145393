"""hold_apart_t: the champion and its successor meet on rows that neither has learned from."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.fresh import held_keys, learned_keys
from mtl_models.corpora.fresh import hold_apart as without_known_rows
from steps.dependencies import depends_on
from steps.materializers.corpus import CorpusMaterializer
from steps.origins import all_origins
from steps.tracking.versions import resolve

__all__ = ["hold_apart"]


@step(cache_policy=depends_on(__name__), output_materializers=CorpusMaterializer)
def hold_apart(
    task: str,  # noqa: ARG001 (part of the artifact's name)
    corpus: Corpus,
    regression: list[Corpus],
    champion: str,
    base: str,  # noqa: ARG001 (its fingerprint: another model at that address misses the cache)
    least: int,
) -> Annotated[Corpus, "corpus_{task}"]:
    """The corpus without test rows that `champion` learned from, for whatever task, and without train and dev rows of `regression`."""
    learned = learned_keys(origin.corpus() for origin in all_origins(resolve(champion)))
    return without_known_rows(corpus, learned, held_keys(regression), least)
