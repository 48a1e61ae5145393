"""MLflow behind passwords, over PostgreSQL and S3: what the image `polytask-mlflow` starts, and what runs where there are no containers.

Environment: POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD; MLFLOW_HOST, MLFLOW_PORT, MLFLOW_HOSTS (the names that clients
may call it by), MLFLOW_BUCKET (its place in the S3 store); MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (of the first user, an
administrator), MLFLOW_FLASK_SERVER_SECRET_KEY; and botocore's own AWS_*. Files go through the server, so clients need no keys of S3.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

_RUNS, _USERS = "mlflow", "mlflow_users"


def main() -> None:
    """Make what is missing and become the server."""
    for name in (_RUNS, _USERS):
        _make_database(name)
    os.environ["MLFLOW_AUTH_CONFIG_PATH"] = str(_auth_config())
    os.environ["MLFLOW_AUTH_ADMIN_USERNAME"] = os.environ["MLFLOW_TRACKING_USERNAME"]
    os.environ["MLFLOW_AUTH_ADMIN_PASSWORD"] = os.environ["MLFLOW_TRACKING_PASSWORD"]
    os.environ["MLFLOW_BACKEND_STORE_URI"] = _uri(_RUNS)  # not an argument: those are seen by everybody on the machine
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # the address for clients; the server would take itself for one
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "server", *_arguments()])  # noqa: S606 (no shell wanted)


def _make_database(name: str) -> None:
    connection = psycopg2.connect(
        host=os.environ["POSTGRES_HOST"],
        port=os.environ["POSTGRES_PORT"],
        user=os.environ["POSTGRES_USER"],
        password=os.environ["POSTGRES_PASSWORD"],
        dbname="postgres",
        connect_timeout=10,
    )
    connection.autocommit = True  # databases are not made inside a transaction
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    finally:
        connection.close()


def _uri(database: str) -> str:
    user, password = (quote(os.environ[name], safe="") for name in ("POSTGRES_USER", "POSTGRES_PASSWORD"))
    return f"postgresql+psycopg2://{user}:{password}@{os.environ['POSTGRES_HOST']}:{os.environ['POSTGRES_PORT']}/{database}"


def _auth_config() -> Path:
    """Where users are kept, in a file of this process's own; new users may read nothing until someone lets them.

    To check a password takes about half a second of processor time, and a model of 200 files is 200 requests: one that was right is taken
    as right for a minute. There is one worker, so a changed password holds at once.
    """
    path = Path(tempfile.mkdtemp()) / "auth.ini"
    path.touch(mode=0o600)
    uri = _uri(_USERS).replace("%", "%%")
    path.write_text(f"[mlflow]\ndefault_permission = NO_PERMISSIONS\ndatabase_uri = {uri}\nauth_cache_ttl_seconds = 60\n")
    return path


def _arguments() -> list[str]:
    return [
        "--app-name=basic-auth",
        f"--host={os.environ['MLFLOW_HOST']}",
        f"--port={os.environ['MLFLOW_PORT']}",
        f"--allowed-hosts={os.environ['MLFLOW_HOSTS']}",
        f"--artifacts-destination=s3://{os.environ['MLFLOW_BUCKET']}",
        "--workers=1",
    ]


if __name__ == "__main__":
    main()
