"""The embedded platform: ZenML and MLflow on SQLite and local files below the home folder, quiet and offline.

`prepare()` must run before zenml or mlflow is imported: both read their settings at import. What the user has set wins, so a
remote ZenML server or tracking server is a matter of their own environment variables.
"""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path

from mtl_models.home import home, home_folder

__all__ = ["QUIET", "SOURCE_ROOT", "prepare"]

SOURCE_ROOT = Path(__file__).resolve().parents[1]
"""The folder above the packages `pipelines`, `steps` and `mtl_models`."""

QUIET = {
    "ZENML_ANALYTICS_OPT_IN": "false",
    "ZENML_AUTO_OPEN_DASHBOARD": "false",
    "ZENML_ENABLE_REPO_INIT_WARNINGS": "false",
    "ZENML_ENABLE_RICH_TRACEBACK": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",  # a bar for every file written drowns what we say ourselves
    "TOKENIZERS_PARALLELISM": "true",
    "OMP_WAIT_POLICY": "PASSIVE",  # spinning threads make a shared machine crawl
}
"""What holds wherever steps run, in pods too."""


def prepare() -> None:
    """Point ZenML and MLflow at the home folder and quiet them."""
    defaults = {
        **QUIET,
        "ZENML_CONFIG_PATH": str(home() / "zenml"),
        "ZENML_LOCAL_STORES_PATH": str(home() / "artifacts" / "zenml"),
        "ZENML_LOGGING_VERBOSITY": "CRITICAL",  # a step that fails ends the run with its own exception, told once
        "ZENML_CUSTOM_SOURCE_ROOT": str(SOURCE_ROOT),
        "HF_HOME": str(home() / "cache" / "huggingface"),
        "MPLCONFIGDIR": str(home() / "cache" / "matplotlib"),
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    home_folder("cache", "matplotlib")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)
    for name in ("alembic", "great_expectations", "mlflow", "matplotlib", "gensim"):
        logging.getLogger(name).setLevel(logging.WARNING)
