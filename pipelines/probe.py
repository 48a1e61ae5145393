"""`polytask probe`: a trained model through the probing pipeline, and what its levels encode."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from mtl_models.config import Experiment, load_experiment
from mtl_models.errors import ConfigError
from mtl_models.files import writing_file
from mtl_models.home import home_folder
from pipelines.environment import prepare
from pipelines.predict import model_folder
from pipelines.zenml_store import lay_out_store

if TYPE_CHECKING:
    from mtl_models.evaluation.probing.report import ProbingReport

__all__ = ["probe_model"]


def probe_model(source: str, config: Path | None, out: Path | None, rows: int, seed: int, cache: bool) -> None:
    """Run the probing pipeline; returns when the page is written, raises where it is not."""
    began = time.monotonic()
    if out is not None and out.suffix != ".html":
        raise ConfigError(f"--out {out}: the page is HTML; give a name that ends in .html")
    given = None if config is None else load_experiment(config)
    prepare()
    folder = model_folder(source)
    experiment = _kept_with(folder, source) if given is None else given

    from mtl_models.corpora.parts import sources_of
    from mtl_models.corpora.sources import fingerprint
    from mtl_models.evaluation.probing.sentences import sources_for
    from mtl_models.networks.folder import load_model

    names = sources_for(experiment)
    typer.secho(f"{source}: probed on held-out sentences of {', '.join(names)}", bold=True, err=True)
    corpora = {f"corpus:{name}": " ".join(map(fingerprint, sources_of(experiment.tasks[name].corpus))) for name in names}
    fingerprints = {**corpora, "base": load_model(folder).fingerprint()}
    lay_out_store()

    from zenml.types import HTMLString

    from mtl_models.evaluation.probing.report import ProbingReport
    from pipelines.outputs import output
    from pipelines.probing import probing
    from pipelines.run import run_named

    address = source if source.startswith("models:") else str(folder.resolve())
    run = run_named(probing, "probe", cache, experiment, address, source, fingerprints, rows, seed)
    page = out or home_folder("reports", experiment.name) / "probing.html"
    with writing_file(page) as draft:
        draft.write_text(output(run.steps["log_probing"], "probing_page", HTMLString), encoding="utf-8")
    _print(output(run.steps["probe"], "probing", ProbingReport))
    typer.echo(f"\n{run.name}: {time.monotonic() - began:.0f} s")
    typer.echo(f"  page        {page}")
    typer.echo(f"  probing     MLflow run {output(run.steps['log_probing'], 'probing_run', str)}")


def _kept_with(folder: Path, source: str) -> Experiment:
    """The experiment that the model was trained by."""
    from mtl_models.networks.folder import read_extra

    kept = read_extra(folder).get("experiment")
    if kept is None:
        raise ConfigError(f"{source}: no experiment is kept with this model; say where sentences are with --config CONFIG")
    try:
        return Experiment.model_validate(kept)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"]))
        raise ConfigError(f"{source}: the experiment kept with it is of another version ({key}: {fault['msg']}); give --config") from error


def _print(found: ProbingReport) -> None:
    from mtl_models.reports.numbers import score
    from mtl_models.reports.probing import TASK_NAMES, finding

    pooling = found.poolings[0]
    table = Table("task", "rows", "guessing", "length", "words", *found.levels, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    table.title = f"accuracy of linear probes ({pooling})"
    for task in found.tasks:
        told = [task.majority, task.baselines["length"], task.baselines["words"]]
        told += [task.reading(level, pooling).accuracy for level in found.levels]
        table.add_row(TASK_NAMES[task.name], f"{task.train + task.test:,}", *(score(estimate.value) for estimate in told))
    for name in found.left_out:
        table.add_row(TASK_NAMES[name], "left out")
    Console(width=max(Console().width, 100)).print(table)
    for task in found.tasks:
        typer.echo(f"  {finding(task, pooling)}")
    for name, reason in found.left_out.items():
        typer.echo(f"  {TASK_NAMES[name]} is left out: {reason}")
