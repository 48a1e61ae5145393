"""One home folder per test session, and no word sent anywhere."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_HOME = Path(tempfile.mkdtemp(prefix="polytask-tests-"))
_DOWNLOADS = Path(__file__).parents[1] / "runs" / "downloads"
_DOWNLOADS.mkdir(parents=True, exist_ok=True)
(_HOME / "downloads").symlink_to(_DOWNLOADS)  # pinned by sha256, so one copy serves every session
os.environ["POLYTASK_HOME"] = str(_HOME)
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("ZENML_ANALYTICS_OPT_IN", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
