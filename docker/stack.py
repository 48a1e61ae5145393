"""The services of compose.yaml as ordinary processes, for machines without containers; and docker/.env, for both ways.

    python docker/stack.py env     make docker/.env with random secrets, if it is not there
    python docker/stack.py up      PostgreSQL, S3, MLflow and ZenML on 127.0.0.1, in the background
    python docker/stack.py down    end them; what they keep stays

PostgreSQL is the system's (Debian: apt-get install postgresql), the rest comes with `pip install -c constraints.txt 'polytask[stack]'`.
State, logs and process ids lie in docker/.stack, or where --folder says; --env names another file than docker/.env.
"""

from __future__ import annotations

import argparse
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_HOST = "127.0.0.1"
_PATIENCE, _GRACE = 180.0, 20.0
_MLFLOW = {
    "POSTGRES_HOST": _HOST,
    "POSTGRES_USER": "polytask",
    "MLFLOW_BUCKET": "mlflow",
    "MLFLOW_HOST": _HOST,
    "MLFLOW_HOSTS": f"{_HOST}:*",
}


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["env", "up", "down"])
    parser.add_argument("--folder", type=Path, default=_HERE / ".stack", help="state, logs, process ids (default: docker/.stack)")
    parser.add_argument("--env", type=Path, default=_HERE / ".env", help="ports, addresses, secrets (default: docker/.env)")
    given = parser.parse_args()
    if given.command != "down":
        make_env(given.env)
    if given.command == "up":
        up(given.folder.resolve(), read_env(given.env))
    elif given.command == "down":
        down(given.folder.resolve())


def make_env(path: Path) -> None:
    """Write env.example with a random secret for every empty value, readable by its owner only; leave a file that is there."""
    if path.exists():
        return
    lines = [_filled(line) for line in (_HERE / "env.example").read_text(encoding="utf-8").splitlines()]
    lines[0] = "# Made by `make stack-up` from env.example. Never commit it."
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"made {path}: addresses and secrets of the stack; keep it to yourself")


def _filled(line: str) -> str:
    return line + secrets.token_hex(24) if line.endswith("=") and not line.startswith("#") else line


def read_env(path: Path) -> dict[str, str]:
    """Names and values of an env file."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return {name: value for name, _, value in (line.partition("=") for line in lines if line and not line.startswith("#"))}


def up(folder: Path, values: dict[str, str]) -> None:
    """Start what does not run yet, each service once those it needs answer."""
    folder.mkdir(parents=True, exist_ok=True)
    _start_postgres(folder / "postgres", values)
    inner = os.environ | values | {"PYTHONUNBUFFERED": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    _start(
        folder,
        "s3",
        [str(_HERE / "services" / "s3_server.py")],
        inner | {"S3_BUCKETS": "mlflow zenml", "S3_FOLDER": str(folder / "s3"), "S3_HOST": _HOST},
    )
    _await(folder, "s3", f"http://{_HOST}:{values['S3_PORT']}/healthz")
    _start(folder, "mlflow", [str(_HERE / "services" / "mlflow_server.py")], inner | _MLFLOW)
    server = ["-m", "uvicorn", "zenml.zen_server.zen_server_api:app", "--host", _HOST, "--port", values["ZENML_PORT"]]
    _start(folder, "zenml", [*server, "--log-level", "warning"], _zenml(inner, folder, values))
    _await(folder, "mlflow", f"http://{_HOST}:{values['MLFLOW_PORT']}/health")
    _await(folder, "zenml", f"http://{_HOST}:{values['ZENML_PORT']}/health")
    print(f"MLflow {values['MLFLOW_TRACKING_URI']}, ZenML {values['ZENML_STORE_URL']}, S3 {values['AWS_ENDPOINT_URL_S3']}")


def _zenml(inner: dict[str, str], folder: Path, values: dict[str, str]) -> dict[str, str]:
    """The server's environment: that of a client, less the address, at which it would look for another server."""
    settings = {
        "ZENML_SERVER": "true",
        "ZENML_CONFIG_PATH": str(folder / "zenml"),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_SERVER_DEPLOYMENT_TYPE": "other",
        "ZENML_SERVER_AUTO_ACTIVATE": "true",
        "ZENML_SERVER_SERVER_URL": values["ZENML_STORE_URL"],
        "ZENML_SECRETS_STORE_TYPE": "sql",
        "ZENML_DEFAULT_USER_NAME": values["ZENML_STORE_USERNAME"],
        "ZENML_DEFAULT_USER_PASSWORD": values["ZENML_STORE_PASSWORD"],
    }
    return {name: value for name, value in inner.items() if not name.startswith("ZENML_STORE_")} | settings


