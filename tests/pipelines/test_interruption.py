"""A run that is killed, or stopped by Ctrl-C, in the middle of training goes on where it was, to the same weights."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtl_models.networks.folder import load_model

pytestmark = pytest.mark.pipeline

WORDS = ["run", "made.yaml", "--set", "training.epochs=10", "--set", "training.batch_size=4"]
PART_OF_AN_EPOCH = 0.1


def start(folder: Path, home: Path) -> subprocess.Popen[str]:
    """The run, in a process group of its own, with its lines to be read as they come."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *WORDS]
    environment = os.environ | {"POLYTASK_HOME": str(home), "NO_COLOR": "1"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def until(run: subprocess.Popen[str], words: str) -> list[str]:
    """The lines up to the one with `words`."""
    told: list[str] = []
    assert run.stderr is not None
    for line in run.stderr:
        told.append(line)
        if words in line:
            return told
    raise AssertionError(f"the run ended before '{words}':\n{''.join(told)}")


def end(run: subprocess.Popen[str], how: signal.Signals) -> tuple[int, str]:
    """Exit code and last lines of a run that gets the signal in the middle of an epoch."""
    time.sleep(PART_OF_AN_EPOCH)
    run.send_signal(how)
    _, rest = run.communicate(timeout=60)
    return run.returncode, rest


def taken_up(told: str) -> int:
    """The epoch of the checkpoint that a run went on from; on a busy machine one more may have ended before the signal came."""
    found = re.search(r"joint: goes on after epoch (\d+), from a checkpoint", told)
    assert found is not None, told
    return int(found[1])


def statuses(home: Path) -> list[str]:
    """Of `train_joint` in every run, the oldest first, from ZenML's own database."""
    with sqlite3.connect(next(home.rglob("zenml.db"))) as database:
        return [row[0] for row in database.execute("SELECT status FROM step_run WHERE name = 'train_joint' ORDER BY created")]


def joint_model(home: Path) -> str:
    """Fingerprint of the one joint model among the artifacts."""
    (found,) = {path.parent for path in home.rglob("train_joint/**/model.safetensors")}
    return load_model(found).fingerprint()


def registered(home: Path) -> list[str]:
    """Fingerprints of all versions in MLflow."""
    with sqlite3.connect(home / "mlflow.db") as database:
        return [row[0] for row in database.execute("SELECT value FROM model_version_tags WHERE key = 'polytask.model_fingerprint'")]


@pytest.fixture
def undisturbed(experiment: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run of the same in another home, at the same time."""
    run = start(experiment.parent, tmp_path / "undisturbed")
    yield run
    run.kill()
    run.wait()


def test_killed_then_stopped_the_run_goes_on_to_the_weights_of_an_undisturbed_one(undisturbed, experiment, tmp_path):
    home = tmp_path / "home"

    killed = start(experiment.parent, home)
    until(killed, "joint: epoch 1/10")
    assert end(killed, signal.SIGKILL)[0] == -signal.SIGKILL
    assert not (home / "mlflow.db").exists()

    stopped = start(experiment.parent, home)
    told = "".join(until(stopped, "joint: epoch 3/10"))
    assert 1 <= taken_up(told) < 10
    assert "done  ingest" not in told, "what was done before comes from the cache"
    code, rest = end(stopped, signal.SIGINT)
    assert code == 130, rest
    assert rest.splitlines()[-1] == "stopped; the same command goes on from there"
    assert "Traceback" not in rest

    until(undisturbed, "done  train_joint")
    undisturbed.kill()

    last = start(experiment.parent, home)
    told = "".join(until(last, "done  train_joint"))
    assert 3 <= taken_up(told) < 10
    last.communicate(timeout=120)
    assert last.returncode == 0
    assert statuses(home)[-2:] == ["failed", "completed"]
    assert not [*(home / "checkpoints").iterdir()], "a finished training leaves no checkpoint"

    assert registered(home) == [joint_model(home)] == [joint_model(tmp_path / "undisturbed")]
