"""`polytask trace`: from one answer of a batch back to the rows and the code that its model was trained with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mtl_models.errors import CorpusError, TrackingError
from mtl_models.files import sha256_of
from pipelines.environment import prepare

if TYPE_CHECKING:
    from mlflow.entities import Run

    from mtl_models.inference.batch import PredictionId
    from steps.origins import Origin

__all__ = ["trace_prediction"]


def trace_prediction(text: str, file: Path | None) -> None:
    """Print the chain. `CorpusError` or `TrackingError` for an id that is malformed, or that no batch of this home gave."""
    prepare()
    from mtl_models.inference.batch import PredictionId
    from steps.origins import origins
    from steps.tracking.batches import find_batches
    from steps.tracking.client import connect, shown, tracking_uri
    from steps.tracking.tags import own_tags
    from steps.tracking.versions import resolve

    wanted = PredictionId.parse(text)
    client = connect()
    runs = find_batches(wanted.key, client)
    if not runs:
        raise TrackingError(
            f"no batch of MLflow at {shown(tracking_uri())} gave the prediction {wanted}; "
            "look at POLYTASK_HOME and MLFLOW_TRACKING_URI, and whether the id is whole"
        )
    run = runs[0]
    tags = own_tags(run.data.tags)
    _refuse_outside(wanted, run, tags)
    version = resolve(f"models:/{tags['model_name']}/{tags['model_version']}", client)
    _print("prediction", _answer(wanted, tags, file))
    _print("input", _input(run, tags))
    _print("batch", _batch(run, tags, len(runs)))
    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    _print("model", [f"{version.name} version {version.number}{aliases}", f"fingerprint {tags['model_fingerprint']}"])
    known = origins(version, client)
    mine = known.pop(wanted.task, None)
    if mine is None:
        raise TrackingError(f"{version.uri}: no run that is registered here trained the task '{wanted.task}'; the chain ends at the model")
    _print("training", _training(mine))
    _print("corpus", _corpus(mine))
    beside = [origin for origin in known.values() if origin.run.info.run_id == mine.run.info.run_id]
    for place, origin in enumerate(beside):
        _print("and with it" if not place else "", _beside(origin))


def _refuse_outside(wanted: PredictionId, run: Run, tags: Mapping[str, str]) -> None:
    rows, tasks = int(tags["input_rows"]), run.data.params["tasks"].split(", ")
    if wanted.index >= rows:
        raise CorpusError(f"{wanted}: the batch read {rows:,} texts, so its rows are 0 to {rows - 1}")
    if wanted.task not in tasks:
        raise CorpusError(f"{wanted}: the batch was not asked for '{wanted.task}'; its tasks are {', '.join(tasks)}")


def _answer(wanted: PredictionId, tags: Mapping[str, str], file: Path | None) -> list[str]:
    lines = [str(wanted)]
    path = file or _kept_answers(tags)
    if path is None:
        return [*lines, "the run's copy of the answers is not in the ZenML store connected here; give yours with --file"]
    row = _row(wanted, path)
    if row["model_fingerprint"] != tags["model_fingerprint"]:
        raise CorpusError(f"{path}: the row {wanted} names another model than its batch did; the file was changed")
    sure = "" if row["confidence"] is None else f" ({row['confidence']:.3f})"
    return [*lines, f"{row['task']}: {row['label']}{sure}", f'"{row["text"]}"']


def _row(wanted: PredictionId, path: Path) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise CorpusError(f"{path}: no such file; give one that `polytask batch` wrote")
    try:
        found = pq.read_table(path, filters=[("index", "=", wanted.index), ("task", "=", wanted.task)]).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise CorpusError(f"{path}: not a file that `polytask batch` wrote ({str(error).splitlines()[0]})") from error
    for row in found:
        if row.get("prediction_id") == str(wanted):
            return dict(row)
    raise CorpusError(f"{path}: the prediction {wanted} is not in this file; it is of another batch")


def _kept_answers(tags: Mapping[str, str]) -> Path | None:
    """The artifact of the batch's pipeline run; None where that is not in the store connected here."""
    from zenml.client import Client

    from mtl_models.inference.batch import Answers
    from pipelines.outputs import output

    try:
        steps = Client().get_pipeline_run(tags["zenml_run_id"]).steps
        return output(steps["predict_batch"], "answers", Answers).path
    except (KeyError, OSError):
        return None


def _input(run: Run, tags: Mapping[str, str]) -> list[str]:
    source = run.data.params["source"]
    lines = [f"{source}, column '{run.data.params['column']}', {int(tags['input_rows']):,} texts", f"sha256 {tags['input_sha256']}"]
    path = Path(source).expanduser()
    if "://" not in source and path.is_file() and sha256_of(path) != tags["input_sha256"]:
        lines.append("the file has changed since")
    return lines


def _batch(run: Run, tags: Mapping[str, str], runs: int) -> Iterator[str]:
    from steps.tracking.tags import commit_of

    yield f"MLflow run {run.info.run_id} ({run.info.run_name})"
    if runs > 1:
        yield f"the latest of {runs} that asked the same of the same model"
    yield f"ZenML run {tags['zenml_run_id']}"
    yield f"code {commit_of(run)}"
    yield "drift beyond a limit; the run's batch.html shows it" if tags["drift"] == "yes" else "no drift beyond a limit"


def _training(origin: Origin) -> Iterator[str]:
    from steps.tracking.tags import commit_of

    yield f"MLflow run {origin.run.info.run_id} ({origin.run.info.run_name})"
    yield f"ZenML run {origin.zenml_run_id}{'' if origin.zenml else ', which is not in the store connected here'}"
    yield f"code {commit_of(origin.run)}"
    yield f"as {origin.version.uri}"


def _corpus(origin: Origin) -> Iterator[str]:
    """Source and rows as MLflow has them; the files of the splits, each with its sha256, where ZenML's store can be reached."""
    source, rows = _dataset(origin)
    yield f"{origin.task}: {source['source']}"
    yield f"sha256 of the source {source['sha256']}"
    yield f"fingerprint of all rows {source['fingerprint']}"
    artifact = origin.artifact()
    folder = Path(artifact.uri) if artifact else None
    for split, count in rows.items():
        path = folder / f"{split}.parquet" if folder else None
        yield f"{split:<5} {count:>9,} rows" + (f", sha256 {sha256_of(path)}" if path is not None and path.is_file() else "")
    yield f"in {artifact.uri}" if artifact else "the rows themselves are not in the ZenML store connected here"


def _beside(origin: Origin) -> Iterator[str]:
    """A corpus that the same model was trained on, in short."""
    source, rows = _dataset(origin)
    yield f"{origin.task}: {rows.get('train', 0):,} train rows of {source['source']}"
    yield f"fingerprint of all rows {source['fingerprint']}"


def _dataset(origin: Origin) -> tuple[dict[str, Any], dict[str, int]]:
    """Where the corpus of the task came from, and the rows of its splits."""
    inputs = origin.run.inputs.dataset_inputs if origin.run.inputs else []
    for entry in inputs:
        if entry.dataset.name == origin.task:
            return json.loads(entry.dataset.source), json.loads(entry.dataset.profile or "{}").get("rows", {})
    raise TrackingError(f"the MLflow run {origin.run.info.run_id} has no corpus '{origin.task}' among its inputs; the chain ends there")


def _print(name: str, lines: Any) -> None:
    """The name in bold beside the first of the lines."""
    for place, line in enumerate(lines):
        typer.echo(f"{typer.style(f'{name:<12}', bold=True) if not place else ' ' * 12}{line}")
