"""`polytask run`: an experiment through the training pipeline, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mtl_models.config import Experiment, load_experiment
from mtl_models.errors import PolytaskError
from mtl_models.home import home
from mtl_models.progress import say
from pipelines.environment import prepare
from pipelines.placing import use_stack
from pipelines.zenml_store import lay_out_store

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse
    from zenml.pipelines.pipeline_definition import Pipeline

__all__ = ["run_experiment", "run_named", "run_pipeline"]


def run_experiment(config: Path, overrides: Sequence[str], cache: bool, stack: str | None = None, cron: str | None = None) -> None:
    """Run the training pipeline on a stack; returns when it is complete, raises where it is not.

    With `cron` (five fields, UTC) it is put on that schedule instead, and the stack runs it.
    """
    began = time.monotonic()
    experiment = load_experiment(config, overrides)
    new = not (home() / "zenml").is_dir()
    prepare()
    count = f"{len(experiment.tasks)} task{'s' if len(experiment.tasks) > 1 else ''}"
    typer.secho(f"{experiment.name}: {count} ({', '.join(experiment.tasks)})", bold=True, err=True)

    from pipelines.fingerprints import pinned, source_fingerprints

    experiment = pinned(experiment)
    fingerprints = source_fingerprints(experiment)
    say("getting ready (a new runs/ folder takes about half a minute once)" if new else "getting ready")
    lay_out_store()
    use_stack(stack)
    from pipelines.carrying import carried
    from pipelines.training import training

    experiment = carried(experiment)
    if cron is not None:
        from pipelines.cron import schedule

        schedule(training, experiment.name, cron, experiment, fingerprints)
        return
    run = run_pipeline(training, experiment, cache, fingerprints)

    from pipelines.summary import print_summary

    print_summary(run, time.monotonic() - began)


def run_pipeline(pipeline: Pipeline, experiment: Experiment, cache: bool, *arguments: object) -> PipelineRunResponse:
    """Run `pipeline` on the experiment and `arguments`; the complete run, or `PolytaskError`."""
    return run_named(pipeline, experiment.name, cache, experiment, *arguments)


def run_named(pipeline: Pipeline, name: str, cache: bool, *arguments: object) -> PipelineRunResponse:
    """Run `pipeline` on `arguments` on the active stack, as `name` with the date and time; the complete run, or `PolytaskError`."""
    from zenml.client import Client
    from zenml.enums import ExecutionMode, ExecutionStatus

    from pipelines.placing import place
    from pipelines.watching import failures, watching

    placed = place(pipeline, arguments)
    run_name = f"{name}-{datetime.now(UTC):%Y_%m_%d-%H_%M_%S_%f}"
    configured = pipeline.with_options(run_name=run_name, enable_cache=cache, execution_mode=ExecutionMode.FAIL_FAST, **placed.options)
    without_node: list[str] = []
    if not placed.in_pods:
        run: PipelineRunResponse | None = configured(*arguments)
    else:
        with watching(run_name, placed) as watch:
            run = _in_pods(configured, arguments)
        run = Client().get_pipeline_run(run.id) if run else None
        if watch.given_up:
            raise PolytaskError(f"the run {run_name} was stopped: {watch.given_up}")
        without_node = watch.without_node()
    if run is None:
        raise PolytaskError("the orchestrator gave no run back; look at its own pages for what became of it")
    if run.status != ExecutionStatus.COMPLETED:
        told = [f"the run {run.name} ended as '{run.status}', not completed", *failures(run), *without_node]
        raise PolytaskError("\n".join(told))
    return run


def _in_pods(configured: Pipeline, arguments: tuple[object, ...]) -> PipelineRunResponse | None:
    """Run it and wait; that the cluster calls it failed, or that its job was taken away, is told by the run itself."""
    from kubernetes.client.exceptions import ApiException
    from zenml.client import Client

    try:
        return configured(*arguments)
    except (RuntimeError, ApiException) as error:
        runs = Client().list_pipeline_runs(name=configured._run_args["run_name"]).items
        if not runs:
            raise PolytaskError(f"the cluster did not take the run: {error}") from error
        return runs[0]