def down(folder: Path) -> None:
    """End the services, the last to start first."""
    for name in ("zenml", "mlflow", "s3"):
        _end(folder / f"{name}.pid")
    data = folder / "postgres"
    if (data / "postmaster.pid").exists():
        _postgres("pg_ctl", "--pgdata", str(data), "--mode", "fast", "--wait", "stop")


def _start_postgres(data: Path, values: dict[str, str]) -> None:
    if not (data / "PG_VERSION").exists():
        data.mkdir(exist_ok=True)
        password = data.with_name("postgres.password")
        password.touch(mode=0o600)
        password.write_text(values["POSTGRES_PASSWORD"])
        if os.geteuid() == 0:
            for path in (data, password):
                shutil.chown(path, _other_user())
        _postgres("initdb", "--pgdata", str(data), "--username=polytask", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8")
        password.unlink()
    if not (data / "postmaster.pid").exists():
        options = f"-c listen_addresses={_HOST} -c port={values['POSTGRES_PORT']} -c unix_socket_directories=''"
        _postgres("pg_ctl", "--pgdata", str(data), "--log", str(data / "log"), "--options", options, "--wait", "start")


def _postgres(program: str, *words: str) -> None:
    """Run a program of PostgreSQL, as another user where we are root, which it refuses."""
    found = shutil.which(program) or next((str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))[-1:]), None)
    if found is None:
        sys.exit(f"{program} of PostgreSQL is not here; on Debian: apt-get install postgresql")
    other = ["setpriv", f"--reuid={_other_user()}", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run([*other, found, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/")  # noqa: S603 (our own arguments)
    if done.returncode:
        sys.exit(f"{program}: {done.stderr.strip()}")


def _other_user() -> str:
    return pwd.getpwnam("postgres").pw_name


def _start(folder: Path, name: str, words: list[str], environment: dict[str, str]) -> None:
    """Start Python with `words`, unless the service runs already."""
    pid = folder / f"{name}.pid"
    if pid.exists() and _lives(int(pid.read_text())):
        return
    (folder / name).mkdir(exist_ok=True)
    with (folder / f"{name}.log").open("ab") as log:
        command, place = [sys.executable, *words], folder / name
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=place, start_new_session=True)  # noqa: S603 (our own arguments)
    pid.write_text(str(server.pid))


def _await(folder: Path, name: str, address: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    pid = int((folder / f"{name}.pid").read_text())
    while time.monotonic() < deadline and _lives(pid):
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 (our own address)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    sys.exit(f"{name} did not come up at {address}; see {folder / name}.log")


def _end(pid: Path) -> None:
    """End a service and all it started, which are a process group of their own."""
    if not pid.exists():
        return
    group = int(pid.read_text())
    for sent in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _GRACE
        while _lives(group) and time.monotonic() < deadline:
            os.killpg(group, sent)
            time.sleep(0.5)
    pid.unlink()


def _lives(group: int) -> bool:
    """Whether a process of the group runs; one that has ended and that nobody asked for does not."""
    import psutil  # here, so that any Python can make the env file

    running = (process.pid for process in psutil.process_iter(["status"]) if process.info["status"] != psutil.STATUS_ZOMBIE)
    return any(_group_of(process) == group for process in running)


def _group_of(process: int) -> int | None:
    try:
        return os.getpgid(process)
    except ProcessLookupError:
        return None


if __name__ == "__main__":
    main()
