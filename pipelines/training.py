"""The training pipeline: a plain loop over the configured tasks, the same graph on every orchestrator."""

from __future__ import annotations

from zenml import pipeline

from mtl_models.config import Experiment
from pipelines.parts import build_words, gather_corpora, judge
from steps.hooks import say_done
from steps.train_joint import train_joint

__all__ = ["training"]


@pipeline(on_success=say_done)
def training(experiment: Experiment, fingerprints: dict[str, str]) -> None:
    """Ingest, validate, separate; vocabularies and vectors; joint model, twins, references; evaluate, compare, register, report.

    `fingerprints` of every source, by `corpus:TASK`, `suite:TASK`, `vectors:GROUP` and `backbone`: changed bytes miss the cache.
    """
    corpora, checked = gather_corpora(experiment, fingerprints)
    vocabularies, matrices = build_words(experiment, fingerprints, corpora)
    joint, history = train_joint(
        [*corpora.values()],
        [*vocabularies.values()],
        [*matrices.values()],
        [*vocabularies],
        {name: task.settings for name, task in experiment.tasks.items()},
        experiment.network,
        experiment.training,
        experiment.seed,
    )
    judge(experiment, (joint, history), corpora, checked, (vocabularies, matrices))
