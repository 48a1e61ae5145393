"""`polytask batch`: a file of texts through the prediction pipeline, and its answers as a Parquet file."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import typer
import yaml
from pydantic import ValidationError

from mtl_models.config.drift import Drift
from mtl_models.config.sources import FileSource
from mtl_models.errors import ConfigError
from mtl_models.files import writing_file
from mtl_models.home import home_folder
from pipelines.drift_table import print_drift
from pipelines.environment import prepare
from pipelines.zenml_store import lay_out_store

__all__ = ["answer_file"]


def answer_file(
    source: str,
    column: str,
    model: str | None,
    tasks: Sequence[str],
    out: Path,
    overrides: Sequence[str],
    refuse_drift: bool,
    cache: bool,
) -> None:
    """Run the prediction pipeline on a file or URL; returns when `out` is written, raises where it is not."""
    began = time.monotonic()
    limits = _limits(overrides)
    if out.suffix != ".parquet":
        raise ConfigError(f"--out {out}: answers are written as Parquet; give a name that ends in .parquet")
    if model is not None and not model.startswith("models:/"):
        raise ConfigError(f"--model {model}: answers name a registered version; give models:/NAME@champion or models:/NAME/3")
    prepare()
    from mtl_models.corpora.sources import fingerprint
    from steps.tracking.versions import only_champion, resolve

    sha256 = fingerprint(FileSource(path=source))
    uri = model or only_champion()
    typer.secho(f"{source}: answered by {uri}, which is {resolve(uri).uri}", bold=True, err=True)
    lay_out_store()

    from zenml.types import HTMLString

    from mtl_models.evaluation.drift_report import DriftReport
    from mtl_models.inference.batch import Answerer, Answers
    from pipelines.outputs import output
    from pipelines.prediction import prediction
    from pipelines.run import run_named

    run = run_named(prediction, "batch", cache, source, column, sha256, uri, [*tasks], limits, refuse_drift)
    steps = run.steps
    answers = output(steps["predict_batch"], "answers", Answers)
    answerer = output(steps["find_model"], "model", Answerer)
    with writing_file(out) as draft:
        shutil.copyfile(answers.path, draft)
    page = home_folder("reports", answerer.model) / "batch.html"
    with writing_file(page) as draft:
        draft.write_text(output(steps["log_batch"], "batch_page", HTMLString), encoding="utf-8")
    drift = output(steps["check_drift"], "drift", DriftReport)
    print_drift(drift, "drift against the training rows (limit)", "answers")
    for line in drift.lines():
        typer.secho(f"warning: {line}", fg="yellow")
    typer.echo(f"\n{run.name}: {answers.rows:,} answers, {time.monotonic() - began:.0f} s")
    typer.echo(f"  answers     {out}")
    typer.echo(f"  report      {page}")
    typer.echo(f"  model       {answerer.uri} (MLflow run {answerer.run_id})")
    typer.echo(f"  batch       MLflow run {output(steps['log_batch'], 'batch_run', str)}")
    typer.echo(f"  trace       polytask trace {_first_id(answers.path)}")


def _limits(overrides: Sequence[str]) -> dict[str, float]:
    """`drift.KEY=NUMBER` of --set as limits; `ConfigError` for another key, or a number that its limit cannot be."""
    found: dict[str, float] = {}
    for override in overrides:
        key, _, value = override.partition("=")
        name = key.removeprefix("drift.")
        if not key.startswith("drift.") or name not in Drift.model_fields:
            raise ConfigError(f"--set {override}: no such limit; the limits: {', '.join(f'drift.{known}' for known in Drift.model_fields)}")
        try:
            found[name] = getattr(Drift.model_validate({name: yaml.safe_load(value)}), name)
        except (ValidationError, yaml.YAMLError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "not a number"
            raise ConfigError(f"--set {override}: {reason}; for instance --set {key}={getattr(Drift(), name)}") from error
    return found


def _first_id(path: Path) -> str:
    import pyarrow.parquet as pq

    first = next(pq.ParquetFile(path).iter_batches(1, columns=["prediction_id"]))
    return str(first["prediction_id"][0])
