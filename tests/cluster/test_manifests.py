"""The manifests of docker/kubernetes: a user would lose the evening on which a cluster refuses them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.stack_file import load_stack

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "docker" / "kubernetes"
VERSION = "1.31"
PODS = ("Deployment", "StatefulSet")


def documents(path: Path) -> list[dict[str, Any]]:
    return [found for found in yaml.safe_load_all(path.read_text(encoding="utf-8")) if found]


def manifests() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in [
        *sorted(MANIFESTS.glob("base/*.yaml")),
        *sorted(MANIFESTS.glob("overlays/*/limits.yaml")),
        MANIFESTS / "secrets.example.yaml",
    ]:
        if path.name != "kustomization.yaml":
            yield from ((path, document) for document in documents(path))


def pods() -> list[dict[str, Any]]:
    return [found["spec"]["template"]["spec"] for _, found in manifests() if found["kind"] in PODS]


def test_every_manifest_is_valid() -> None:
    """Strictly: a key that Kubernetes does not know fails too."""
    validate = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")
    for _, document in manifests():
        validate.validate(document, VERSION, strict=True)


def test_kustomizations_name_files_that_are_there_and_leave_none_out() -> None:
    for path in MANIFESTS.rglob("kustomization.yaml"):
        for name in documents(path)[0]["resources"]:
            assert (path.parent / name).exists(), f"{path}: {name}"
    listed = set(documents(MANIFESTS / "base" / "kustomization.yaml")[0]["resources"])
    assert listed == {path.name for path in (MANIFESTS / "base").glob("*.yaml")} - {"kustomization.yaml"}


def test_every_secret_that_a_server_wants_is_in_the_template_and_none_has_a_value() -> None:
    template = {found["metadata"]["name"]: found["stringData"] for found in documents(MANIFESTS / "secrets.example.yaml")}
    for pod in pods():
        for container in pod["containers"]:
            assert {source["secretRef"]["name"] for source in container.get("envFrom", [])} <= set(template)
            for variable in container.get("env", []):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                assert reference is None or reference["key"] in template[reference["name"]]
    secret = [value for values in template.values() for key, value in values.items() if key.endswith(("PASSWORD", "KEY", "KEY_ID"))]
    assert secret
    assert not any(secret), "a value of a secret stands in the repository"


def test_servers_run_as_nobody_in_particular_with_limits_and_probes() -> None:
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
            assert "memory" in container["resources"]["limits"]
            assert "readinessProbe" in container
            assert not container["image"].endswith(":latest")


def test_stack_file_and_manifests_name_the_same_things(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLYTASK_IMAGE", "POLYTASK_S3_ENDPOINT", "POLYTASK_CONTEXT", "POLYTASK_REGISTRY"):
        monkeypatch.setenv(name, "there")
    stack = load_stack(ROOT / "configs" / "stacks" / "kubernetes.yaml")
    config = stack.components["orchestrator"].config
    there = {(found["kind"], found["metadata"]["name"]) for _, found in manifests()}
    assert ("Namespace", config["kubernetes_namespace"]) in there
    assert ("ServiceAccount", config["service_account_name"]) in there
    claim = config["pod_settings"]["volumes"][0]["persistentVolumeClaim"]["claimName"]
    assert ("PersistentVolumeClaim", claim) in there
    assert stack.environment["POLYTASK_HOME"] == config["pod_settings"]["volume_mounts"][0]["mountPath"]
    assert ("Service", stack.environment["MLFLOW_TRACKING_URI"].split("//")[1].split(".")[0]) in there


@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_overlays_build_and_what_they_build_is_valid(overlay: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl here to build overlays with")
    validate = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")
    built = subprocess.run(
        ["kubectl", "kustomize", str(MANIFESTS / "overlays" / overlay)], capture_output=True, text=True, check=True
    ).stdout
    found = [document for document in yaml.safe_load_all(built) if document]
    for document in found:
        validate.validate(document, VERSION, strict=True)
        assert document["metadata"]["name"] == "polytask" or document["metadata"]["namespace"] == "polytask"
    apart = [document for document in found if document["kind"] in PODS and "affinity" in document["spec"]["template"]["spec"]]
    assert len(apart) == (3 if overlay == "gpu" else 0)
