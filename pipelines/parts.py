"""The stretches that pipelines have in common: corpora, words, and judging what was trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mtl_models.config import Experiment
from mtl_models.config.experiment import SHARED
from mtl_models.config.network import backbone_of, vocabularies_of
from mtl_models.config.text import Vectors
from steps.build_embeddings import build_embeddings
from steps.build_vocabulary import build_vocabulary
from steps.compare import compare
from steps.evaluate import evaluate
from steps.ingest import ingest
from steps.load_backbone import load_backbone
from steps.register import register
from steps.report import report
from steps.separate import separate
from steps.train_reference import train_pooled_reference, train_reference
from steps.train_single import train_single
from steps.validate import validate

__all__ = ["Artifacts", "build_words", "gather_corpora", "judge"]

Artifacts = dict[str, Any]
"""Name -> the output of a step that will be there when the pipeline runs."""


def gather_corpora(experiment: Experiment, fingerprints: dict[str, str]) -> tuple[Artifacts, Artifacts]:
    """Task -> its corpus, read, validated and separated from the others'; task -> the report of its validation."""
    rows, checked = {}, {}
    for name, task in experiment.tasks.items():
        of_task = {"task": name}
        rows[name] = ingest.with_options(substitutions=of_task)(
            name, task.kind, task.corpus, experiment.seed, fingerprints[f"corpus:{name}"], id=f"ingest_{name}"
        )
        checked[name], _ = validate.with_options(substitutions=of_task)(
            name, rows[name], task.validation, fingerprints.get(f"suite:{name}", ""), id=f"validate_{name}"
        )
    corpora = {
        name: separate.with_options(substitutions={"task": name})(name, [*rows.values()], [*checked.values()], id=f"separate_{name}")
        for name in experiment.tasks
    }
    return corpora, checked


def build_words(experiment: Experiment, fingerprints: dict[str, str], corpora: Artifacts) -> tuple[Artifacts, Artifacts]:
    """Group -> its vocabulary; group -> its word vectors. With a backbone both come from there."""
    vocabularies, matrices = {}, {}
    backbone = backbone_of(experiment.network)
    if backbone is not None:
        vocabularies[SHARED], matrices[SHARED] = load_backbone(backbone, fingerprints["backbone"])
    for group, section in experiment.word_vocabularies.items():
        of_group = {"group": group}
        members = experiment.readers_of(group)
        texts, options = [corpora[name] for name in members], {name: experiment.tasks[name].text for name in members}
        vocabularies[group] = build_vocabulary.with_options(substitutions=of_group)(
            group,
            texts,
            options,
            section if section.extra_words else section.model_copy(update={"vectors": Vectors()}),  # other vectors are no other words
            fingerprints.get(f"vectors:{group}", "") if section.extra_words else "",
            id=f"build_vocabulary_{group}",
        )
        matrices[group] = build_embeddings.with_options(substitutions=of_group)(
            group,
            vocabularies[group],
            texts,
            options,
            section.vectors,
            experiment.seed,
            fingerprints.get(f"vectors:{group}", ""),
            id=f"build_embeddings_{group}",
        )
    return vocabularies, matrices


def judge(
    experiment: Experiment,
    trained: tuple[Any, Any],
    corpora: Artifacts,
    checked: Artifacts,
    words: tuple[Artifacts, Artifacts],
    preservation: Any = None,
    regression: Sequence[Any] = (),
) -> Any:
    """Twins and references beside the trained model and its history; evaluate, compare, register, report. Gives the registration.

    `regression`, corpora of old, are further rows on which the model meets the champion.
    """
    (model, history), (vocabularies, matrices) = trained, words
    everything = [*corpora.values()]
    twins, histories, references = {}, {}, {}
    alone = len(experiment.tasks) == 1 and preservation is None  # trained from its start on its one task, a model is its own twin
    for name, task in experiment.tasks.items():
        of_task = {"task": name}
        if alone:
            twins[name], histories[name] = model, history
        else:
            groups = vocabularies_of(experiment.network, [task])
            twins[name], histories[name] = train_single.with_options(substitutions=of_task)(
                name,
                corpora[name],
                [vocabularies[group] for group in groups],
                [matrices[group] for group in groups],
                groups,
                task.settings,
                experiment.network,
                experiment.training,
                experiment.seed,
                id=f"train_single_{name}",
            )
        references[name] = train_reference.with_options(substitutions=of_task)(
            name, corpora[name], experiment.reference, experiment.seed, id=f"train_reference_{name}"
        )
    pooled = train_pooled_reference(everything, experiment.reference, experiment.seed)
    predictions = evaluate(model, [*twins.values()], [*references.values(), pooled], everything)
    comparison = compare(predictions, experiment.evaluation, experiment.seed)
    of_twins = [*histories.values()]
    registration = register(experiment, model, predictions, comparison, everything, history, of_twins, [*regression], preservation)
    lists = [*checked.values()], history, of_twins, [*matrices.values()]
    report(experiment, model, registration, comparison, everything, *lists, preservation)
    return registration
