"""`polytask finetune`: new tasks on a trained model, through the fine-tuning pipeline."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import typer

from mtl_models.config import Experiment, load_experiment
from pipelines.environment import prepare
from pipelines.predict import model_folder
from pipelines.run import run_pipeline
from pipelines.zenml_store import lay_out_store

__all__ = ["finetune_model"]


def finetune_model(config: Path, source: str, overrides: Sequence[str], cache: bool) -> None:
    """Run the fine-tuning pipeline; returns when it is complete, raises where it is not."""
    began = time.monotonic()
    experiment = load_experiment(config, overrides)
    prepare()
    from mtl_models.networks.folder import load_model

    folder = model_folder(source)
    model = load_model(folder)
    experiment = _named(experiment, source)
    names = ", ".join(experiment.tasks)
    typer.secho(f"{experiment.name}: {names} on top of {', '.join(task.name for task in model.tasks)}", bold=True, err=True)

    from pipelines.fingerprints import pinned, source_fingerprints

    experiment = pinned(experiment)
    fingerprints = {**source_fingerprints(experiment), "base": model.fingerprint()}
    lay_out_store()
    from pipelines.finetuning import finetuning

    base = source if source.startswith("models:") else str(folder.resolve())
    run = run_pipeline(finetuning, experiment, cache, fingerprints, base)

    from mtl_models.training.finetune import Preservation
    from pipelines.outputs import output
    from pipelines.summary import print_summary

    print_summary(run, time.monotonic() - began)
    typer.secho("\nwhat it did to the tasks that the model had", bold=True)
    for line in output(run.steps["finetune_model"], "preservation", Preservation).lines():
        typer.echo(f"  {line}")


def _named(experiment: Experiment, source: str) -> Experiment:
    """A model of the registry that learns more stays under its name, where the experiment names none."""
    if experiment.registry.model is not None or not source.startswith("models:/"):
        return experiment
    name = source.removeprefix("models:/").split("@")[0].split("/")[0]
    return experiment.model_copy(update={"registry": experiment.registry.model_copy(update={"model": name})})
