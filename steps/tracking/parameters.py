"""An experiment as MLflow parameters, and its hash."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from pydantic import BaseModel

from mtl_models.config import Experiment

__all__ = ["config_hash", "flatten"]

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]+")


def config_hash(experiment: Experiment) -> str:
    """sha256 of the experiment with all its defaults: equal for two files that mean the same."""
    return hashlib.sha256(json.dumps(experiment.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def flatten(section: BaseModel) -> dict[str, str]:
    """Dotted key, as in `--set` -> value as text. Keys that are null are left out; lists, and mappings with free keys, are JSON."""
    found: dict[str, str] = {}
    for name in type(section).model_fields:
        found |= _entries(name, getattr(section, name))
    return found


def _entries(key: str, value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if isinstance(value, BaseModel):
        return {f"{key}.{below}": text for below, text in flatten(value).items()}
    if isinstance(value, dict) and value and all(isinstance(v, BaseModel) and _PLAIN_KEY.fullmatch(k) for k, v in value.items()):
        return {f"{key}.{below}.{rest}": text for below, v in value.items() for rest, text in flatten(v).items()}
    return {key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain)}


def _plain(value: Any) -> Any:
    """Sections inside lists and free mappings, for JSON."""
    return value.model_dump(mode="json", exclude_none=True)
