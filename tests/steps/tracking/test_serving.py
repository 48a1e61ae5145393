"""Other programs reach what we registered: MLflow's pages and REST, and its model server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from mlflow import MlflowClient

from mtl_models.errors import TrackingError
from mtl_models.inference.predictor import load_model
from steps.tracking import aliases, registry
from steps.tracking.client import connect
from steps.tracking.runs import LoggedRun, TrainingRecord, log_training_run
from steps.tracking.server import mlflow_server, serve_ui


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def run(record: TrainingRecord, client: MlflowClient, folders: list[Path]) -> LoggedRun:
    """A champion and a challenger."""
    logged = log_training_run(record, client)
    registry.register(folders[0], "polytask-made", logged, {"config_hash": "abc"}, client=client)
    aliases.promote("polytask-made", 1, client)
    registry.register(folders[1], "polytask-made", logged, {"config_hash": "abc"}, client=client)
    return logged


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    pytest.fail(f"{url} did not answer")


def test_a_taken_port_is_named(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(TrackingError, match=rf"port {port} .*give another with --port {port + 1}"), mlflow_server(port):
            pass


def test_pages_of_a_server_elsewhere_are_only_pointed_to(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://user:secret@mlflow.example:5000")
    serve_ui(5000)
    assert "open https://mlflow.example:5000" in capsys.readouterr().err


@pytest.mark.pipeline
def test_the_real_server_tells_run_inputs_version_and_aliases_over_rest(
    run: LoggedRun, record: TrainingRecord, port: int, tmp_path: Path
) -> None:
    base = f"http://127.0.0.1:{port}"
    with mlflow_server(port) as server:
        family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        assert requests.get(base, timeout=30).ok

        def get(path: str, **query: str) -> dict:
            answer = requests.get(f"{base}/api/2.0/mlflow/{path}", params=query, timeout=30)
            answer.raise_for_status()
            return answer.json()

        found = get("runs/get", run_id=run.run_id)["run"]
        assert {tag["key"]: tag["value"] for tag in found["data"]["tags"]}["polytask.model_fingerprint"] == record.model_fingerprint
        inputs = found["inputs"]["dataset_inputs"]
        assert {entry["dataset"]["name"]: entry["dataset"]["digest"] for entry in inputs} == {
            corpus.task: corpus.fingerprint[:36] for corpus in record.corpora
        }
        assert {tag["value"] for entry in inputs for tag in entry["tags"] if tag["key"] == "task"} == {"films", "phones"}
        curve = get("metrics/get-history", run_id=run.run_id, metric_key="films/dev/macro_f1")["metrics"]
        assert [int(point.get("step", 0)) for point in curve] == [1, 2, 3, 4]
        champion = get("registered-models/alias", name="polytask-made", alias="champion")["model_version"]
        assert (champion["version"], champion["run_id"]) == ("1", run.run_id)
        assert get("registered-models/alias", name="polytask-made", alias="challenger")["model_version"]["version"] == "2"

        remote = connect(base)
        folder = registry.download("models:/polytask-made@champion", remote)
        assert len(load_model(folder).predict(["love"])) == 2
        again = log_training_run(record, remote)
        assert aliases.promote("polytask-made", 2, remote).aliases == ("champion",)
        assert remote.get_run(again.run_id).info.status == "FINISHED"
    gone, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
    assert len(gone) >= 2


@pytest.mark.slow
def test_the_ui_command_ends_with_all_its_children(home: Path, client: MlflowClient, port: int) -> None:
    ui = subprocess.Popen(
        [sys.executable, "-c", f"from steps.tracking.server import serve_ui; serve_ui({port})"], stderr=subprocess.PIPE, text=True
    )
    assert ui.stderr is not None
    assert ui.stderr.readline().startswith(f"MLflow: http://127.0.0.1:{port}")
    family = psutil.Process(ui.pid).children(recursive=True)
    assert family
    ui.send_signal(signal.SIGTERM)
    assert ui.wait(timeout=30) == 0
    assert not psutil.wait_procs(family, timeout=5)[1]


@pytest.fixture
def scoring(run: LoggedRun, client: MlflowClient, port: int, home: Path, tmp_path: Path) -> Iterator[str]:
    """`mlflow models serve` for the champion."""
    command = ["models", "serve", "-m", "models:/polytask-made@champion", "--env-manager", "local", "-h", "127.0.0.1", "-p", str(port)]
    environment = os.environ | {"MLFLOW_TRACKING_URI": client.tracking_uri}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    with (tmp_path / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *command], env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/ping", server)
            yield f"http://127.0.0.1:{port}/invocations"
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


@pytest.mark.slow
def test_mlflows_model_server_answers_and_refuses_a_wrong_column(scoring: str, folders: list[Path]) -> None:
    texts = ["love this phone", "what a waste"]
    answer = requests.post(scoring, json={"dataframe_records": [{"text": text} for text in texts]}, timeout=60)
    assert answer.status_code == 200, answer.text
    expected = load_model(folders[0]).predict(texts, ["films"])
    assert [row["films"] for row in answer.json()["predictions"]] == [found.label for found in expected]
    assert [row["films_confidence"] for row in answer.json()["predictions"]] == pytest.approx([found.confidence for found in expected])

    chosen = requests.post(scoring, json={"dataframe_records": [{"text": "love"}], "params": {"tasks": ["phones"]}}, timeout=60)
    assert list(chosen.json()["predictions"][0]) == ["phones", "phones_confidence"]

    wrong = requests.post(scoring, json={"dataframe_records": [{"texts": "love"}]}, timeout=60)
    assert wrong.status_code == 400
    assert wrong.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert "text" in wrong.json()["message"]
    number = requests.post(scoring, json={"dataframe_records": [{"text": 3}]}, timeout=60)
    assert number.status_code == 400
    unknown = requests.post(scoring, json={"dataframe_records": [{"text": "love"}], "params": {"tasks": ["phone"]}}, timeout=60)
    assert unknown.status_code == 400
    assert "did you mean 'phones'" in unknown.json()["message"]
