"""The model registry: models in, models out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from mlflow.models import Model as MlflowModel

from mtl_models.errors import TrackingError
from mtl_models.files import writing_folder
from mtl_models.home import home_folder
from mtl_models.networks.folder import load_model, model_fingerprint
from mtl_models.networks.model import Model
from steps.tracking.aliases import challenge
from steps.tracking.client import connect, talking_to
from steps.tracking.package import pack
from steps.tracking.runs import LoggedRun
from steps.tracking.tags import tagged
from steps.tracking.versions import Version, find_model, find_version_by_fingerprint, resolve
from steps.tracking.writing import tag_run

__all__ = ["describe", "download", "register"]

_LONGEST_DESCRIPTION = 5000
"""What MLflow's database takes."""


def register(
    folder: Path,
    name: str,
    run: LoggedRun,
    tags: Mapping[str, str],
    description: str = "",
    client: MlflowClient | None = None,
) -> Version:
    """Register a model folder as the challenger version of the model `name`, trained by `run`; tags tie the two in both directions.

    A model that is registered already, by its fingerprint, gets no second version, so this can be run again after a crash at any
    point. `tags`, such as config_hash, are kept under `polytask.`; `description` is Markdown.
    """
    client = client or connect()
    model = load_model(folder)
    fingerprint = model.fingerprint()
    with talking_to(client):
        version = find_version_by_fingerprint(name, fingerprint, client)
        if version is None:
            ours = {"model_fingerprint": fingerprint, "run_id": run.run_id, **tags}
            number = _create_version(model, folder, name, run, tagged(ours), description, client)
            version = resolve(f"models:/{name}/{number}", client)
        tag_run(run.run_id, {"model_name": name, "model_version": str(version.number)}, client)
        return challenge(version, client)


def describe(name: str, number: int, description: str, client: MlflowClient | None = None) -> None:
    """Give a version its description, Markdown; what MLflow's database does not take is cut off."""
    client = client or connect()
    with talking_to(client):
        client.update_model_version(name, str(number), description[:_LONGEST_DESCRIPTION])


def download(uri: str, client: MlflowClient | None = None) -> Path:
    """The model folder of `models:/NAME@ALIAS` or `models:/NAME/VERSION`, kept in the home folder by its fingerprint."""
    client = client or connect()
    version = resolve(uri, client)
    if version.fingerprint is None:
        raise TrackingError(f"{uri}: version {version.number} was not registered by polytask; give a version that a run registered")
    folder = home_folder("cache", "models") / version.fingerprint
    if folder.exists():
        return folder
    with talking_to(client), writing_folder(folder) as draft:
        source = client.get_model_version_download_uri(version.name, str(version.number))
        with tempfile.TemporaryDirectory(dir=draft.parent) as scratch:
            fetched = mlflow.artifacts.download_artifacts(
                artifact_uri=f"{source.rstrip('/')}/artifacts/model", dst_path=scratch, tracking_uri=client.tracking_uri
            )
            for path in Path(fetched).iterdir():
                path.rename(draft / path.name)
        if model_fingerprint(draft) != version.fingerprint:
            raise TrackingError(f"{uri}: what MLflow holds is not the model that was registered; register it again")
    return folder


def _create_version(
    model: Model, folder: Path, name: str, run: LoggedRun, tags: Mapping[str, str], description: str, client: MlflowClient
) -> str:
    """The number of a new version. Its tags are set in the same call that creates it: a version without them would never be found."""
    logged = _log_model(model, folder, name, run, tags, client)
    if find_model(name, client) is None:
        client.create_registered_model(name)
    version = client.create_model_version(
        name,
        source=logged.artifact_location,
        run_id=run.run_id,
        tags=dict(tags),
        description=description[:_LONGEST_DESCRIPTION],
        model_id=logged.model_id,
    )
    return str(version.version)


def _log_model(model: Model, folder: Path, name: str, run: LoggedRun, tags: Mapping[str, str], client: MlflowClient) -> LoggedModel:
    """MLflow's logged model, an output of the run, with its files. `mlflow.pyfunc.log_model` would need a global tracking URI."""
    logged = client.create_logged_model(run.experiment_id, name=name, source_run_id=run.run_id, tags=dict(tags))
    try:
        client.log_outputs(run.run_id, [LoggedModelOutput(logged.model_id, step=0)])
        about = MlflowModel(artifact_path=logged.artifact_location, run_id=run.run_id, model_uuid=logged.model_id, model_id=logged.model_id)
        with tempfile.TemporaryDirectory() as scratch:
            packed = Path(scratch) / "packed"
            pack(model, folder, packed, about)
            client.log_model_artifacts(logged.model_id, str(packed))
    except BaseException:
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.FAILED)
        raise
    return client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
