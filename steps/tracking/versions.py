"""Registered versions, found and described."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion, RegisteredModel

from mtl_models.errors import TrackingError
from steps.tracking.client import connect, shown, talking_to
from steps.tracking.tags import own_tags

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "PREVIOUS_CHAMPION",
    "Version",
    "champion",
    "find_model",
    "find_version_by_fingerprint",
    "list_models",
    "list_versions",
    "only_champion",
    "resolve",
]

CHAMPION, CHALLENGER, PREVIOUS_CHAMPION = "champion", "challenger", "previous_champion"

_URI = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>[0-9]+))")


@dataclass(frozen=True)
class Version:
    """One version of a registered model."""

    name: str
    number: int
    aliases: tuple[str, ...]
    created: datetime
    run_id: str | None
    """The MLflow run that trained it."""
    description: str
    tags: Mapping[str, str]
    """Those under `polytask.`, without that prefix."""

    @property
    def uri(self) -> str:
        """Its address in MLflow."""
        return f"models:/{self.name}/{self.number}"

    @property
    def fingerprint(self) -> str | None:
        """Of the model folder; None where something else than a pipeline of ours registered it."""
        return self.tags.get("model_fingerprint")

    @property
    def rolled_back(self) -> bool:
        """Whether it was champion and a rollback took that away: it must not be promoted again unasked."""
        return "rolled_back" in self.tags


def list_models(client: MlflowClient | None = None) -> list[str]:
    """The names of all registered models."""
    client = client or connect()
    with talking_to(client):
        return [model.name for model in _models(client)]


def list_versions(name: str, client: MlflowClient | None = None) -> list[Version]:
    """Every version of a model, the newest first; none for an unknown name."""
    client = client or connect()
    with talking_to(client):
        model = find_model(name, client)
        return [] if model is None else _versions(model, client)


def champion(name: str, client: MlflowClient | None = None) -> Version | None:
    """The version that serves, or None where there is none yet."""
    return next((version for version in list_versions(name, client) if CHAMPION in version.aliases), None)


def find_version_by_fingerprint(name: str, fingerprint: str, client: MlflowClient | None = None) -> Version | None:
    """The version that holds the model of this fingerprint, or None: the same model needs no second version."""
    return next((version for version in list_versions(name, client) if version.fingerprint == fingerprint), None)


def resolve(uri: str, client: MlflowClient | None = None) -> Version:
    """The version that `models:/NAME@ALIAS` or `models:/NAME/VERSION` means; `TrackingError` says what there is instead."""
    found = _URI.fullmatch(uri)
    if found is None:
        raise TrackingError(f"'{uri}' is no model of the registry; write models:/NAME@champion or models:/NAME/3")
    client = client or connect()
    name, alias, number = found["name"], found["alias"], found["version"]
    versions = list_versions(name, client)
    if not versions:
        known = ", ".join(list_models(client)) or "none yet; `polytask run CONFIG` registers one"
        raise TrackingError(f"MLflow at {shown(client.tracking_uri)} has no model '{name}'; the registered models: {known}")
    for version in versions:
        if alias in version.aliases or (number is not None and version.number == int(number)):
            return version
    if alias is not None:
        there = ", ".join(f"{a} (version {v.number})" for v in versions for a in v.aliases) or "none yet"
        raise TrackingError(f"the model '{name}' has no {alias}; its aliases: {there}")
    raise TrackingError(f"the model '{name}' has no version {number}; its versions: {', '.join(str(v.number) for v in reversed(versions))}")


def only_champion(client: MlflowClient | None = None) -> str:
    """The URI of the one champion there is; `TrackingError` where no model or several have one."""
    client = client or connect()
    with talking_to(client):
        models = _models(client)
    serving = [f"models:/{model.name}@{CHAMPION}" for model in models if CHAMPION in model.aliases]
    if len(serving) == 1:
        return serving[0]
    if serving:
        raise TrackingError(f"several models have a champion; say which with --model: {', '.join(serving)}")
    known = "; ".join(f"{model.name} has versions but none passed the gate" for model in models) or "no model is registered"
    raise TrackingError(
        f"there is no champion yet at {shown(client.tracking_uri)} ({known}); go to the folder where the experiment was run or set "
        "POLYTASK_HOME, run an experiment, or give --model models:/NAME/VERSION"
    )


def find_model(name: str, client: MlflowClient) -> RegisteredModel | None:
    """MLflow's own account of a registered model, with its aliases."""
    return next((model for model in _models(client) if model.name == name), None)


def _models(client: MlflowClient) -> list[RegisteredModel]:
    found: list[RegisteredModel] = []
    token: str | None = None
    while True:
        page = client.search_registered_models(max_results=100, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _versions(model: RegisteredModel, client: MlflowClient) -> list[Version]:
    aliases: dict[int, list[str]] = {}
    for alias, number in model.aliases.items():
        aliases.setdefault(int(number), []).append(alias)
    found: list[ModelVersion] = []
    token: str | None = None
    while True:
        page = client.search_model_versions(f"name = '{model.name}'", max_results=1000, page_token=token)
        found += page
        token = page.token
        if not token:
            break
    ready = [version for version in found if version.status == "READY"]
    return sorted((_version(v, aliases.get(int(v.version), [])) for v in ready), key=lambda version: -version.number)


def _version(found: ModelVersion, aliases: list[str]) -> Version:
    return Version(
        name=found.name,
        number=int(found.version),
        aliases=tuple(sorted(aliases)),
        created=datetime.fromtimestamp(found.creation_timestamp / 1000, tz=UTC),
        run_id=found.run_id or None,
        description=found.description or "",
        tags=own_tags(found.tags),
    )
