"""Steps as a Kubeflow pipeline in its intermediate form (IR YAML), with all that each asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from kfp import dsl, kubernetes
from kfp.compiler import Compiler
from zenml.config import ResourceSettings
from zenml.config.resource_settings import ByteUnit
from zenml.config.retry_config import StepRetryConfig

if TYPE_CHECKING:
    from zenml.integrations.kubernetes.pod_settings import KubernetesPodSettings

__all__ = ["Component", "compile_pipeline"]


@dataclass(frozen=True)
class Component:
    """One step: the container that runs it, what it waits for and what it asks for."""

    name: str
    image: str
    command: list[str]
    arguments: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    upstream: Sequence[str] = ()
    resources: ResourceSettings = field(default_factory=ResourceSettings)
    gpu_type: str | None = None
    pod: KubernetesPodSettings | None = None
    retry: StepRetryConfig | None = None
    timeout: int | None = None
    """Seconds."""


def compile_pipeline(name: str, components: Sequence[Component], path: Path) -> None:
    """Write the pipeline to `path`; a component stands behind those it waits for."""
    definitions = {component.name: _definition(component) for component in components}

    def pipeline() -> None:
        tasks: dict[str, Any] = {}
        for component in components:
            task = definitions[component.name]().set_display_name(component.name).set_caching_options(False)
            if component.upstream:
                task.after(*(tasks[above] for above in component.upstream))
            _set_environment(task, component.environment)
            _ask(task, component)
            if component.pod is not None:
                _place(task, component.pod)
            tasks[component.name] = task

    pipeline.__annotations__ = {}  # kfp takes those of this file, which are text, for types of its own
    Compiler().compile(pipeline_func=dsl.pipeline(name=name, display_name=name)(pipeline), package_path=str(path), pipeline_name=name)


def _definition(component: Component) -> Any:
    """A container component; kfp takes its name from the function's."""

    def container() -> dsl.ContainerSpec:
        return dsl.ContainerSpec(image=component.image, command=component.command, args=component.arguments)

    named = FunctionType(container.__code__, container.__globals__, component.name, container.__defaults__, container.__closure__)
    named.__annotations__ = {"return": dsl.ContainerSpec}
    return dsl.container_component(named)


def _set_environment(task: Any, variables: Mapping[str, str]) -> None:
    """As `set_env_variable` does it, which reads the source of every frame of the stack each time: minutes for a pipeline."""
    task.container_spec.env = {**(task.container_spec.env or {}), **variables} or None


def _ask(task: Any, component: Component) -> None:
    """Cores, memory, GPUs, tries, time."""
    asked = component.resources
    if asked.cpu_count:
        cores = f"{asked.cpu_count:g}"
        task.set_cpu_request(cores).set_cpu_limit(cores)
    memory = asked.get_memory(ByteUnit.MIB)
    if memory:
        size = f"{int(memory)}Mi"
        task.set_memory_request(size).set_memory_limit(size)
    if asked.gpu_count:
        task.set_accelerator_type(component.gpu_type or "nvidia.com/gpu").set_accelerator_limit(asked.gpu_count)
    if component.retry is not None:
        retry = component.retry
        task.set_retry(retry.max_retries, backoff_duration=f"{retry.delay}s", backoff_factor=float(retry.backoff or 1))
    if component.timeout:
        kubernetes.set_timeout(task, component.timeout)


def _place(task: Any, pod: KubernetesPodSettings) -> None:
    """Nodes, taints, volumes, secrets and labels. What of a pod Kubeflow has no word for is refused rather than dropped."""
    _refuse_unknown(pod)
    for key, value in pod.node_selectors.items():
        kubernetes.add_node_selector(task, key, value)
    for toleration in pod.tolerations:
        kubernetes.add_toleration(task, **{name: toleration.get(name) for name in ("key", "operator", "value", "effect")})
    mounts = {mount["name"]: mount["mountPath"] for mount in pod.volume_mounts}
    for volume in pod.volumes:
        _mount(task, volume, mounts[volume["name"]])
    for variable in pod.env:
        reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
        if reference:
            kubernetes.use_secret_as_env(task, reference["name"], {reference["key"]: variable["name"]})
        else:
            _set_environment(task, {variable["name"]: variable["value"]})
    if pod.image_pull_secrets:
        kubernetes.set_image_pull_secrets(task, pod.image_pull_secrets)
    for key, value in pod.labels.items():
        kubernetes.add_pod_label(task, key, value)
    for key, value in pod.annotations.items():
        kubernetes.add_pod_annotation(task, key, value)


def _mount(task: Any, volume: Mapping[str, Any], path: str) -> None:
    if "emptyDir" in volume:
        shape = volume["emptyDir"]
        kubernetes.empty_dir_mount(task, volume["name"], path, medium=shape.get("medium"), size_limit=shape.get("sizeLimit"))
    else:
        kubernetes.mount_pvc(task, volume["persistentVolumeClaim"]["claimName"], path)


_KNOWN = {"node_selectors", "tolerations", "volumes", "volume_mounts", "env", "image_pull_secrets", "labels", "annotations", "resources"}


def _refuse_unknown(pod: KubernetesPodSettings) -> None:
    unknown = sorted(name for name in pod.model_fields_set - _KNOWN if getattr(pod, name))
    unknown += [volume["name"] for volume in pod.volumes if not {"emptyDir", "persistentVolumeClaim"} & set(volume)]
    if unknown:
        raise ValueError(f"the pod settings of the stack have what Kubeflow Pipelines cannot be told: {', '.join(unknown)}")
