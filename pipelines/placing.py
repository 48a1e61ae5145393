"""A pipeline placed on a stack: which image its pods have, what each step asks for, which code they run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mtl_models.config import Experiment
from mtl_models.config.resources import StepResources, key_of, resources_of
from mtl_models.errors import ConfigError, PolytaskError
from pipelines.environment import QUIET, SOURCE_ROOT

if TYPE_CHECKING:
    from zenml.models import StackResponse
    from zenml.pipelines.pipeline_definition import Pipeline

__all__ = ["Place", "place", "use_stack"]

_A_DAY = StepResources(timeout=86_400)
"""Of a step on a schedule: the next run begins only when this one has ended."""


@dataclass(frozen=True)
class Place:
    """Where a pipeline runs. `options` are for `Pipeline.with_options`; `steps` says what each step asks for."""

    flavor: str
    """Of the orchestrator."""
    in_pods: bool
    options: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, StepResources] = field(default_factory=dict)


def use_stack(name: str | None) -> None:
    """Let this process run its pipelines on the stack; None leaves the one that is active. Call it after `lay_out_store()`."""
    if name is None:
        return
    from pipelines.stacks import find_stack

    stack = find_stack(name)
    os.environ["ZENML_ACTIVE_STACK_ID"] = str(stack.id)
    _refuse_lonely_pods(stack)


def place(pipeline: Pipeline, arguments: tuple[object, ...], read_anew: bool = False) -> Place:
    """Where `pipeline` on `arguments` will run; what its steps ask for stands in the experiment among them.

    With `read_anew` no step that reads a source is taken from the cache, and none may take longer than a day: for schedules.
    """
    from zenml.client import Client

    from steps.resources import KUBEFLOW, KUBERNETES, step_options

    stack = Client().active_stack_model
    orchestrator = next(found[0] for kind, found in stack.components.items() if str(kind) == "orchestrator")
    flavor, in_pods = orchestrator.flavor_name, orchestrator.flavor_name in (KUBERNETES, KUBEFLOW)
    experiment = next((given for given in arguments if isinstance(given, Experiment)), None)
    section = experiment.resources if experiment else {}
    if not in_pods:
        if experiment is not None and section:
            _refuse_missing_gpus(experiment)
        if not any(asked.retries for asked in section.values()):
            return Place(flavor, in_pods)
    base = orchestrator.configuration.get("pod" if flavor == KUBEFLOW else "pod_settings") or {}
    specs = {name: resources_of(name, section) if in_pods else _locally(name, section) for name in _steps(pipeline, arguments)}
    if read_anew:
        specs = {name: spec.over(_A_DAY) for name, spec in specs.items()}
    steps = {name: step_options(spec, flavor, base) for name, spec in specs.items()}
    if read_anew:
        for name in (name for name in steps if key_of(name) == "ingest"):
            steps[name]["enable_cache"] = False
    options: dict[str, Any] = {"steps": steps}
    if in_pods:
        options |= {"settings": {"docker": _docker(stack)}, "environment": _environment()}
    return Place(flavor, in_pods, options, specs)


def _steps(pipeline: Pipeline, arguments: tuple[object, ...]) -> list[str]:
    """The names of the steps that the pipeline comes to."""
    copy = pipeline.copy()
    copy.prepare(*arguments)
    return list(copy.invocations)


def _locally(name: str, section: Mapping[str, StepResources]) -> StepResources:
    """On this machine only tries are heeded, and only where the experiment asks for them."""
    asked = any(key in section and section[key].retries is not None for key in ("default", key_of(name), name))
    return StepResources(retries=resources_of(name, section).retries if asked else 0)


def _refuse_missing_gpus(experiment: Experiment) -> None:
    """Where the experiment itself says GPU and there is none, nothing runs: it would train on the CPU unasked."""
    import torch

    asked = [name for name, spec in experiment.resources.items() if spec.gpu]
    if asked and experiment.training.device == "auto" and not torch.cuda.is_available():
        raise ConfigError(
            f"resources.{asked[0]}.gpu: {experiment.resources[asked[0]].gpu}, but PyTorch finds no GPU on this machine; "
            "run on a stack that has one with --stack, or say --set training.device=cpu"
        )


def _refuse_lonely_pods(stack: StackResponse) -> None:
    """Pods must reach the ZenML server that this process talks to."""
    from zenml.client import Client

    from steps.resources import KUBEFLOW, KUBERNETES

    flavors = {component.flavor_name for found in stack.components.values() for component in found}
    if flavors & {KUBERNETES, KUBEFLOW} and str(Client().zen_store.type) != "rest":
        raise PolytaskError(
            f"--stack {stack.name}: its pods need a ZenML server that they reach too, and this is a database in the home folder; "
            "set ZENML_STORE_URL and ZENML_STORE_API_KEY, then register the stack there"
        )


def _docker(stack: StackResponse) -> Any:
    """The image as it is, by its name. A source tree travels to the pods; a project that is installed is in the image already."""
    from zenml.config import DockerSettings

    from pipelines.stacks import IMAGE

    image = (stack.labels or {}).get(IMAGE)
    if image is None:
        raise ConfigError(f"--stack {stack.name}: it has no image for its pods; give `image` in its file and register it again")
    from_source = (SOURCE_ROOT / "pyproject.toml").is_file()
    return DockerSettings(
        parent_image=image,
        skip_build=True,
        allow_download_from_artifact_store=from_source,
        allow_including_files_in_images=not from_source,
        allow_download_from_code_repository=False,
    )


def _environment() -> dict[str, str]:
    """What every pod gets; it has no git, so it is told the commit."""
    from steps.lineage import COMMIT, git_commit

    commit = git_commit()
    return QUIET | ({COMMIT: commit} if commit else {})
