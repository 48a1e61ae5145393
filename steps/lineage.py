"""What a run remembers of the machine and the code it ran on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from mtl_models import __version__

__all__ = ["COMMIT", "environment", "git_commit"]

COMMIT = "POLYTASK_COMMIT"
"""Environment variable: the commit of code that was carried to where it runs."""

_LIBRARIES = ("torch", "zenml", "mlflow", "datasets", "great-expectations", "scikit-learn", "tokenizers")


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
