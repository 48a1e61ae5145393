"""An MLflow that is not there must end in a message that says so, soon, and a database must be whole or absent."""

from __future__ import annotations

import http.server
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from mtl_models.errors import TrackingError
from steps.tracking.client import artifact_root, connect, is_server, shown, talking_to, tracking_uri


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Registers the variables that `connect` may set, so that they are gone after the test."""
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    return monkeypatch


class Moody(http.server.BaseHTTPRequestHandler):
    """Fails with 503 so many times, then answers."""

    failures = 0

    def do_GET(self) -> None:
        if type(self).failures > 0:
            type(self).failures -= 1
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def moody() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Moody) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_by_default_all_is_in_the_home_folder(home: Path) -> None:
    assert tracking_uri() == f"sqlite:///{home}/mlflow.db"
    assert artifact_root() == home / "artifacts" / "mlflow"


def test_the_environment_says_otherwise(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    assert tracking_uri() == "http://tracking:5000"


def test_an_unreachable_server_is_named_and_the_way_on_is_said(limits: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    limits.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    began = time.monotonic()
    with pytest.raises(
        TrackingError, match=r"http://127\.0\.0\.1:1 cannot be reached.*MLFLOW_TRACKING_URI.*goes on from the cache"
    ) as error:
        connect("http://user:secret@127.0.0.1:1")
    assert 0.9 < time.monotonic() - began < 5
    assert "secret" not in str(error.value) + capsys.readouterr().err


def test_a_server_that_comes_up_late_is_waited_for(limits: pytest.MonkeyPatch, moody: str, capsys: pytest.CaptureFixture[str]) -> None:
    Moody.failures = 1
    connect(moody)
    assert "status 503); trying again in 1 s (1 of 3)" in capsys.readouterr().err


def test_a_silent_server_is_given_up_after_the_users_timeout(limits: pytest.MonkeyPatch) -> None:
    import socket

    limits.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    limits.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TrackingError, match="no answer in time, tried 1 times"):
        connect(f"http://127.0.0.1:{silent.getsockname()[1]}")


def test_what_mlflow_refuses_is_our_error_with_its_reason() -> None:
    with pytest.raises(TrackingError, match=r"MLflow at sqlite:///x\.db: no such thing; mend that"), talking_to("sqlite:///x.db"):
        raise MlflowException("no such thing\nat line 3")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("hello " * 1000)
    with pytest.raises(TrackingError, match=r"MLflow at sqlite:.*mlflow\.db"):
        connect(f"sqlite:///{tmp_path / 'mlflow.db'}").search_experiments()


def test_databases_and_servers_are_told_apart() -> None:
    assert not is_server("sqlite:////x")
    assert not is_server("postgresql+psycopg2://u:p@h/db")
    assert is_server("https://x")
    assert is_server("databricks")
    assert shown("postgresql://u:p@h:1/db") == "postgresql://h:1/db"
    assert shown("sqlite:////a@b/x.db") == "sqlite:////a@b/x.db"


@pytest.mark.slow
def test_a_database_cut_off_half_way_through_its_making_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    making = subprocess.Popen([sys.executable, "-c", f"from steps.tracking.client import connect; connect('sqlite:///{path}')"])
    deadline = time.monotonic() + 60
    while not any(draft.stat().st_size > 0 for draft in tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    making.send_signal(signal.SIGKILL)
    making.wait()
    assert not path.exists()
    assert connect(f"sqlite:///{path}").search_experiments()
