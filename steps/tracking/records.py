"""The JSON that a run keeps among its artifacts, read back as what it was."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TypeVar

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from pydantic import BaseModel, ValidationError

from steps.tracking.client import connect, talking_to

__all__ = ["COMPARISON", "EXPERIMENT", "REGISTRATION", "read_record"]

COMPARISON = "comparison.json"
EXPERIMENT = "experiment.json"
REGISTRATION = "registration.json"

Record = TypeVar("Record", bound=BaseModel)


def read_record(run_id: str, name: str, kind: type[Record], client: MlflowClient | None = None) -> Record | None:
    """The artifact `name` of a run as a `kind`; None where the run has none, or one of another version of the library."""
    client = client or connect()
    with talking_to(client), tempfile.TemporaryDirectory() as scratch:
        if not any(file.path == name for file in client.list_artifacts(run_id)):
            return None
        path = download_artifacts(run_id=run_id, artifact_path=name, dst_path=scratch, tracking_uri=client.tracking_uri)
        try:
            return kind.model_validate_json(Path(path).read_text(encoding="utf-8"))
        except ValidationError:
            return None
