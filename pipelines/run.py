"""`polytask run`: an experiment through the training pipeline, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mtl_models.config import Experiment, load_experiment
from mtl_models.errors import PolytaskError
from pipelines.environment import prepare
from pipelines.zenml_store import lay_out_store

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse

__all__ = ["run_experiment"]


def run_experiment(config: Path, overrides: Sequence[str], cache: bool) -> None:
    """Run the training pipeline; returns when it is complete, raises where it is not."""
    began = time.monotonic()
    experiment = load_experiment(config, overrides)
    prepare()
    typer.secho(f"{experiment.name}: {len(experiment.tasks)} tasks ({', '.join(experiment.tasks)})", bold=True, err=True)

    from pipelines.fingerprints import source_fingerprints

    fingerprints = source_fingerprints(experiment)
    lay_out_store()
    run = _run_pipeline(experiment, fingerprints, cache)

    from pipelines.summary import print_summary

    print_summary(run, time.monotonic() - began)


def _run_pipeline(experiment: Experiment, fingerprints: dict[str, str], cache: bool) -> PipelineRunResponse:
    from zenml.enums import ExecutionMode, ExecutionStatus

    from pipelines.training import training

    configured = training.with_options(
        run_name=f"{experiment.name}-{{date}}-{{time}}",
        enable_cache=cache,
        execution_mode=ExecutionMode.FAIL_FAST,
    )
    run: PipelineRunResponse | None = configured(experiment, fingerprints)
    if run is None:
        raise PolytaskError("the orchestrator gave no run back; look at its own pages for what became of it")
    if run.status != ExecutionStatus.COMPLETED:
        raise PolytaskError(f"the run {run.name} ended as '{run.status}', not completed")
    return run
