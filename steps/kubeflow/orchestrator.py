"""The orchestrator behind the flavor: compiles with all settings, submits, schedules by five-field cron in UTC."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from kfp import dsl
from zenml.entrypoints import StepEntrypointConfiguration
from zenml.integrations.kubeflow.orchestrators.kubeflow_orchestrator import ENV_KFP_RUN_ID, KubeflowOrchestrator
from zenml.orchestrators.utils import get_orchestrator_run_name

from steps.kubeflow.compiling import Component, compile_pipeline
from steps.kubeflow.flavor import PolytaskKubeflowConfig, PolytaskKubeflowSettings

if TYPE_CHECKING:
    from zenml.config.step_configurations import Step
    from zenml.models import PipelineSnapshotResponse, ScheduleResponse
    from zenml.orchestrators import SubmissionResult

__all__ = ["PolytaskKubeflowOrchestrator", "recurring_run"]


class PolytaskKubeflowOrchestrator(KubeflowOrchestrator):
    """ZenML's orchestrator with what its own compilation drops: GPUs, memory, tolerations, volumes, tries, times."""

    @property
    def config(self) -> PolytaskKubeflowConfig:
        """The component's configuration."""
        return cast("PolytaskKubeflowConfig", self._config)

    @property
    def settings_class(self) -> type[PolytaskKubeflowSettings]:
        """What settings of runs and steps are checked with."""
        return PolytaskKubeflowSettings

    def component(self, name: str, step: Step, image: str, arguments: list[str], environment: dict[str, str]) -> Component:
        """A step of a snapshot, with its settings and, where they are silent, the component's."""
        settings = cast("PolytaskKubeflowSettings", self.get_settings(step))
        return Component(
            name=name,
            image=image,
            command=StepEntrypointConfiguration.get_entrypoint_command(),
            arguments=arguments,
            environment={ENV_KFP_RUN_ID: dsl.PIPELINE_JOB_NAME_PLACEHOLDER, **environment},
            upstream=step.spec.upstream_steps,
            resources=step.config.resource_settings,
            gpu_type=settings.gpu_type,
            pod=settings.pod,
            retry=step.config.retry,
            timeout=settings.step_timeout,
        )

    def submit_pipeline(
        self,
        snapshot: PipelineSnapshotResponse,
        stack: Any,  # noqa: ARG002 (ZenML passes it)
        base_environment: dict[str, str],  # noqa: ARG002
        step_environments: dict[str, dict[str, str]],
        placeholder_run: Any = None,  # noqa: ARG002
    ) -> SubmissionResult | None:
        """Compile the pipeline and hand it to Kubeflow, once or on its schedule."""
        name = get_orchestrator_run_name(pipeline_name=snapshot.pipeline_configuration.name).replace("_", "-")
        components = [
            self.component(
                step_name,
                step,
                self.get_image(snapshot=snapshot, step_name=step_name),
                StepEntrypointConfiguration.get_entrypoint_arguments(step_name=step_name, snapshot_id=snapshot.id),
                step_environments[step_name],
            )
            for step_name, step in snapshot.step_configurations.items()
        ]
        folder = Path(self.pipeline_directory)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.yaml"
        compile_pipeline(name, components, path)
        if snapshot.schedule:
            self._schedule(snapshot, snapshot.schedule, path, name)
            return None
        return self._upload_and_run_pipeline(snapshot=snapshot, pipeline_file_path=str(path), run_name=name)

    def _schedule(self, snapshot: PipelineSnapshotResponse, schedule: ScheduleResponse, path: Path, name: str) -> None:
        settings = cast("PolytaskKubeflowSettings", self.get_settings(snapshot))
        client = self._get_kfp_client(settings=settings)
        # One experiment per pipeline; where there is one already, Kubeflow gives that.
        experiment = client.create_experiment(snapshot.pipeline_configuration.name, namespace=settings.user_namespace)
        client.create_recurring_run(
            experiment_id=experiment.experiment_id,
            job_name=name,
            pipeline_package_path=str(path),
            enable_caching=False,
            **recurring_run(schedule),
        )


def recurring_run(schedule: ScheduleResponse) -> dict[str, Any]:
    """Kubeflow's form of a schedule: its cron has the second in front; one run at a time, and missed ones are not caught up."""
    if not schedule.cron_expression:
        raise ValueError("a schedule on Kubeflow is a cron expression; intervals longer than a day lose their days on the way")
    return {
        "cron_expression": f"0 {schedule.cron_expression}",
        "start_time": schedule.utc_start_time,
        "end_time": schedule.utc_end_time,
        "max_concurrency": 1,
        "no_catchup": not schedule.catchup,
    }
