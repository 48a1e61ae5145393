"""What a step asks of the machine it runs on: one spec, from which every orchestrator's own form is made (steps/resources.py)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from mtl_models.config.base import Section

__all__ = ["DEFAULT", "GPUS_WANTED", "SIZE", "STEPS", "TRAINING_STEPS", "StepResources", "Toleration", "key_of", "resources_of"]

DEFAULT = "default"
GPUS_WANTED = "POLYTASK_GPUS"
"""Environment variable of a step's process: how many GPUs were asked for; without it none was promised."""
TRAINING_STEPS = ("train_joint", "train_single", "finetune_model")
"""Steps that train networks: on a cluster they ask for a GPU unless told `gpu: 0`."""
STEPS = (
    *TRAINING_STEPS,
    "ingest",
    "validate",
    "separate",
    "build_vocabulary",
    "build_embeddings",
    "load_backbone",
    "load_base",
    "train_reference",
    "train_pooled_reference",
    "evaluate",
    "compare",
    "register",
    "report",
    "compare_data",
    "decide_retraining",
    "hold_apart",
    "keep_regression",
    "log_retraining",
    "report_retraining",
)
"""Steps that `resources` may name; one that runs once per task or vocabulary also with `_TASK` behind it."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SIZE = r"^[1-9][0-9]*(Mi|Gi|Ti)$"


def _seconds(value: Any) -> Any:
    """`90m` and the like as seconds; anything else as it is, for pydantic to judge."""
    found = re.fullmatch(r"([0-9]+)\s*([smhd])", value) if isinstance(value, str) else None
    if isinstance(value, str) and found is None:
        raise ValueError("a time is a number and a unit: 90s, 30m, 6h or 2d")
    return int(found[1]) * _UNITS[found[2]] if found else value


Seconds = Annotated[int, BeforeValidator(_seconds), Field(ge=1)]
Size = Annotated[str, Field(pattern=SIZE)]


class Toleration(Section):
    """A taint of nodes that the step's pod puts up with, in the words of Kubernetes."""

    key: str | None = Field(None, description="of the taint; left out, every key")
    operator: Literal["Exists", "Equal"] = Field("Exists", description="whether the taint is there, or has this value")
    value: str | None = Field(None, description="of the taint, with operator Equal")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(None, description="left out, every effect")

    @model_validator(mode="after")
    def _value_fits_operator(self) -> Toleration:
        if (self.operator == "Equal") != (self.value is not None):
            raise ValueError("operator Equal goes with a value, operator Exists without one")
        if self.operator == "Equal" and self.key is None:
            raise ValueError("operator Equal needs the key whose value is compared")
        return self


class StepResources(Section):
    """What one step asks for; a key left out is taken from `default`, and there from what suits the step."""

    cpu: float | None = Field(None, gt=0.0, description="cores, 0.5 is half of one")
    memory: Size | None = Field(None, description="512Mi, 8Gi; a step that takes more is ended")
    gpu: int | None = Field(None, ge=0, description="how many; on a cluster 1 for steps that train, 0 for the others")
    gpu_type: str | None = Field(None, min_length=1, description="the resource that GPUs are asked for as; default: nvidia.com/gpu")
    node_selector: dict[str, str] | None = Field(None, description="labels that the node must have")
    tolerations: tuple[Toleration, ...] | None = Field(
        None, description="taints that are put up with; with a GPU also the one named like `gpu_type`, unless this is []"
    )
    shared_memory: Size | None = Field(None, description="of /dev/shm, which data loaders and NCCL share; on a cluster 1Gi with a GPU")
    timeout: Seconds | None = Field(None, description="30m, 6h: the step is ended after so long, waiting for a node and retries included")
    retries: int | None = Field(None, ge=0, le=10, description="tries after a failed one; on a cluster 2 for steps that train, else 0")

    @model_validator(mode="after")
    def _gpu_type_is_a_resource(self) -> StepResources:
        if self.gpu_type is not None and "/" not in self.gpu_type:
            raise ValueError("gpu_type is the name of an extended resource such as nvidia.com/gpu; for a model of GPU use node_selector")
        return self

    def over(self, below: StepResources) -> StepResources:
        """These settings, and where they are silent those of `below`."""
        mine = {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}
        return below.model_copy(update=mine)


def resources_of(step: str, section: Mapping[str, StepResources]) -> StepResources:
    """What the step asks for on a cluster; of `default`, `train_single` and `train_single_movie` the narrower goes first."""
    training = key_of(step) in TRAINING_STEPS
    found = StepResources(gpu=int(training), gpu_type="nvidia.com/gpu", retries=2 if training else 0)
    for key in (DEFAULT, key_of(step), step):
        if key in section:
            found = section[key].over(found)
    if not found.gpu:
        return found
    of_gpus = Toleration(key=found.gpu_type, effect="NoSchedule")
    found = found.over(StepResources(shared_memory="1Gi", tolerations=(of_gpus,)))
    if found.tolerations and not {None, found.gpu_type} & {given.key for given in found.tolerations}:
        return found.model_copy(update={"tolerations": (of_gpus, *found.tolerations)})
    return found


def key_of(step: str) -> str:
    """The step that an invocation is one of: `train_single_movie` is a `train_single`. A step that is not in `STEPS` is itself."""
    if step in STEPS:
        return step
    return max((name for name in STEPS if step.startswith(f"{name}_")), key=len, default=step)
