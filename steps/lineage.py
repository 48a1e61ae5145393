"""What a run remembers of where it comes from: the pipeline's run, the time, the code and the machine it ran on."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from mtl_models import __version__

__all__ = ["COMMIT", "PipelineRun", "environment", "git_commit", "now", "this_run"]

COMMIT = "POLYTASK_COMMIT"
"""Environment variable: the commit of code that was carried to where it runs."""

_LIBRARIES = ("torch", "zenml", "mlflow", "datasets", "great-expectations", "scikit-learn", "tokenizers")


@dataclass(frozen=True)
class PipelineRun:
    """The run of a pipeline that a record comes from; `commit` is None where the code is none of git's."""

    name: str
    id: str
    commit: str | None


def this_run() -> PipelineRun:
    """The run that the step asking is part of."""
    from zenml import get_step_context  # only steps ask, and MLflow's side of the house does without it

    run = get_step_context().pipeline_run
    return PipelineRun(run.name, str(run.id), git_commit())


def now() -> str:
    """The time as pages show it."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def git_commit() -> str | None:
    """The commit of the source tree, or None where it is none of git's and nobody said."""
    if told := os.environ.get(COMMIT):
        return told
    command = ["git", "-C", str(Path(__file__).resolve().parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None


def environment() -> dict[str, str]:
    """Versions of Python, of the project and of the libraries that decide results."""
    ours = {"polytask": __version__, "python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    return ours | {name: version(name) for name in _LIBRARIES}
