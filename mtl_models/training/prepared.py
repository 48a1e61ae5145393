"""Everything an experiment needs before training, made in one process: what the pipeline's first steps do one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mtl_models.config.experiment import SHARED, Experiment
from mtl_models.config.network import backbone_of
from mtl_models.corpora.backbones import fetch_backbone
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.ingest import ingest
from mtl_models.corpora.leaks import separate
from mtl_models.corpora.sources import fetch
from mtl_models.corpora.validation.report import ValidationReport
from mtl_models.corpora.validation.validate import raise_if_critical, validate
from mtl_models.errors import PolytaskError
from mtl_models.networks.backbone import Pretrained, read_backbone, read_tokenizer
from mtl_models.progress import say
from mtl_models.tasks.task import Task
from mtl_models.text.matrix import build_matrix
from mtl_models.text.vectors.formats import first_words
from mtl_models.text.vocabulary import Vocabulary, build_vocabulary

__all__ = ["Prepared", "prepare_experiment"]


@dataclass(frozen=True)
class Prepared:
    """Corpora and reports by task, vocabularies and matrices by group, and the tasks as values."""

    corpora: Mapping[str, Corpus]
    validations: Mapping[str, ValidationReport]
    vocabularies: Mapping[str, Vocabulary]
    matrices: Mapping[str, Pretrained]
    tasks: tuple[Task, ...]


def prepare_experiment(experiment: Experiment) -> Prepared:
    """Ingest, validate and separate every corpus, build vocabularies and vectors.

    Every corpus is looked at before the first fault is told: the `PolytaskError` says what is wrong with each of them.
    """
    rows: dict[str, Corpus] = {}
    validations: dict[str, ValidationReport] = {}
    faults: list[str] = []
    for name, task in experiment.tasks.items():
        say(f"  reading and validating {name}")
        try:
            rows[name] = ingest(name, task.corpus, experiment.seed, task.kind)
            validations[name] = validate(rows[name], task.validation)
            raise_if_critical(validations[name])
        except PolytaskError as error:
            faults.append(str(error))
    if faults:
        raise PolytaskError("\n".join(dict.fromkeys(faults)))  # a source that several tasks read is told of once
    corpora = {name: separate([*rows.values()], name) for name in rows}
    vocabularies: dict[str, Vocabulary] = {}
    matrices: dict[str, Pretrained] = {}
    backbone = backbone_of(experiment.network)
    if backbone is not None:
        folder = fetch_backbone(backbone)
        vocabularies[SHARED], matrices[SHARED] = read_tokenizer(folder), read_backbone(folder)
    for group, section in experiment.word_vocabularies.items():
        members = experiment.readers_of(group)
        texts = {name: corpora[name].texts("train") for name in members}
        options = {name: experiment.tasks[name].text for name in members}
        file = fetch(section.vectors.source) if section.vectors.source else None
        extra = first_words(file, section.extra_words, section.vectors.format) if file is not None and section.extra_words else ()
        vocabularies[group] = build_vocabulary(texts, options, section, extra)
        matrices[group] = build_matrix(vocabularies[group], section.vectors, file, texts, options, experiment.seed)
    tasks = tuple(Task.of(task.settings, corpora[name]) for name, task in experiment.tasks.items())
    return Prepared(corpora, validations, vocabularies, matrices, tasks)
