"""probe: what linear probes read from every level of a model."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config import Experiment
from mtl_models.evaluation.probing.probe import probe as probe_model
from mtl_models.evaluation.probing.report import ProbingReport
from mtl_models.networks.model import Model
from steps.dependencies import depends_on

__all__ = ["probe"]


@step(cache_policy=depends_on(__name__))
def probe(
    model: Model,
    experiment: Experiment,
    fingerprints: dict[str, str],  # noqa: ARG001 (changed bytes of the sources miss the cache)
    rows: int,
    seed: int,
) -> Annotated[ProbingReport, "probing"]:
    """Sentences, tasks made of them by rule, states, probes."""
    return probe_model(model, experiment, rows, seed)
