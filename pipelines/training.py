"""The training pipeline: a plain loop over the configured tasks, the same graph on every orchestrator."""

from __future__ import annotations

from zenml import pipeline

from mtl_models.config import Experiment
from mtl_models.config.text import TextOptions
from steps.build_embeddings import build_embeddings
from steps.build_vocabulary import build_vocabulary
from steps.compare import compare
from steps.evaluate import evaluate
from steps.ingest import ingest
from steps.register import register
from steps.report import report
from steps.separate import separate
from steps.train_joint import train_joint
from steps.train_reference import train_pooled_reference, train_reference
from steps.train_single import train_single
from steps.validate import validate

__all__ = ["training"]


@pipeline
def training(experiment: Experiment, fingerprints: dict[str, str]) -> None:
    """Ingest, validate, separate; vocabularies and vectors; joint model, twins, references; evaluate, compare, register, report.

    `fingerprints` of every source, by `corpus:TASK`, `suite:TASK` and `vectors:GROUP`: changed bytes miss the cache.
    """
    seed, tasks = experiment.seed, experiment.tasks

    rows, validations = [], []
    for name, task in tasks.items():
        of_task = {"substitutions": {"task": name}}
        found = ingest.with_options(**of_task)(name, task.corpus, seed, fingerprints[f"corpus:{name}"], id=f"ingest_{name}")
        checked, _ = validate.with_options(**of_task)(
            name, found, task.validation, fingerprints.get(f"suite:{name}"), id=f"validate_{name}"
        )
        rows.append(found)
        validations.append(checked)
    corpora = {name: separate.with_options(substitutions={"task": name})(name, rows, validations, id=f"separate_{name}") for name in tasks}

    vocabularies, matrices = {}, {}
    for group, section in experiment.vocabularies.items():
        of_group = {"substitutions": {"group": group}}
        members = [corpora[name] for name, task in tasks.items() if task.vocabulary == group]
        options: dict[str, TextOptions] = {name: task.text for name, task in tasks.items() if task.vocabulary == group}
        vocabularies[group] = build_vocabulary.with_options(**of_group)(
            group, members, options, section.min_count, section.max_size, id=f"build_vocabulary_{group}"
        )
        matrices[group] = build_embeddings.with_options(**of_group)(
            group,
            vocabularies[group],
            members,
            options,
            section.vectors,
            seed,
            fingerprints.get(f"vectors:{group}"),
            id=f"build_embeddings_{group}",
        )
