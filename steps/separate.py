"""separate_t: no text that one task holds out stands in the training rows of another."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.leaks import separate as without_leaks
from mtl_models.corpora.validation.validate import ValidationReport
from steps.dependencies import depends_on
from steps.materializers.corpus import CorpusMaterializer

__all__ = ["separate"]


@step(cache_policy=depends_on(__name__), output_materializers=CorpusMaterializer)
def separate(
    task: str,
    corpora: list[Corpus],
    validations: list[ValidationReport],  # noqa: ARG001 (all must have passed)
) -> Annotated[Corpus, "corpus_{task}"]:
    """The task's corpus without the rows that leak; how many, and from where, stands in its report."""
    return without_leaks(corpora, task)
