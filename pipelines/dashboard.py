"""`polytask dashboard`: ZenML's own pages over the runs of the home folder, on this machine only."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import typer

from mtl_models.errors import PolytaskError
from pipelines.environment import prepare
from pipelines.zenml_store import lay_out_store

__all__ = ["serve_dashboard"]

_HOST = "127.0.0.1"
_NEEDED = ("croniter", "ipinfo", "jwt", "secure", "tldextract")
"""What the server of ZenML imports beyond ZenML itself."""


def serve_dashboard(port: int) -> None:
    """Show the pages until Ctrl-C; they need no login."""
    lacking = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        raise PolytaskError(f"ZenML's dashboard needs {', '.join(lacking)}: pip install -c constraints.txt 'polytask[dashboard]'")
    prepare()
    lay_out_store()
    _skip_survey()
    typer.echo(f"ZenML: http://{_HOST}:{port}  (half a minute until it answers; Ctrl-C ends it)", err=True)
    command = [sys.executable, "-c", "from zenml.cli.cli import cli; cli()", "login", "--local", "--blocking"]
    command += ["--ip-address", _HOST, "--port", str(port)]
    environment = os.environ | {"ZENML_LOGGING_VERBOSITY": "ERROR"}
    try:
        done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)  # noqa: S603 (our own interpreter)
    except KeyboardInterrupt:
        typer.echo("ZenML's pages are stopped", err=True)
        return
    if done.returncode:
        raise PolytaskError(
            f"ZenML's server ended by itself with exit code {done.returncode}; is port {port} in use? give another with --port"
        )


def _skip_survey() -> None:
    """The pages would ask every new user about themselves before they show anything."""
    from zenml.client import Client
    from zenml.models import UserUpdate

    client = Client()
    known = UserUpdate(email_opted_in=False, user_metadata={"finished_onboarding_survey": True})
    client.zen_store.update_user(client.active_user.id, known)
