"""`polytask check`: everything that can be wrong is found before anything runs, and the plan is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from mtl_models.config import Experiment, load_experiment
from mtl_models.errors import PolytaskError
from mtl_models.progress import say
from pipelines.environment import prepare

if TYPE_CHECKING:
    from mtl_models.corpora.corpus import Corpus

__all__ = ["check_experiment"]


def check_experiment(config: Path, overrides: Sequence[str]) -> None:
    """Read, validate and separate every corpus, build vocabularies and vectors, count parameters; print the plan.

    Corpora are all looked at before the first fault is told, so that one run shows what is wrong with each of them.
    """
    experiment = load_experiment(config, overrides)
    prepare()
    from mtl_models.corpora.leaks import separate
    from pipelines.fingerprints import source_fingerprints

    source_fingerprints(experiment)
    rows: list[Corpus] = []
    faults: list[str] = []
    warnings: list[str] = []
    for name in experiment.tasks:
        say(f"  reading and validating {name}")
        try:
            corpus, found = _read(experiment, name)
            rows.append(corpus)
            warnings += found
        except PolytaskError as error:
            faults.append(str(error))
    if faults:
        raise PolytaskError("\n".join(faults))
    corpora = {corpus.task: separate(rows, corpus.task) for corpus in rows}
    _print_corpora(corpora)
    _print_network(experiment, corpora)
    warnings += _print_plan(experiment, corpora)
    for warning in warnings:
        typer.secho(f"warning: {warning}", fg="yellow")
    typer.secho(f"{config}: nothing wrong found. Next: polytask run {config}", fg="green")


def _read(experiment: Experiment, name: str) -> tuple[Corpus, list[str]]:
    """The task's corpus and the warnings about it."""
    from mtl_models.corpora.ingest import ingest
    from mtl_models.corpora.validation.validate import raise_if_critical, validate

    task = experiment.tasks[name]
    corpus = ingest(name, task.corpus, experiment.seed)
    report = validate(corpus, task.validation)
    raise_if_critical(report)
    return corpus, [f"task '{name}': {line}" for line in report.warnings]


def _print_corpora(corpora: Mapping[str, Corpus]) -> None:
    table = Table(
        "task", "classes", "train", "dev", "test", "dropped", "leaks taken out", header_style="bold", title="corpora", title_justify="left"
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for name, corpus in corpora.items():
        counts = (f"{len(corpus.splits[split]):,}" for split in ("train", "dev", "test"))
        lost = f"{sum(corpus.report.dropped.values()):,}", f"{sum(corpus.report.leaks.values()):,}"
        table.add_row(name, ", ".join(corpus.labels), *counts, *lost)
    Console().print(table)


def _print_network(experiment: Experiment, corpora: Mapping[str, Corpus]) -> None:
    """Vocabulary, coverage by vectors and numbers to train, for the joint network as it will be built."""
    import torch

    from mtl_models.corpora.sources import fetch
    from mtl_models.networks.build import build_network
    from mtl_models.tasks.task import Task
    from mtl_models.text.matrix import build_matrix
    from mtl_models.text.vocabulary import build_vocabulary

    table = Table(
        "vocabulary", "words", "vectors", "coverage of the words in running text", header_style="bold", title="words", title_justify="left"
    )
    weights = {}
    for group, section in experiment.vocabularies.items():
        members = [name for name, task in experiment.tasks.items() if task.vocabulary == group]
        texts = {name: corpora[name].splits["train"]["text"] for name in members}
        options = {name: experiment.tasks[name].text for name in members}
        vocabulary = build_vocabulary(texts, options, section)
        file = fetch(section.vectors.source) if section.vectors.source else None
        matrix = build_matrix(vocabulary, section.vectors, file, texts, options, experiment.seed)
        weights[group] = torch.from_numpy(matrix.values)
        covered = ", ".join(f"{name} {found.tokens:.1%}" for name, found in matrix.coverage.items())
        table.add_row(group, f"{vocabulary.size:,}", f"{matrix.values.shape[1]} numbers a word", covered)
    Console().print(table)
    tasks = [Task.of(name, task.settings, corpora[name].labels) for name, task in experiment.tasks.items()]
    network = build_network(experiment.network, tasks, weights)
    trained = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    total = sum(parameter.numel() for parameter in network.parameters())
    typer.echo(f"network: {experiment.network.name}, {total:,} parameters, {trained:,} of them trained")


def _print_plan(experiment: Experiment, corpora: Mapping[str, Corpus]) -> list[str]:
    """The sampling plan; its warnings are the answer."""
    from mtl_models.training.plan import sampling_plan

    plan = sampling_plan({name: len(corpus.splits["train"]) for name, corpus in corpora.items()}, experiment.training)
    table = Table("task", "rows", "updates", "passes", "share of updates", header_style="bold", title_justify="left")
    table.title = f"sampling plan: {plan.epochs} epochs, {plan.updates:,} updates of {plan.batch_size} rows at most"
    for column in table.columns[1:]:
        column.justify = "right"
    for name, task in plan.tasks.items():
        table.add_row(name, f"{task.rows:,}", f"{task.updates:,.0f}", f"{task.passes:.1f}", f"{task.share:.1%}")
    Console().print(table)
    return plan.warnings
