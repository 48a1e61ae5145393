"""Stack files brought into ZenML: a user would lose a secret to a log, or a stack to a second registration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mtl_models.config import parse_experiment
from mtl_models.errors import ConfigError, PolytaskError
from pipelines.cron import checked_cron
from pipelines.environment import prepare
from pipelines.placing import place, use_stack
from pipelines.stack_file import StackFile, load_stack
from pipelines.stacks import IMAGE, find_stack, register

pytest.importorskip("kubernetes", reason="needs the extra `cluster`")

STACKS = Path(__file__).resolve().parents[2] / "configs" / "stacks"
ADDRESSES = {
    "POLYTASK_IMAGE": "registry.example.com/polytask-runner:0.1.0",
    "POLYTASK_S3_ENDPOINT": "http://s3.example.com:8333",
    "POLYTASK_CONTEXT": "some-cluster",
    "POLYTASK_REGISTRY": "registry.example.com",
    "POLYTASK_KUBEFLOW": "https://kubeflow.example.com/pipeline",
    "AWS_ACCESS_KEY_ID": "an-id",
    "AWS_SECRET_ACCESS_KEY": "very-secret",
    "MLFLOW_TRACKING_USERNAME": "polytask",
    "MLFLOW_TRACKING_PASSWORD": "also-secret",
}


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name, value in ADDRESSES.items():
        monkeypatch.setenv(name, value)
    return ADDRESSES


@pytest.fixture(scope="module")
def store() -> Iterator[None]:
    """A ZenML store in the home folder of the session."""
    prepare()
    from pipelines.zenml_store import lay_out_store

    lay_out_store()
    return


def test_every_stack_file_shipped_is_one(addresses: dict[str, str]) -> None:
    for path in STACKS.glob("*.yaml"):
        assert load_stack(path).name == path.stem


def test_an_address_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLYTASK_IMAGE", raising=False)
    with pytest.raises(ConfigError, match="POLYTASK_IMAGE"):
        load_stack(STACKS / "kubernetes.yaml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: x", "components"),
        ("name: x\ncomponents: {orchestrator: {flavor: local}}", "lacks artifact_store"),
        ("name: x\nimages: y\ncomponents: {}", "did you mean 'image'"),
        ("- x", "a stack file is a mapping"),
    ],
)
def test_a_mistake_in_a_stack_file_is_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(ConfigError, match=told):
        load_stack(tmp_path / "x.yaml")


def test_a_second_registration_changes_nothing_and_a_third_what_differs(
    store: None, addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = load_stack(STACKS / "kubernetes.yaml")
    first = register(file)
    assert [change for change in first if "created" in change] == first
    assert register(file) == []
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "rotated-secret")
    monkeypatch.setenv("POLYTASK_IMAGE", "registry.example.com/polytask-runner:0.2.0")
    monkeypatch.setenv("POLYTASK_CONTEXT", "other-cluster")
    changes = register(load_stack(STACKS / "kubernetes.yaml"))
    told = "\n".join(changes)
    assert len(changes) == 3, changes
    assert "AWS_SECRET_ACCESS_KEY changed" in told
    assert "kubernetes_context changed" in told
    assert "0.1.0 -> " in told
    assert "secret" not in told.replace("secret polytask-storage", "").replace("AWS_SECRET_ACCESS_KEY", "")
    stack = find_stack("kubernetes")
    assert stack.labels[IMAGE].endswith(":0.2.0")
    assert stack.environment["AWS_ENDPOINT_URL_S3"] == "http://s3.example.com:8333"
    assert "an-id" not in str(stack), "a key stands in the stack itself"
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert register(load_stack(STACKS / "kubernetes.yaml")) == [], "a secret that is stored needs no variable"


def test_a_secret_that_is_nowhere_is_named(store: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    file = StackFile.model_validate(
        {
            "name": "y",
            "secrets": {"lost": ["NOWHERE"]},
            "components": {kind: {"flavor": "local"} for kind in ("orchestrator", "artifact_store")},
        }
    )
    with pytest.raises(ConfigError, match="NOWHERE"):
        register(file)


def test_names_of_stacks(store: None) -> None:
    assert find_stack("local").name in ("local", "default")
    with pytest.raises(ConfigError, match="polytask stack register"):
        find_stack("elsewhere")


def test_pods_and_a_database_in_the_home_folder_do_not_go_together(
    store: None, addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", "")  # so that what use_stack sets is taken back
    register(load_stack(STACKS / "kubernetes.yaml"))
    with pytest.raises(PolytaskError, match="ZENML_STORE_URL"):
        use_stack("kubernetes")


def test_a_pipeline_in_pods_is_told_all_and_one_on_this_machine_nothing(
    store: None, addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.training import training

    register(load_stack(STACKS / "kubernetes.yaml"))
    tasks = {"movie": {"source": "s3://b/m.csv"}, "book": {"source": "s3://b/b.csv"}}
    experiment = parse_experiment(
        {"name": "x", "tasks": {name: {"corpus": corpus} for name, corpus in tasks.items()}, "resources": {"train_single_book": {"gpu": 0}}}
    )
    arguments = experiment, {"corpus:movie": "1", "corpus:book": "2"}
    here = place(training, arguments)
    assert (here.in_pods, here.options) == (False, {})
    monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", str(find_stack("kubernetes").id))
    there = place(training, arguments, read_anew=True)
    assert there.in_pods
    docker = there.options["settings"]["docker"]
    assert (docker.parent_image, docker.skip_build) == (find_stack("kubernetes").labels[IMAGE], True)
    steps = there.options["steps"]
    assert {name: spec.gpu for name, spec in there.steps.items() if spec.gpu} == {"train_joint": 1, "train_single_movie": 1}
    pod = steps["train_joint"]["settings"]["orchestrator"].pod_settings
    assert [mount["mountPath"] for mount in pod.volume_mounts] == ["/polytask", "/dev/shm"]
    assert steps["ingest_movie"]["enable_cache"] is False
    assert there.steps["evaluate"].timeout == 86_400


def test_a_gpu_that_this_machine_lacks_is_refused_before_anything_runs(store: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.training import training

    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    asked = {"name": "x", "tasks": {"movie": "m.csv"}, "resources": {"train_joint": {"gpu": 1}}}
    with pytest.raises(ConfigError, match=r"resources.train_joint.gpu"):
        place(training, (parse_experiment(asked), {}))


def test_cron_has_five_fields() -> None:
    assert checked_cron("0 3 * * 1") == "0 3 * * 1"
    for wrong in ("0 3 * *", "61 * * * *", "daily"):
        with pytest.raises(ConfigError, match="five fields"):
            checked_cron(wrong)
