"""`polytask run`: an experiment through the training pipeline, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mtl_models.config import Experiment, load_experiment
from mtl_models.errors import PolytaskError
from mtl_models.home import home
from mtl_models.progress import say
from pipelines.environment import prepare
from pipelines.zenml_store import lay_out_store

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse
    from zenml.pipelines.pipeline_definition import Pipeline

__all__ = ["run_experiment", "run_named", "run_pipeline"]


def run_experiment(config: Path, overrides: Sequence[str], cache: bool) -> None:
    """Run the training pipeline; returns when it is complete, raises where it is not."""
    began = time.monotonic()
    experiment = load_experiment(config, overrides)
    new = not (home() / "zenml").is_dir()
    prepare()
    typer.secho(f"{experiment.name}: {len(experiment.tasks)} tasks ({', '.join(experiment.tasks)})", bold=True, err=True)

    from pipelines.fingerprints import pinned, source_fingerprints

    experiment = pinned(experiment)
    fingerprints = source_fingerprints(experiment)
    say("getting ready (a new runs/ folder takes about half a minute once)" if new else "getting ready")
    lay_out_store()
    from pipelines.training import training

    run = run_pipeline(training, experiment, cache, fingerprints)

    from pipelines.summary import print_summary

    print_summary(run, time.monotonic() - began)


def run_pipeline(pipeline: Pipeline, experiment: Experiment, cache: bool, *arguments: object) -> PipelineRunResponse:
    """Run `pipeline` on the experiment and `arguments`; the complete run, or `PolytaskError`."""
    return run_named(pipeline, experiment.name, cache, experiment, *arguments)


def run_named(pipeline: Pipeline, name: str, cache: bool, *arguments: object) -> PipelineRunResponse:
    """Run `pipeline` on `arguments`, as `name` with the date and time; the complete run, or `PolytaskError`."""
    from zenml.enums import ExecutionMode, ExecutionStatus

    configured = pipeline.with_options(
        run_name=f"{name}-{{date}}-{{time}}",
        enable_cache=cache,
        execution_mode=ExecutionMode.FAIL_FAST,
    )
    run: PipelineRunResponse | None = configured(*arguments)
    if run is None:
        raise PolytaskError("the orchestrator gave no run back; look at its own pages for what became of it")
    if run.status != ExecutionStatus.COMPLETED:
        raise PolytaskError(f"the run {run.name} ended as '{run.status}', not completed")
    return run
