"""Kubeflow pipelines as they are compiled: a user would lose the GPU, memory, tolerations, tries or time that a step asks for.

The pipelines in golden/ are what the training pipeline compiles to, ZenML's own compiler included. After a change that is meant:
POLYTASK_GOLDEN=write pytest tests/cluster/test_kubeflow.py, then read the difference.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import yaml

from mtl_models.config import parse_experiment
from pipelines.stack_file import load_stack

pytest.importorskip("kfp", reason="needs the extra `kubeflow`")

from zenml.integrations.kubernetes.pod_settings import KubernetesPodSettings

from steps.kubeflow.compiling import Component, compile_pipeline
from steps.kubeflow.orchestrator import recurring_run
from steps.lineage import COMMIT

GOLDEN = Path(__file__).parent / "golden"
STACK = Path(__file__).resolve().parents[2] / "configs" / "stacks" / "kubeflow.yaml"
IMAGE = "registry.example.com/polytask-runner:0.1.0"
ADDRESSES = {
    "POLYTASK_IMAGE": IMAGE,
    "POLYTASK_S3_ENDPOINT": "http://s3.example.com:8333",
    "POLYTASK_REGISTRY": "registry.example.com",
    "POLYTASK_KUBEFLOW": "https://kubeflow.example.com/pipeline",
    **dict.fromkeys(
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"), "kept-in-zenml"
    ),
    COMMIT: "0123456789abcdef0123456789abcdef01234567",
}
GPU = {
    "default": {"cpu": 1, "memory": "4Gi"},
    "train_joint": {
        "cpu": 8,
        "memory": "32Gi",
        "gpu": 2,
        "node_selector": {"cloud.google.com/gke-accelerator": "nvidia-l4"},
        "tolerations": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}, {"key": "spot", "operator": "Equal", "value": "true"}],
        "shared_memory": "8Gi",
        "timeout": "12h",
        "retries": 4,
    },
}
CASES = {
    "gpu": (("movie", "product"), GPU),
    "cpu": (("movie",), {"default": {"cpu": 0.5, "memory": "512Mi", "gpu": 0, "retries": 0}}),
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The training pipeline of two experiments on the shipped stack, by ZenML's compiler and ours."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in ADDRESSES.items():
            environment.setenv(name, value)
        from pipelines.environment import prepare
        from pipelines.stacks import find_stack, register
        from pipelines.zenml_store import lay_out_store

        prepare()
        lay_out_store()
        register(load_stack(STACK))
        environment.setenv("ZENML_ACTIVE_STACK_ID", str(find_stack("kubeflow").id))
        folder = tmp_path_factory.mktemp("compiled")
        return {case: compile_training(case, folder / f"{case}.yaml") for case in CASES}


def compile_training(case: str, path: Path) -> Path:
    from zenml.client import Client
    from zenml.config.compiler import Compiler
    from zenml.config.pipeline_run_configuration import PipelineRunConfiguration
    from zenml.entrypoints import StepEntrypointConfiguration
    from zenml.utils.env_utils import get_runtime_environment

    from pipelines.placing import place
    from pipelines.training import training

    tasks, resources = CASES[case]
    experiment = parse_experiment({"name": case, "tasks": {name: f"s3://bucket/{name}.csv" for name in tasks}, "resources": resources})
    arguments = experiment, {f"corpus:{name}": "1" for name in tasks}
    placed = place(training, arguments)
    pipeline = training.with_options(settings=placed.options["settings"], environment=placed.options["environment"])
    pipeline.prepare(*arguments)
    stack = Client().active_stack
    snapshot = Compiler().compile(pipeline, stack, PipelineRunConfiguration(run_name=case, steps=placed.options["steps"]))
    components = [
        stack.orchestrator.component(
            name,
            step,
            IMAGE,
            StepEntrypointConfiguration.get_entrypoint_arguments(step_name=name, snapshot_id=UUID(int=7)),
            get_runtime_environment(step.config, stack),
        )
        for name, step in snapshot.step_configurations.items()
    ]
    compile_pipeline(case, components, path)
    return path


def stable(path: Path) -> list[dict[str, Any]]:
    """Both documents, without the version of kfp that wrote them."""
    documents = [*yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    documents[0].pop("sdkVersion")
    return documents


@pytest.mark.parametrize("case", CASES)
def test_the_training_pipeline_compiles_to_what_was_read_and_kept(case: str, compiled: dict[str, Path]) -> None:
    golden = GOLDEN / f"kubeflow-{case}.yaml"
    found = yaml.safe_dump_all(stable(compiled[case]), sort_keys=True)
    if os.environ.get("POLYTASK_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


def test_what_train_joint_asks_for_stands_in_the_pipeline(compiled: dict[str, Path]) -> None:
    pipeline, platform = stable(compiled["gpu"])
    asked = pipeline["deploymentSpec"]["executors"]["exec-train-joint"]["container"]["resources"]
    assert asked["accelerator"] == {"count": "2", "resourceCount": "2", "resourceType": "nvidia.com/gpu", "type": "nvidia.com/gpu"}
    assert (asked["resourceCpuLimit"], asked["resourceMemoryLimit"]) == ("8", "32768Mi")
    retry = pipeline["root"]["dag"]["tasks"]["train-joint"]["retryPolicy"]
    assert (retry["maxRetryCount"], retry["backoffDuration"]) == (4, "10s")
    there = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-train-joint"]
    assert there["nodeSelector"]["labels"] == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    assert [found["key"] for found in there["tolerations"]] == ["nvidia.com/gpu", "spot"]
    assert there["emptyDirMounts"] == [{"medium": "Memory", "mountPath": "/dev/shm", "sizeLimit": "8Gi", "volumeName": "shared-memory"}]
    assert there["pvcMount"][0]["mountPath"] == "/polytask"
    assert there["activeDeadlineSeconds"] == "43200"


def test_steps_wait_for_those_before_them_and_no_secret_is_written_down(compiled: dict[str, Path]) -> None:
    pipeline, _ = stable(compiled["gpu"])
    tasks = pipeline["root"]["dag"]["tasks"]
    assert tasks["validate-movie"]["dependentTasks"] == ["ingest-movie"]
    assert "separate-product" in tasks["train-joint"]["dependentTasks"]
    text = compiled["gpu"].read_text(encoding="utf-8")
    assert "kept-in-zenml" not in text
    assert "accelerator" not in compiled["cpu"].read_text(encoding="utf-8")


def test_a_schedule_is_cron_with_seconds_one_run_at_a_time() -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    given = SimpleNamespace(cron_expression="0 3 * * 1", utc_start_time=day, utc_end_time=None, catchup=False)
    assert recurring_run(given) == {
        "cron_expression": "0 0 3 * * 1",
        "start_time": day,
        "end_time": None,
        "max_concurrency": 1,
        "no_catchup": True,
    }
    with pytest.raises(ValueError, match="cron"):
        recurring_run(SimpleNamespace(cron_expression=None))


def test_pod_settings_that_kubeflow_has_no_word_for_are_refused(tmp_path: Path) -> None:
    pod = KubernetesPodSettings(scheduler_name="volcano")
    with pytest.raises(ValueError, match="scheduler_name"):
        compile_pipeline("x", [Component("step", IMAGE, ["run"], [], pod=pod)], tmp_path / "x.yaml")


@pytest.mark.slow
def test_components_run_one_after_another_in_containers_here(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """By kfp's own Docker runner. It reads neither exit codes nor resources, and keeps the image's entry point, hence `env`."""
    image = os.environ.get("POLYTASK_IMAGE")
    if image is None or "DOCKER_HOST" not in os.environ:
        pytest.skip("set DOCKER_HOST (a container engine) and POLYTASK_IMAGE (the runner image in it)")
    from kfp import components, local

    compile_pipeline(
        "here",
        [
            Component("version", image, ["polytask"], ["--version"]),
            Component("home", image, ["sh", "-c"], ['echo "home is $POLYTASK_HOME"'], {"POLYTASK_HOME": "/tmp/home"}, upstream=["version"]),
        ],
        tmp_path / "here.yaml",
    )
    local.init(local.DockerRunner(entrypoint=["/usr/bin/env"]), pipeline_root=str(tmp_path / "root"))
    components.load_component_from_file(str(tmp_path / "here.yaml"))()
    told = "".join(capfd.readouterr())
    assert "polytask 0." in told
    assert "home is /tmp/home" in told
    assert told.index("polytask 0.") < told.index("home is")
