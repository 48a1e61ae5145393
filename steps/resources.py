"""One resource spec in the forms that orchestrators take: ZenML's, Kubernetes' pods, Kubeflow's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zenml.config import ResourceSettings
from zenml.config.retry_config import StepRetryConfig

from mtl_models.config.resources import GPUS_WANTED, StepResources

if TYPE_CHECKING:
    from zenml.integrations.kubernetes.pod_settings import KubernetesPodSettings

__all__ = ["KUBEFLOW", "KUBERNETES", "pod_settings", "resource_settings", "retry_config", "step_environment", "step_options"]

KUBERNETES, KUBEFLOW = "kubernetes", "polytask_kubeflow"
"""Flavors of orchestrators that run steps in pods."""

_SHM = "shared-memory"
_DELAY = 10
"""Seconds before the first try after a failed one; Kubernetes takes 10, 20, 40 whatever is asked."""


def resource_settings(spec: StepResources) -> ResourceSettings:
    """ZenML's own form, which the Kubeflow flavor reads and the Kubernetes orchestrator only notes."""
    memory = None if spec.memory is None else f"{spec.memory}B"
    return ResourceSettings(cpu_count=spec.cpu, memory=memory, gpu_count=spec.gpu)


def pod_settings(spec: StepResources, base: Mapping[str, Any] | None = None) -> KubernetesPodSettings:
    """What the pod of the step is to have, on top of `base`: the pod settings of the stack, which every step gets."""
    from zenml.integrations.kubernetes.pod_settings import KubernetesPodSettings

    found = dict(base or {})
    asked = {name: value for name, value in (("cpu", _cores(spec.cpu)), ("memory", spec.memory)) if value is not None}
    gpus = {str(spec.gpu_type): str(spec.gpu)} if spec.gpu else {}
    given = found.get("resources", {})
    found["resources"] = {
        "requests": {**given.get("requests", {}), **asked},
        "limits": {**given.get("limits", {}), **asked, **gpus},  # of GPUs a limit is a request too
    }
    found["node_selectors"] = {**found.get("node_selectors", {}), **(spec.node_selector or {})}
    tolerations = [toleration.model_dump(exclude_none=True) for toleration in spec.tolerations or ()]
    found["tolerations"] = [*found.get("tolerations", []), *tolerations]
    if spec.shared_memory:
        volume = {"name": _SHM, "emptyDir": {"medium": "Memory", "sizeLimit": spec.shared_memory}}
        found["volumes"] = [*found.get("volumes", []), volume]
        found["volume_mounts"] = [*found.get("volume_mounts", []), {"name": _SHM, "mountPath": "/dev/shm"}]  # noqa: S108 (the pod's own)
    return KubernetesPodSettings(**found)


def step_environment(spec: StepResources) -> dict[str, str]:
    """What the step's process must know: that a GPU was asked for, and how many threads fit its cores, for it sees all of the node's."""
    found = {GPUS_WANTED: str(spec.gpu)} if spec.gpu else {}
    return found | ({"OMP_NUM_THREADS": str(math.ceil(spec.cpu))} if spec.cpu else {})


def retry_config(spec: StepResources) -> StepRetryConfig | None:
    """Tries after a failed one."""
    return StepRetryConfig(max_retries=spec.retries, delay=_DELAY, backoff=2) if spec.retries else None


def step_options(spec: StepResources, flavor: str, base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A step's configuration in ZenML's words for an orchestrator of this `flavor`; of other flavors only the tries are known."""
    found: dict[str, Any] = {"retry": retry_config(spec)} if spec.retries else {}
    if flavor not in (KUBERNETES, KUBEFLOW):
        return found
    orchestrator = _kubernetes(spec, base) if flavor == KUBERNETES else _kubeflow(spec, base)
    settings = {"resources": resource_settings(spec), "orchestrator": orchestrator}
    return found | {"settings": settings, "environment": step_environment(spec)}


def _kubernetes(spec: StepResources, base: Mapping[str, Any] | None) -> Any:
    from zenml.integrations.kubernetes.flavors import KubernetesOrchestratorSettings

    return KubernetesOrchestratorSettings(pod_settings=pod_settings(spec, base), active_deadline_seconds=spec.timeout)


def _kubeflow(spec: StepResources, base: Mapping[str, Any] | None) -> Any:
    from steps.kubeflow.flavor import PolytaskKubeflowSettings

    return PolytaskKubeflowSettings(pod=pod_settings(spec, base), gpu_type=spec.gpu_type, step_timeout=spec.timeout)


def _cores(cpu: float | None) -> str | None:
    return None if cpu is None else f"{cpu:g}"
