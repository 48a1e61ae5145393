"""`polytask retrain`: a look at new data, and a successor of the champion where it is wanted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mtl_models.config import Experiment, load_experiment
from mtl_models.files import writing_file
from mtl_models.home import home_folder
from mtl_models.progress import say
from pipelines.drift_table import print_drift
from pipelines.environment import prepare
from pipelines.placing import use_stack
from pipelines.zenml_store import lay_out_store

if TYPE_CHECKING:
    from zenml.models import StepRunResponse

    from mtl_models.evaluation.retraining import NewData, RetrainingDecision
    from steps.tracking.versions import Version

__all__ = ["retrain_model"]


def retrain_model(config: Path, overrides: Sequence[str], force: bool, cache: bool, stack: str | None = None) -> None:
    """Look, and train where the look or `force` says so, on a stack; returns when that is complete, raises where it is not."""
    began = time.monotonic()
    experiment = load_experiment(config, overrides)
    prepare()
    from mtl_models.corpora.sources import fingerprint
    from pipelines.fingerprints import pinned, source_fingerprints
    from steps.tracking.versions import champion

    experiment = pinned(experiment)
    fingerprints = source_fingerprints(experiment)
    fingerprints |= {f"regression:{task}": fingerprint(source) for task, source in experiment.retraining.regression.items()}
    lay_out_store()
    use_stack(stack)
    from pipelines.carrying import carried

    experiment = carried(experiment)
    serving = champion(experiment.model_name)
    if serving is None:
        say(f"the model '{experiment.model_name}' has no champion yet: this is its first training, as by `polytask run`")
        _train_first(experiment, fingerprints, cache, began)
        return
    fingerprints["base"] = str(serving.fingerprint)
    typer.secho(f"{experiment.name}: what is new since {serving.uri} was trained", bold=True, err=True)
    found, decision = _look(experiment, fingerprints, serving, force, cache, began)
    if decision.retrain:
        _train(experiment, fingerprints, serving, found, decision, cache)


def _train_first(experiment: Experiment, fingerprints: dict[str, str], cache: bool, began: float) -> None:
    from pipelines.run import run_pipeline
    from pipelines.summary import print_summary
    from pipelines.training import training

    print_summary(run_pipeline(training, experiment, cache, fingerprints), time.monotonic() - began)


def _look(
    experiment: Experiment, fingerprints: dict[str, str], serving: Version, force: bool, cache: bool, began: float
) -> tuple[NewData, RetrainingDecision]:
    """Run the first pipeline, and tell what it found."""
    from mtl_models.evaluation.retraining import NewData, RetrainingDecision
    from pipelines.outputs import output
    from pipelines.retraining import retraining_check
    from pipelines.run import run_named

    run = run_named(retraining_check, f"{experiment.name}-look", cache, experiment, fingerprints, serving.uri, force)
    steps = run.steps
    found = output(steps["compare_data"], "new_data", NewData)
    decision = output(steps["decide_retraining"], "retraining_decision", RetrainingDecision)
    if not found.nothing_new:
        print_drift(found.drift, "new rows against the training rows (limit)", "labels")
    typer.secho(decision.prose(), fg="yellow" if decision.retrain else "green")
    page = _write_page(steps["log_retraining"], serving.name)
    typer.echo(f"\n{run.name}: {time.monotonic() - began:.0f} s")
    typer.echo(f"  page        {page}")
    typer.echo(f"  look        MLflow run {output(steps['log_retraining'], 'retraining_run', str)}")
    return found, decision


def _train(
    experiment: Experiment,
    fingerprints: dict[str, str],
    serving: Version,
    found: NewData,
    decision: RetrainingDecision,
    cache: bool,
) -> None:
    """Run the second pipeline, and tell what came of it."""
    from pipelines.retraining import retraining
    from pipelines.run import run_named
    from pipelines.summary import print_summary

    began = time.monotonic()
    section = experiment.retraining
    remembered = [
        task for task in experiment.tasks if task not in found.changed and (task in section.regression or section.regression_rows > 0)
    ]
    run = run_named(retraining, experiment.name, cache, experiment, fingerprints, serving.uri, remembered, decision)
    for task, known in found.learned.items():
        if known:
            typer.echo(f"task '{task}': {known:,} test rows were left out, for the champion learned from them")
    print_summary(run, time.monotonic() - began)
    typer.echo(f"  retraining  {_write_page(run.steps['report_retraining'], serving.name)}")


def _write_page(step: StepRunResponse, model: str) -> Path:
    from zenml.types import HTMLString

    from pipelines.outputs import output

    page = home_folder("reports", model) / "retraining.html"
    with writing_file(page) as draft:
        draft.write_text(output(step, "retraining_page", HTMLString), encoding="utf-8")
    return page
