"""What a user loses if these fail: `polytask serve` itself, from the registry to the last answer before it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mtl_models.serving.served import Served
from steps.tracking import aliases, registry
from steps.tracking.client import connect, experiment_id
from steps.tracking.runs import LoggedRun

NAME = "polytask-made"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, folders: list[Path]) -> Iterator[Path]:
    """A home with two registered versions, of which the first is champion."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYTASK_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        client = connect()
        experiment = experiment_id(client, "made")
        run = LoggedRun(client.create_run(experiment).info.run_id, experiment, "made", {})
        for model in folders[:2]:
            registry.register(model, NAME, run, {}, client=client)
        aliases.promote(NAME, 1, client)
        yield folder


class Server:
    """`polytask serve` in a process of its own."""

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        command = [sys.executable, "-c", "from pipelines.cli import main; main()", "serve", "--port", "0", *words]
        self.log = folder / "log.jsonl"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=os.environ | environment, text=True)
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        assert "http://" in self.said, self.log.read_text()
        self.url = self.said.split(": ", 1)[1].split("/  ")[0]

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    started: list[Server] = []
    yield started
    for server in started:
        server.process.kill()
        server.process.wait()


def wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{server.url}/ready", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(server.log.read_text())


@pytest.mark.pipeline
def test_the_champion_serves_until_another_takes_over_and_the_end_waits_for_the_last_answer(
    home: Path, servers: list[Server], tmp_path: Path, versions: list[Served]
) -> None:
    server = Server(tmp_path, "--poll", "0.2", "--compare", f"models:/{NAME}/2")
    servers.append(server)
    wait_until_ready(server)
    assert server.said.startswith("polytask-made version 1 beside polytask-made version 2: http://127.0.0.1:")
    seen, failures, stop = set(), [], threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=server.url, trust_env=False) as client:
            while not stop.is_set():
                answer = client.post("/predict", json={"texts": "good film"})
                if answer.status_code != 200:
                    failures.append(answer.text)
                seen.add((answer.json()["model"]["version"], answer.json()["model"]["fingerprint"]))

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    time.sleep(0.3)
    aliases.promote(NAME, 2)
    deadline = time.monotonic() + 60
    while len(seen) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    stop.set()
    for asker in askers:
        asker.join()
    assert not failures
    assert seen == {("1", versions[0].fingerprint), ("2", versions[1].fingerprint)}

    last: list[httpx.Response] = []
    many = {"texts": ["what a waste of two hours"] * 256}
    asker = threading.Thread(target=lambda: last.append(httpx.post(f"{server.url}/predict", json=many, timeout=60, trust_env=False)))
    asker.start()
    while not last and "polytask_waiting_texts 0.0" in httpx.get(f"{server.url}/metrics", trust_env=False).text:
        time.sleep(0.01)
    assert server.end() == 0
    asker.join()
    assert last[0].status_code == 200
    assert len(last[0].json()["predictions"]) == 256
    assert {"a new version serves", "request"} <= {line["event"] for line in server.lines()}
    assert "waste" not in server.log.read_text()


def test_a_folder_is_served_with_a_token_from_a_file(servers: list[Server], tmp_path: Path, folders: list[Path]) -> None:
    (tmp_path / "token").write_text("sesame\n")
    (tmp_path / "texts.txt").write_text("one\ntwo\n")
    server = Server(
        tmp_path, "--model", str(folders[0]), "--token-file", str(tmp_path / "token"), "--examples", str(tmp_path / "texts.txt")
    )
    servers.append(server)
    wait_until_ready(server)
    assert httpx.get(f"{server.url}/tasks", trust_env=False).status_code == 401
    said = httpx.get(f"{server.url}/tasks", headers={"authorization": "Bearer sesame"}, trust_env=False).json()
    assert said["models"][0]["model"] == {"name": "model-0", "version": None, "fingerprint": said["models"][0]["model"]["fingerprint"]}
    assert said["examples"] == ["one", "two"]


def refused(*words: str, **environment: str) -> str:
    """What the command says when it does not begin."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "serve", *words]
    found = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=60, check=False)
    assert found.returncode == 2, found.stderr
    return found.stderr


def test_it_does_not_listen_beyond_this_machine_without_a_token(folders: list[Path]) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        assert "set a token with --token-file or POLYTASK_TOKEN" in refused("--model", str(folders[0]), "--host", host)


def test_what_it_cannot_begin_with_is_told(folders: list[Path], tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    assert "not a model folder" in refused("--model", str(tmp_path), "--port", "0")
    assert "is empty; write a secret" in refused("--model", str(folders[0]), "--token-file", str(tmp_path / "empty"))
    (tmp_path / "empty").write_text("schlüssel")
    assert "other signs than ASCII" in refused("--model", str(folders[0]), "--token-file", str(tmp_path / "empty"))
    assert "cannot be read" in refused("--model", str(folders[0]), "--token-file", str(tmp_path / "none"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1 cannot be used" in refused("--model", str(folders[0]), "--port", str(port))
