"""keep_regression_t: rows of a task that the champion did not learn from and that its successor will not learn from either."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from zenml import step

from mtl_models.config.corpus import Corpus as CorpusSection
from mtl_models.config.corpus import Splits
from mtl_models.config.experiment import Kind
from mtl_models.config.retraining import Retraining
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.fresh import hold_apart, keep_test_rows, learned_keys
from mtl_models.corpora.ingest import ingest
from steps.dependencies import depends_on
from steps.materializers.corpus import CorpusMaterializer
from steps.origins import all_origins, origins
from steps.tracking.versions import resolve

__all__ = ["keep_regression"]

_ALL = 2**31


@step(cache_policy=depends_on(__name__), output_materializers=CorpusMaterializer)
def keep_regression(
    task: str,
    kind: Kind,
    corpus: CorpusSection,
    section: Retraining,
    champion: str,
    base: str,  # noqa: ARG001 (its fingerprint: another model at that address misses the cache)
    seed: int,
    fingerprint: str,  # noqa: ARG001 (changed bytes of a configured file miss the cache)
) -> Annotated[Corpus, "regression_{task}"]:
    """Test rows only: of the configured source, read as the task's corpus is, or else of the test split that the champion was judged on."""
    version = resolve(champion)
    source = section.regression.get(task)
    if source is None:
        return keep_test_rows(origins(version)[task].corpus(), section.regression_rows, seed)
    as_test = corpus.model_copy(update={"splits": Splits(sources={"test": source}, by="text"), "rows": None})
    learned = learned_keys(origin.corpus() for origin in all_origins(version))
    found = hold_apart(ingest(task, as_test, seed, kind), learned, np.empty(0, dtype=np.uint64), 1)
    return keep_test_rows(found, _ALL, seed)
