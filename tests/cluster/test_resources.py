"""What a step asks for: a user would lose a GPU, memory or tries that they asked for, or train on a CPU without being told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.config import parse_experiment
from mtl_models.config.resources import GPUS_WANTED, STEPS, TRAINING_STEPS, StepResources, Toleration, key_of, resources_of
from mtl_models.config.training import Training
from mtl_models.errors import ConfigError
from mtl_models.training.devices import chosen_device
from steps.resources import KUBEFLOW, KUBERNETES, pod_settings, resource_settings, retry_config, step_environment, step_options

pytest.importorskip("kubernetes", reason="needs the extra `cluster`")

FULL = StepResources(
    cpu=2,
    memory="8Gi",
    gpu=2,
    gpu_type="amd.com/gpu",
    node_selector={"zone": "a"},
    tolerations=(Toleration(key="spot", operator="Equal", value="yes", effect="NoExecute"),),
    shared_memory="2Gi",
    timeout=7200,
    retries=3,
)


def section(**resources: object) -> dict[str, StepResources]:
    return parse_experiment({"name": "x", "tasks": {"movie": "m.csv"}, "resources": resources}).resources


def test_steps_that_train_ask_for_one_gpu_unless_told_otherwise() -> None:
    for step in STEPS:
        assert resources_of(step, {}).gpu == (1 if step in TRAINING_STEPS else 0)
    assert resources_of("train_single_movie", {}).gpu == 1
    assert resources_of("train_joint", section(default={"gpu": 0})).gpu == 0
    assert resources_of("train_single_movie", section(train_single={"gpu": 2}, train_single_movie={"gpu": 0})).gpu == 0


def test_the_narrower_entry_goes_first_and_keys_it_lacks_come_from_the_wider() -> None:
    given = section(default={"cpu": 1, "memory": "2Gi"}, train_single={"memory": "4Gi"}, train_single_movie={"retries": 0})
    found = resources_of("train_single_movie", given)
    assert (found.cpu, found.memory, found.retries, found.gpu) == (1, "4Gi", 0, 1)
    assert resources_of("train_single_other", given).retries == 2


def test_a_gpu_brings_its_toleration_and_shared_memory_unless_given() -> None:
    found = resources_of("train_joint", section(train_joint={"gpu_type": "amd.com/gpu"}))
    assert found.tolerations == (Toleration(key="amd.com/gpu", effect="NoSchedule"),)
    assert found.shared_memory == "1Gi"
    assert resources_of("train_joint", section(train_joint={"tolerations": []})).tolerations == ()
    beside = resources_of("train_joint", section(train_joint={"tolerations": [{"key": "spot"}]})).tolerations
    assert beside == (Toleration(key="nvidia.com/gpu", effect="NoSchedule"), Toleration(key="spot"))
    own = {"tolerations": [{"key": "nvidia.com/gpu", "operator": "Equal", "value": "a"}]}
    assert [one.value for one in resources_of("train_joint", section(train_joint=own)).tolerations or ()] == ["a"]
    assert resources_of("evaluate", {}).tolerations is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"train_jiont": {}}, "train_jiont"),
        ({"train_single_music": {}}, "train_single_music"),
        ({"default": {"memory": "2GB"}}, "512Mi, 8Gi"),
        ({"default": {"timeout": "2 hours"}}, "90s, 30m, 6h or 2d"),
        ({"default": {"gpus": 1}}, "did you mean 'gpu'"),
        ({"default": {"gpu_type": "a100"}}, "node_selector"),
        ({"default": {"tolerations": [{"operator": "Equal", "value": "x"}]}}, "needs the key"),
    ],
)
def test_a_mistake_is_told(given: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        section(**given)


def test_times_are_read_with_their_units() -> None:
    assert [section(default={"timeout": text})["default"].timeout for text in ("90s", "30m", "6h", "2d")] == [90, 1800, 21600, 172800]


def test_steps_know_what_they_are_one_of() -> None:
    assert key_of("train_single_movie") == "train_single"
    assert key_of("train_reference_movie") == "train_reference"
    assert key_of("report_retraining") == "report_retraining"
    assert key_of("unheard") == "unheard"


def test_every_key_reaches_the_pod() -> None:
    pod = pod_settings(FULL)
    assert pod.resources["limits"] == {"cpu": "2", "memory": "8Gi", "amd.com/gpu": "2"}
    assert pod.resources["requests"] == {"cpu": "2", "memory": "8Gi"}
    assert pod.node_selectors == {"zone": "a"}
    assert pod.tolerations == [{"key": "spot", "operator": "Equal", "value": "yes", "effect": "NoExecute"}]
    assert pod.volumes == [{"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}]
    assert pod.volume_mounts == [{"name": "shared-memory", "mountPath": "/dev/shm"}]


def test_the_stack_s_own_pod_settings_stay() -> None:
    base = {
        "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "home"}}],
        "volume_mounts": [{"name": "home", "mountPath": "/polytask"}],
        "node_selectors": {"pool": "ml"},
        "tolerations": [{"key": "ml", "operator": "Exists"}],
        "resources": {"limits": {"ephemeral-storage": "1Gi"}},
    }
    pod = pod_settings(FULL, base)
    assert [mount["mountPath"] for mount in pod.volume_mounts] == ["/polytask", "/dev/shm"]
    assert pod.node_selectors == {"pool": "ml", "zone": "a"}
    assert len(pod.tolerations) == 2
    assert pod.resources["limits"]["ephemeral-storage"] == "1Gi"
    assert base["volumes"] == [{"name": "home", "persistentVolumeClaim": {"claimName": "home"}}]


@given(st.integers(1, 4096), st.sampled_from(["Mi", "Gi"]), st.floats(0.1, 64), st.integers(0, 16))
def test_all_forms_ask_for_the_same(number: int, unit: str, cpu: float, gpu: int) -> None:
    spec = StepResources(memory=f"{number}{unit}", cpu=cpu, gpu=gpu, gpu_type="nvidia.com/gpu")
    plain, pod = resource_settings(spec), pod_settings(spec)
    assert plain.get_memory("MiB") == number * (1024 if unit == "Gi" else 1)
    assert pod.resources["limits"]["memory"] == f"{number}{unit}"
    assert plain.gpu_count == gpu == int(pod.resources["limits"].get("nvidia.com/gpu", 0))
    assert float(pod.resources["limits"]["cpu"]) == pytest.approx(plain.cpu_count, rel=1e-5)


def test_options_of_a_step_for_each_orchestrator() -> None:
    kubernetes = step_options(FULL, KUBERNETES)
    assert kubernetes["settings"]["orchestrator"].active_deadline_seconds == 7200
    assert kubernetes["retry"].max_retries == 3
    assert kubernetes["environment"] == {GPUS_WANTED: "2", "OMP_NUM_THREADS": "2"}
    assert step_options(FULL, "local") == {"retry": retry_config(FULL)}
    assert step_options(StepResources(), "local") == {}
    pytest.importorskip("kfp", reason="needs the extra `kubeflow`")
    kubeflow = step_options(FULL, KUBEFLOW)["settings"]["orchestrator"]
    assert (kubeflow.gpu_type, kubeflow.step_timeout, kubeflow.pod.node_selectors) == ("amd.com/gpu", 7200, {"zone": "a"})


def test_a_gpu_that_was_asked_for_and_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv(GPUS_WANTED, step_environment(StepResources(gpu=1))[GPUS_WANTED])
    with pytest.raises(ConfigError, match=r"1 GPU was asked for and PyTorch finds none"):
        chosen_device(Training(device="auto"))
    assert chosen_device(Training(device="cpu")) == "cpu"
    monkeypatch.delenv(GPUS_WANTED)
    assert chosen_device(Training(device="auto")) == "cpu"
