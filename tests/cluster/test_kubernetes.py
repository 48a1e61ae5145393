"""The whole pipeline in pods: a user would lose the night's training to a node that went away.

Needs a cluster, or a stand-in for one, on which configs/stacks/kubernetes.yaml is registered, and says so where there is none.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

NEEDED = ("KUBECONFIG", "ZENML_STORE_URL", "ZENML_STORE_API_KEY", "POLYTASK_IMAGE")
EXPERIMENT = """
name: pods
tasks: {films: films.csv, phones: phones.csv}
vocabularies: {shared: {min_count: 1, vectors: {method: random, dimension: 16}}}
network: {name: joint_lstm, hidden: 32}
training: {epochs: 200, learning_rate: 0.005, patience: null, device: cpu}
evaluation: {resamples: 100}
resources:
  default: {memory: 2Gi}
  train_joint: {cpu: 1, gpu: 1, shared_memory: 256Mi, timeout: 1h, retries: 2}
  train_single: {gpu: 0}
"""
SECONDS = 3600

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]


@pytest.fixture
def project(tmp_path: Path, made: Any) -> Path:
    missing = [name for name in NEEDED if name not in os.environ]
    if missing:
        pytest.skip(f"no cluster to run on: set {', '.join(missing)}")
    made.write_csv(tmp_path / "films.csv", made.made_rows(1, 240))
    made.write_csv(tmp_path / "phones.csv", made.made_rows(2, 160))
    (tmp_path / "pods.yaml").write_text(EXPERIMENT)
    return tmp_path


def polytask(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *words]
    variables = os.environ | {"POLYTASK_HOME": str(folder / "home")}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=SECONDS, check=False)


def kubectl(*words: str) -> Any:
    found = subprocess.run(["kubectl", "-n", "polytask", *words, "-o", "json"], capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


def train_pods() -> list[Any]:
    return list(kubectl("get", "pods", "-l", "step_name=train_joint")["items"])


def log_of(pod: Any) -> str:
    return subprocess.run(
        ["kubectl", "-n", "polytask", "logs", pod["metadata"]["name"]], capture_output=True, text=True, check=False
    ).stdout


def kill_in_training(before: set[str]) -> None:
    """Delete the first pod of train_joint once it has told of an epoch."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for pod in train_pods():
            if pod["metadata"]["name"] not in before and "epoch 5/" in log_of(pod):
                command = ["kubectl", "-n", "polytask", "delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force"]
                subprocess.run(command, check=True, capture_output=True)
                return
        time.sleep(1)


def test_the_pipeline_in_pods_survives_a_killed_training(project: Path) -> None:
    before = {pod["metadata"]["name"] for pod in train_pods()}
    killer = threading.Thread(target=kill_in_training, args=(before,), daemon=True)
    killer.start()
    done = polytask(project, "run", "pods.yaml", "--stack", "kubernetes")
    assert done.returncode == 0, done.stderr
    assert not killer.is_alive(), "the training ended before it could be killed; give it more epochs"
    pods = [pod for pod in train_pods() if pod["metadata"]["name"] not in before]
    assert any("goes on after epoch" in log_of(pod) for pod in pods)
    spec = pods[-1]["spec"]
    main = spec["containers"][0]
    assert main["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in main["volumeMounts"]
    assert {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}} in spec["volumes"]
    assert any(toleration.get("key") == "nvidia.com/gpu" for toleration in spec["tolerations"])


def test_a_gpu_that_no_node_has_ends_the_run_with_the_scheduler_s_words(project: Path) -> None:
    done = polytask(
        project, "run", "pods.yaml", "--stack", "kubernetes", "--set", "resources.train_joint={gpu: 64, timeout: 60s, retries: 0}"
    )
    assert done.returncode == 2
    assert re.search(r"train_joint waited [0-9]+ s for a node and got none: .*nvidia.com/gpu", done.stderr), done.stderr
