"""`polytask check`: everything that can be wrong is found before anything runs, and the plan is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from mtl_models.config import Experiment, load_experiment
from pipelines.environment import prepare

if TYPE_CHECKING:
    from mtl_models.corpora.corpus import Corpus
    from mtl_models.training.prepared import Prepared

__all__ = ["check_experiment"]


def check_experiment(config: Path, overrides: Sequence[str]) -> None:
    """Read, validate and separate every corpus, build vocabularies and vectors, count parameters; print the plan.

    Corpora are all looked at before the first fault is told, so that one run shows what is wrong with each of them.
    """
    experiment = load_experiment(config, overrides)
    prepare()
    from mtl_models.training.prepared import prepare_experiment
    from pipelines.fingerprints import pinned, source_fingerprints

    experiment = pinned(experiment)
    source_fingerprints(experiment)
    prepared = prepare_experiment(experiment)
    warnings = [f"task '{name}': {line}" for name, report in prepared.validations.items() for line in report.warnings]
    _print_corpora(prepared.corpora)
    _print_network(experiment, prepared)
    warnings += _print_plan(experiment, prepared)
    for warning in warnings:
        typer.secho(f"warning: {warning}", fg="yellow")
    typer.secho(f"{config}: nothing wrong found. Next: polytask run {config}", fg="green")


def _print_corpora(corpora: Mapping[str, Corpus]) -> None:
    table = Table(
        "task", "classes", "train", "dev", "test", "dropped", "leaks taken out", header_style="bold", title="corpora", title_justify="left"
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for name, corpus in corpora.items():
        counts = (f"{len(corpus.splits[split]):,}" for split in ("train", "dev", "test"))
        lost = f"{sum(corpus.report.dropped.values()):,}", f"{sum(corpus.report.leaks.values()):,}"
        table.add_row(name, _classes(corpus), *counts, *lost)
    Console().print(table)
    for name, corpus in corpora.items():
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in corpus.report.dropped.items() if count)
        if reasons:
            typer.echo(f"dropped from {name}: {reasons}")


def _classes(corpus: Corpus) -> str:
    """The labels; of a rating, its column."""
    return f"numbers of '{corpus.labels[0]}'" if corpus.kind == "rating" else ", ".join(corpus.labels)


def _print_network(experiment: Experiment, prepared: Prepared) -> None:
    """Vocabulary, coverage by vectors and numbers to train, for the joint network as it will be built."""
    from mtl_models.networks.backbone import starting_weights
    from mtl_models.networks.build import build_network
    from mtl_models.reports.content import Words
    from mtl_models.training.freezing import moving_sizes

    table = Table(
        "vocabulary", "words", "vectors", "coverage of the words in running text", header_style="bold", title="words", title_justify="left"
    )
    for group, found in prepared.matrices.items():
        words = Words.of(found)
        covered = ", ".join(f"{name} {part.tokens:.1%}" for name, part in words.coverage.items()) or words.origin
        table.add_row(group, f"{words.size:,}", f"{words.dimension} numbers a word", covered)
    Console().print(table)
    weights = starting_weights(prepared.matrices)
    network = build_network(experiment.network, prepared.tasks, weights)
    sizes = moving_sizes(network, experiment.training, [*experiment.tasks])
    total = sum(parameter.numel() for parameter in network.parameters())
    typer.echo(f"network: {experiment.network.name}, {total:,} parameters, {sum(sizes.values()):,} of them trained")


def _print_plan(experiment: Experiment, prepared: Prepared) -> list[str]:
    """The sampling plan; its warnings are the answer. An objective whose packages are missing is found here."""
    from mtl_models.training.lengths import training_lengths
    from mtl_models.training.objectives.build import build_objective
    from mtl_models.training.plan import sampling_plan

    build_objective(experiment.training.objective, list(prepared.corpora))
    real = {name: len(corpus.splits["train"]) for name, corpus in prepared.corpora.items()}
    rows = {name: task.trained_rows(real[name]) for name, task in experiment.tasks.items()}
    lengths = training_lengths(experiment, prepared.corpora, prepared.vocabularies)
    plan = sampling_plan(rows, experiment.training, lengths, experiment.seed)
    table = Table("task", "rows", "rows an epoch", "updates", "passes", "share of rows", header_style="bold", title_justify="left")
    table.title = plan.heading()
    for column in table.columns[1:]:
        column.justify = "right"
    for name, task in plan.tasks.items():
        drawn = f"{task.rows_per_epoch:,.0f}", f"{task.updates:,.0f}", f"{task.passes:.1f}", f"{task.share:.1%}"
        table.add_row(name, f"{task.rows:,}", *drawn)
    Console().print(table)
    copied = [
        f"{plan.tasks[name].rows - real[name]:,} of the rows of '{name}' are altered copies"
        for name, task in experiment.tasks.items()
        if task.augmentation is not None
    ]
    for note in [*copied, *plan.notes]:
        typer.echo(f"note: {note}")
    return plan.warnings
