"""What a user loses if these fail: a TrainJob that Kubernetes refuses, or one whose pods start something that is not there."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / "docker" / "kubernetes"


def manifest(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "trainer" / name).read_text(encoding="utf-8"))
    return found


@pytest.fixture
def pod() -> dict[str, Any]:
    """What a node's pod becomes."""
    (job,) = manifest("runtime.yaml")["spec"]["template"]["spec"]["replicatedJobs"]
    template: dict[str, Any] = job["template"]["spec"]["template"]
    return template


def test_a_pod_is_one_that_kubernetes_takes(pod: dict[str, Any]) -> None:
    resources = manifest("trainjob.yaml")["spec"]["trainer"]["resourcesPerNode"]
    (container,) = pod["spec"]["containers"]
    spec = {**pod["spec"], "restartPolicy": "Never", "containers": [{**container, "resources": resources}]}
    kubernetes_validate.validate({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "node"}, "spec": spec}, "1.31", strict=True)


def test_the_job_finds_its_runtime_and_the_trainer_its_container(pod: dict[str, Any]) -> None:
    runtime, job = manifest("runtime.yaml"), manifest("trainjob.yaml")
    assert job["spec"]["runtimeRef"]["name"] == runtime["metadata"]["name"]
    (replicated,) = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    assert replicated["name"] == "node"
    assert replicated["template"]["metadata"]["labels"] == {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
    assert [container["name"] for container in pod["spec"]["containers"]] == ["node"], "the one whose command and resources Trainer sets"


def test_a_node_starts_the_worker_on_the_volume_of_the_base(pod: dict[str, Any]) -> None:
    (container,) = pod["spec"]["containers"]
    command = container["command"]
    assert command[:2] == ["torchrun", "-m"]
    assert importlib.util.find_spec(command[2]) is not None
    claims = [volume["persistentVolumeClaim"]["claimName"] for volume in pod["spec"]["volumes"] if "persistentVolumeClaim" in volume]
    assert claims == [yaml.safe_load((FOLDER / "base" / "home.yaml").read_text(encoding="utf-8"))["metadata"]["name"]]
    places = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert all(any(str(one).startswith(place) for place in places) for one in (command[3], command[5]))
