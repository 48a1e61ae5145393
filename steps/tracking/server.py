"""MLflow's own pages, on this machine only."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from mtl_models.errors import TrackingError
from mtl_models.home import home_folder
from mtl_models.progress import say
from steps.tracking.client import artifact_root, connect, shown, tracking_uri

__all__ = ["mlflow_server", "serve_ui"]

_HOST = "127.0.0.1"
_PATIENCE, _GRACE = 120.0, 5.0


def serve_ui(port: int) -> None:
    """Show MLflow's pages until Ctrl-C or SIGTERM. Where MLFLOW_TRACKING_URI is a server already, say its address and return."""
    uri = tracking_uri()
    if uri.startswith(("http://", "https://")):
        say(f"MLflow runs elsewhere; open {shown(uri)}")
        return
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        with mlflow_server(port) as server:
            say(f"MLflow: {_address(port)}  (Ctrl-C ends it)")
            code = server.wait()
            raise TrackingError(f"the MLflow server ended by itself with exit code {code}; see {_log_path()}")
    except KeyboardInterrupt:
        say("MLflow is stopped")
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def mlflow_server(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """An MLflow server over the home folder's database, answering at 127.0.0.1:`port` inside the block and gone after it.

    `TrackingError` where the port is taken or the server does not come up; what it prints is in logs/mlflow-server.log.
    """
    _refuse_taken(port)
    connect()
    with _log_path().open("wb") as log:
        server = subprocess.Popen(_command(port), stdout=log, stderr=log, env=_environment(), start_new_session=True)  # noqa: S603 (our own interpreter)
        try:
            _wait(server, port)
            yield server
        finally:
            _end(server)


def _command(port: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--backend-store-uri",
        tracking_uri(),
        "--default-artifact-root",
        artifact_root().as_uri(),
        "--host",
        _HOST,
        "--port",
        str(port),
        "--workers",
        "1",
    ]


def _environment() -> dict[str, str]:
    """Without the job runner the server takes half the memory; without telemetry it sends nothing."""
    return os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def _log_path() -> Path:
    return home_folder("logs") / "mlflow-server.log"


def _address(port: int) -> str:
    return f"http://{_HOST}:{port}"


def _refuse_taken(port: int) -> None:
    try:
        with socket.create_server((_HOST, port)):
            pass
    except OSError as error:
        raise TrackingError(f"port {port} of {_HOST} cannot be used ({error.strerror}); give another with --port {port + 1}") from error


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    """Return once the server answers."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise TrackingError(f"the MLflow server did not start (exit code {server.returncode}); see {_log_path()}")
        try:
            if requests.get(f"{_address(port)}/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise TrackingError(f"the MLflow server did not answer within {_PATIENCE:.0f} s; see {_log_path()}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server and its workers: they are a session of their own, and a worker outlives a parent that is killed alone."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, sent)
        except ProcessLookupError:
            break
        deadline = time.monotonic() + _GRACE
        while time.monotonic() < deadline and _group_lives(server):
            time.sleep(0.05)
    server.wait()


def _group_lives(server: subprocess.Popen[bytes]) -> bool:
    server.poll()  # a process that ended and was not waited for still counts as one of its group
    try:
        os.killpg(server.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _stop(*_: object) -> None:
    raise KeyboardInterrupt
