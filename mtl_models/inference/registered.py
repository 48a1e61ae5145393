"""Models of the registry, for the Python interface: from `models:/NAME@ALIAS` to a model folder. It knows MLflow; nothing here needs it
before a registered model is asked for.
"""

from __future__ import annotations

import logging
import re
import tempfile
from pathlib import Path

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from mtl_models.errors import TrackingError
from mtl_models.files import writing_folder
from mtl_models.home import home_folder, tracking_uri

__all__ = ["registered_folder"]

_URI = re.compile(r"models:/(?P<name>[^/@]+)(@(?P<alias>[^/@]+)|/(?P<version>\d+))")
_FINGERPRINT = "polytask.model_fingerprint"
_SQLITE = "sqlite:///"


def registered_folder(uri: str) -> Path:
    """The model folder of `models:/NAME@ALIAS` or `models:/NAME/VERSION`, fetched once and kept in the home folder by its fingerprint.

    Raises `TrackingError` where there is no such model, it is not one of ours, or MLflow cannot be reached.
    """
    found = _URI.fullmatch(uri)
    if found is None:
        raise TrackingError(f"'{uri}' is no model of the registry; write models:/NAME@champion or models:/NAME/3")
    place = tracking_uri()
    if place.startswith(_SQLITE) and not Path(place.removeprefix(_SQLITE)).is_file():
        raise TrackingError(
            f"{place.removeprefix(_SQLITE)}: no such file, so no model is registered here; set POLYTASK_HOME to the runs folder of the "
            "experiment, or MLFLOW_TRACKING_URI to its server"
        )
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    client = MlflowClient(tracking_uri=place)
    try:
        if found["alias"]:
            version = client.get_model_version_by_alias(found["name"], found["alias"])
        else:
            version = client.get_model_version(found["name"], found["version"])
        fingerprint = version.tags.get(_FINGERPRINT)
        if fingerprint is None:
            raise TrackingError(f"{uri}: was not registered by polytask; give a version that a run registered")
        folder = home_folder("cache", "models") / fingerprint
        if not folder.exists():
            _fetch(client.get_model_version_download_uri(version.name, version.version), place, folder)
    except MlflowException as error:
        raise TrackingError(
            f"{uri}: {str(error).strip().splitlines()[0].rstrip('.')}; `polytask models list` shows what there is"
        ) from error
    return folder


def _fetch(source: str, place: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch, writing_folder(folder) as draft:
        fetched = download_artifacts(artifact_uri=f"{source.rstrip('/')}/artifacts/model", dst_path=scratch, tracking_uri=place)
        for path in Path(fetched).iterdir():
            path.rename(draft / path.name)
