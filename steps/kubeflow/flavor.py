"""The flavor `polytask_kubeflow`: ZenML's, with the pod settings and the kind of GPU that its own throws away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from zenml.integrations.kubeflow.flavors.kubeflow_orchestrator_flavor import (
    KubeflowOrchestratorConfig,
    KubeflowOrchestratorFlavor,
    KubeflowOrchestratorSettings,
)
from zenml.integrations.kubernetes.pod_settings import KubernetesPodSettings

from steps.resources import KUBEFLOW

if TYPE_CHECKING:
    from steps.kubeflow.orchestrator import PolytaskKubeflowOrchestrator

__all__ = ["PolytaskKubeflowConfig", "PolytaskKubeflowFlavor", "PolytaskKubeflowSettings"]


class PolytaskKubeflowSettings(KubeflowOrchestratorSettings):
    """Settings of a run or of a step."""

    pod: KubernetesPodSettings | None = Field(None, description="pod settings; the parent's validator overwrites its `pod_settings`")
    gpu_type: str | None = Field(None, description="the resource that GPUs are asked for as")
    step_timeout: int | None = Field(None, description="seconds after which a step is ended")


class PolytaskKubeflowConfig(KubeflowOrchestratorConfig, PolytaskKubeflowSettings):
    """The component; its `pod` is what every step gets."""

    @property
    def handles_step_retries(self) -> bool:
        """Kubeflow tries again, so that a pod that was killed is tried again too."""
        return True


class PolytaskKubeflowFlavor(KubeflowOrchestratorFlavor):
    """What ZenML makes the component from."""

    @property
    def name(self) -> str:
        """As in `configs/stacks/kubeflow.yaml`."""
        return KUBEFLOW

    @property
    def config_class(self) -> type[PolytaskKubeflowConfig]:
        """What the component's configuration is checked with."""
        return PolytaskKubeflowConfig

    @property
    def implementation_class(self) -> type[PolytaskKubeflowOrchestrator]:
        """Imported when it is needed: kfp is heavy."""
        from steps.kubeflow.orchestrator import PolytaskKubeflowOrchestrator

        return PolytaskKubeflowOrchestrator
