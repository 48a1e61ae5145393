"""find_model: which version answers. Never cached: it asks the registry what an alias means now."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.errors import TrackingError
from mtl_models.inference.batch import Answerer
from mtl_models.networks.folder import load_model
from steps.tracking.registry import download
from steps.tracking.versions import resolve

__all__ = ["find_model"]


@step(enable_cache=False)
def find_model(uri: str, tasks: list[str]) -> Annotated[Answerer, "model"]:
    """The version behind `uri`, such as models:/NAME@champion, asked for `tasks`, or for all it has where none is named."""
    version = resolve(uri)
    if version.fingerprint is None or version.run_id is None:
        raise TrackingError(f"{uri}: version {version.number} was not registered by a run of polytask; give one that was")
    model = load_model(download(version.uri))
    asked = [model.task(name) for name in tasks] or model.tasks
    return Answerer(
        model=version.name,
        version=version.number,
        run_id=version.run_id,
        fingerprint=version.fingerprint,
        tasks=tuple(dict.fromkeys(task.name for task in asked)),
    )
