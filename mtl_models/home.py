"""The one folder that holds all local state: `runs/` by default, or what POLYTASK_HOME names. Deleting it resets everything."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["home", "home_folder", "tracking_uri"]


def home() -> Path:
    """The home folder as an absolute path; it may not exist yet."""
    return Path(os.environ.get("POLYTASK_HOME", "runs")).expanduser().resolve()


def home_folder(*parts: str) -> Path:
    """A folder below the home folder, made on first use: `downloads`, `checkpoints`, `cache`, `artifacts` ..."""
    folder = home().joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def tracking_uri() -> str:
    """Where MLflow keeps runs and models: MLFLOW_TRACKING_URI, else a SQLite file in the home folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home() / 'mlflow.db'}"
