"""Local files that an experiment names, carried to where pods can read them: the artifact store, by their sha256."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mtl_models.config import Experiment
from mtl_models.config.backbone import HubModel
from mtl_models.config.sources import DatasetSource, FileSource
from mtl_models.errors import ConfigError
from mtl_models.files import sha256_of
from mtl_models.progress import say

__all__ = ["carried"]


def carried(experiment: Experiment) -> Experiment:
    """The same experiment, its local files in the artifact store of the active stack where that runs steps in pods.

    Files are named by content, so one that is there is not sent again. `ConfigError` for a local folder, which cannot be carried.
    """
    from zenml.client import Client

    from steps.resources import KUBEFLOW, KUBERNETES

    components = Client().active_stack_model.components
    if not any(str(kind) == "orchestrator" and found[0].flavor_name in (KUBERNETES, KUBEFLOW) for kind, found in components.items()):
        return experiment
    store = Client().active_stack.artifact_store  # being made, it lets ZenML's file system open its addresses
    found = _walk(experiment, "", str(store.path).rstrip("/"))
    assert isinstance(found, Experiment)
    return found


def _walk(value: Any, at: str, root: str) -> Any:
    """The value with every local source in it, at any depth, replaced by its copy below `root`."""
    if isinstance(value, FileSource):
        return _file(value, at, root)
    if isinstance(value, HubModel | DatasetSource):
        name = value.model if isinstance(value, HubModel) else value.dataset
        if Path(name).expanduser().is_dir():
            raise _stays_here(at, name)
        return value
    if isinstance(value, Path):
        raise _stays_here(at, value)
    if isinstance(value, BaseModel):
        fields = {name: (getattr(value, name), f"{at}.{name}" if at else name) for name in type(value).model_fields}
        replaced = {name: _walk(inner, place, root) for name, (inner, place) in fields.items()}
        changed = {name: inner for name, inner in replaced.items() if inner is not fields[name][0]}
        return value.model_copy(update=changed) if changed else value
    if isinstance(value, dict):
        pairs = {key: _walk(inner, f"{at}.{key}", root) for key, inner in value.items()}
        return pairs if any(pairs[key] is not inner for key, inner in value.items()) else value
    return value


def _file(source: FileSource, at: str, root: str) -> FileSource:
    if "://" in source.path and not source.path.startswith("file://"):
        return source
    path = Path(source.path.removeprefix("file://")).expanduser()
    if path.is_dir():
        raise _stays_here(at, path)
    from zenml.io import fileio

    sha256 = sha256_of(path)
    url = f"{root}/sources/{sha256}/{path.name}"
    if not fileio.exists(url):
        say(f"carrying {path} to {url}")
        fileio.makedirs(url.rpartition("/")[0])
        fileio.copy(str(path), url, overwrite=True)
    return FileSource(path=url, sha256=sha256)


def _stays_here(at: str, path: object) -> ConfigError:
    return ConfigError(f"{at}: {path}: pods cannot read what lies on this machine; put it where they can (s3://, https://), and name that")
