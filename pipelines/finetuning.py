"""The fine-tuning pipeline: new tasks on a trained model, judged as every model is."""

from __future__ import annotations

from zenml import pipeline

from mtl_models.config import Experiment
from pipelines.parts import build_words, gather_corpora, judge
from steps.finetune_model import finetune_model
from steps.hooks import say_done
from steps.load_base import load_base

__all__ = ["finetuning"]


@pipeline(on_success=say_done)
def finetuning(experiment: Experiment, fingerprints: dict[str, str], base: str) -> None:
    """As `training`, but for the joint model, which is the model at `base` with the experiment's tasks trained on top of it.

    `fingerprints` also holds `base`, that of the model. Twins are trained from nothing, with the experiment's own network.
    """
    corpora, checked = gather_corpora(experiment, fingerprints)
    vocabularies, matrices = build_words(experiment, fingerprints, corpora)
    model, history, preservation = finetune_model(
        load_base(base, fingerprints["base"]),
        [*corpora.values()],
        [*vocabularies.values()],
        [*matrices.values()],
        [*vocabularies],
        {name: task.settings for name, task in experiment.tasks.items()},
        experiment.finetune,
        experiment.training,
        experiment.seed,
    )
    judge(experiment, (model, history), corpora, checked, (vocabularies, matrices), preservation)
