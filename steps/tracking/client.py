"""The way to MLflow: where it is, that it answers, and what to say when it does not."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from mtl_models.errors import TrackingError
from mtl_models.files import writing_file
from mtl_models.home import home, tracking_uri
from mtl_models.progress import say

__all__ = ["artifact_root", "connect", "experiment_id", "is_server", "shown", "talking_to", "tracking_uri"]

_SQLITE = "sqlite:///"
_RETRIES, _TIMEOUT = 3, 10
_AGAIN = "the same command run again goes on from the cache"


def artifact_root() -> Path:
    """Where the files of runs and models go unless an MLflow server decides that."""
    return home() / "artifacts" / "mlflow"


def is_server(uri: str) -> bool:
    """Whether `uri` is a server, which has an artifact store of its own, and not a database that we open ourselves."""
    return not uri.startswith(("sqlite:", "postgresql", "mysql", "mssql"))


def connect(uri: str | None = None) -> MlflowClient:
    """A client that is known to be answered, for `uri` or else `tracking_uri()`; a SQLite file that is not there is made.

    A server that does not answer is asked again after 1, 2 and 4 seconds (MLFLOW_HTTP_REQUEST_MAX_RETRIES and
    MLFLOW_HTTP_REQUEST_TIMEOUT say otherwise), then `TrackingError`.
    """
    uri = uri or tracking_uri()
    _quieten()
    if uri.startswith(("http://", "https://")):
        _wait_for_server(uri)
    elif uri.startswith(_SQLITE):
        _make_database(Path(uri.removeprefix(_SQLITE)))
    with talking_to(uri):
        return MlflowClient(tracking_uri=uri, registry_uri=os.environ.get("MLFLOW_REGISTRY_URI", uri))


@contextmanager
def talking_to(place: MlflowClient | str) -> Iterator[None]:
    """Inside the block, what goes wrong between us and MLflow is a `TrackingError` that names the place and says what to do."""
    uri = place if isinstance(place, str) else place.tracking_uri
    try:
        yield
    except (MlflowException, SQLAlchemyError, requests.RequestException) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TrackingError(f"MLflow at {shown(uri)}: {reason}; mend that, then {_AGAIN}") from error


def experiment_id(client: MlflowClient, name: str) -> str:
    """The id of the experiment called `name`, made where there is none."""
    found = client.get_experiment_by_name(name)
    if found is None:
        location = None if is_server(client.tracking_uri) else (artifact_root() / name).as_uri()
        return str(client.create_experiment(name, artifact_location=location))
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"MLflow at {shown(client.tracking_uri)}: the experiment '{name}' was deleted; bring it back with "
            f"`mlflow experiments restore --experiment-id {found.experiment_id}`, or give the experiment another name"
        )
    return str(found.experiment_id)


def shown(uri: str) -> str:
    """`uri` without the name and password it may carry."""
    parts = urlsplit(uri)
    if "@" not in parts.netloc:
        return uri
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _quieten() -> None:
    """Their talk about tables made and requests tried again is not for our users; what matters comes back as an error."""
    for name, level in (("mlflow", logging.ERROR), ("alembic", logging.WARNING), ("urllib3.connectionpool", logging.ERROR)):
        logging.getLogger(name).setLevel(level)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")


def _wait_for_server(uri: str) -> None:
    """Return once anything answers; MLflow's own calls would try for minutes, so its limits are lowered unless the user set them."""
    retries = int(os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", str(_RETRIES)))
    timeout = int(os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", str(_TIMEOUT)))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
    for attempt in range(retries + 1):
        try:
            answer = requests.get(f"{uri.rstrip('/')}/health", timeout=timeout)
        except requests.RequestException as error:
            reason = _plain(error)
        else:
            if answer.status_code < 500:
                return
            reason = f"it answers with status {answer.status_code}"
        if attempt < retries:
            wait = 2**attempt
            say(f"MLflow at {shown(uri)} cannot be reached ({reason}); trying again in {wait} s ({attempt + 1} of {retries})")
            time.sleep(wait)
    raise TrackingError(
        f"MLflow at {shown(uri)} cannot be reached ({reason}, tried {retries + 1} times); "
        f"start it or mend MLFLOW_TRACKING_URI, then {_AGAIN}"
    )


def _plain(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return str(error)


def _make_database(path: Path) -> None:
    """Let MLflow lay out a new database beside its place: one cut off half-way through its migrations could not be opened."""
    if path.exists() or str(path) == ":memory:":
        return
    with writing_file(path) as draft, talking_to(f"{_SQLITE}{path}"):
        MlflowClient(tracking_uri=f"{_SQLITE}{draft}").search_experiments(max_results=1)
