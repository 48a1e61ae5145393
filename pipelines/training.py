"""The training pipeline: a plain loop over the configured tasks, the same graph on every orchestrator."""

from __future__ import annotations

from zenml import pipeline

from mtl_models.config import Experiment
from steps.build_embeddings import build_embeddings
from steps.build_vocabulary import build_vocabulary
from steps.compare import compare
from steps.evaluate import evaluate
from steps.hooks import say_done
from steps.ingest import ingest
from steps.register import register
from steps.report import report
from steps.separate import separate
from steps.train_joint import train_joint
from steps.train_reference import train_pooled_reference, train_reference
from steps.train_single import train_single
from steps.validate import validate

__all__ = ["training"]


@pipeline(on_success=say_done)
def training(experiment: Experiment, fingerprints: dict[str, str]) -> None:
    """Ingest, validate, separate; vocabularies and vectors; joint model, twins, references; evaluate, compare, register, report.

    `fingerprints` of every source, by `corpus:TASK`, `suite:TASK` and `vectors:GROUP`: changed bytes miss the cache.
    """
    seed, tasks = experiment.seed, experiment.tasks

    rows, checked = {}, {}
    for name, task in tasks.items():
        of_task = {"task": name}
        rows[name] = ingest.with_options(substitutions=of_task)(
            name, task.kind, task.corpus, seed, fingerprints[f"corpus:{name}"], id=f"ingest_{name}"
        )
        checked[name], _ = validate.with_options(substitutions=of_task)(
            name, rows[name], task.validation, fingerprints.get(f"suite:{name}", ""), id=f"validate_{name}"
        )
    corpora = {
        name: separate.with_options(substitutions={"task": name})(name, [*rows.values()], [*checked.values()], id=f"separate_{name}")
        for name in tasks
    }

    vocabularies, matrices = {}, {}
    for group, section in experiment.vocabularies.items():
        of_group = {"group": group}
        members = [name for name, task in tasks.items() if task.vocabulary == group]
        texts, options = [corpora[name] for name in members], {name: tasks[name].text for name in members}
        vocabularies[group] = build_vocabulary.with_options(substitutions=of_group)(
            group, texts, options, section.min_count, section.max_size, id=f"build_vocabulary_{group}"
        )
        matrices[group] = build_embeddings.with_options(substitutions=of_group)(
            group,
            vocabularies[group],
            texts,
            options,
            section.vectors,
            seed,
            fingerprints.get(f"vectors:{group}", ""),
            id=f"build_embeddings_{group}",
        )

    settings = {name: task.settings for name, task in tasks.items()}
    budget = (experiment.network, experiment.training, seed)
    everything = [*corpora.values()]
    joint, joint_history = train_joint(everything, [*vocabularies.values()], [*matrices.values()], [*vocabularies], settings, *budget)
    twins, histories, references = {}, {}, {}
    for name, task in tasks.items():
        of_task = {"task": name}
        twins[name], histories[name] = train_single.with_options(substitutions=of_task)(
            name,
            corpora[name],
            vocabularies[task.vocabulary],
            matrices[task.vocabulary],
            settings[name],
            *budget,
            id=f"train_single_{name}",
        )
        references[name] = train_reference.with_options(substitutions=of_task)(
            name, corpora[name], experiment.reference, seed, id=f"train_reference_{name}"
        )
    pooled = train_pooled_reference(everything, experiment.reference, seed)

    predictions = evaluate(joint, [*twins.values()], [*references.values(), pooled], everything)
    comparison = compare(predictions, experiment.evaluation, seed)
    of_twins = [*histories.values()]
    registration = register(experiment, joint, predictions, comparison, everything, joint_history, of_twins)
    report(experiment, registration, comparison, everything, [*checked.values()], joint_history, of_twins, [*matrices.values()])
