"""Which version serves: the aliases `challenger`, `champion` and `previous_champion`, moved so that a crash never leaves nothing to serve.

MLflow moves one alias at a time and has no transactions. At every moment `champion`, once it is there, names a whole version; and
running the same function again after a crash ends where an undisturbed run would have ended.
"""

from __future__ import annotations

from datetime import UTC, datetime

from mlflow import MlflowClient

from mtl_models.errors import TrackingError
from steps.tracking.client import connect, talking_to
from steps.tracking.tags import tag_name
from steps.tracking.versions import CHALLENGER, CHAMPION, PREVIOUS_CHAMPION, Version, find_model, resolve

__all__ = ["challenge", "promote", "rollback"]

_ROLLED_BACK = tag_name("rolled_back")


def challenge(version: Version, client: MlflowClient | None = None) -> Version:
    """Make a version the challenger, unless it is the champion already."""
    client = client or connect()
    with talking_to(client):
        if CHAMPION not in version.aliases:
            client.set_registered_model_alias(version.name, CHALLENGER, str(version.number))
        return resolve(version.uri, client)


def promote(name: str, number: int, client: MlflowClient | None = None) -> Version:
    """Make a version the champion, and the champion so far the previous one.

    The order: remember the champion so far; move `champion`; take `challenger` off. A crash after the first step leaves the old
    champion serving under two names, after the second the new one. Run again, the first step is left out once `champion` has moved,
    else the new champion would be remembered as its own predecessor. Promoting clears the mark that a rollback leaves.
    """
    client = client or connect()
    with talking_to(client):
        version = resolve(f"models:/{name}/{number}", client)
        if version.rolled_back:
            client.delete_model_version_tag(name, str(number), _ROLLED_BACK)
        serving = _aliases(name, client).get(CHAMPION)
        if serving != number:
            if serving is not None:
                client.set_registered_model_alias(name, PREVIOUS_CHAMPION, str(serving))
            client.set_registered_model_alias(name, CHAMPION, str(number))
        if _aliases(name, client).get(CHALLENGER) == number:
            client.delete_registered_model_alias(name, CHALLENGER)
        return resolve(version.uri, client)


def rollback(name: str, client: MlflowClient | None = None) -> Version:
    """Undo the last promotion: the previous champion serves again. Returns the version that serves now.

    The version taken down is marked (`Version.rolled_back`), so that a scheduled rerun of its pipeline does not put it back. Only
    one promotion can be undone: a second rollback in a row is a `TrackingError`, for whoever repeats the command in doubt must not
    be sent further back. The order: mark the champion; move `champion`; take `previous_champion` off. Run again after a crash it
    finishes: where both names are on one version only the last step is left.
    """
    client = client or connect()
    with talking_to(client):
        now = _aliases(name, client)
        serving, previous = now.get(CHAMPION), now.get(PREVIOUS_CHAMPION)
        if previous is None:
            state = "has no champion" if serving is None else f"has only the champion, version {serving}"
            raise TrackingError(f"the model '{name}' {state}: there is no promotion to undo, or it was undone already")
        if serving is not None and serving != previous:
            client.set_model_version_tag(name, str(serving), _ROLLED_BACK, datetime.now(UTC).isoformat(timespec="seconds"))
        if serving != previous:
            client.set_registered_model_alias(name, CHAMPION, str(previous))
        client.delete_registered_model_alias(name, PREVIOUS_CHAMPION)
        return resolve(f"models:/{name}/{previous}", client)


def _aliases(name: str, client: MlflowClient) -> dict[str, int]:
    """Alias -> version, as MLflow has them now; `TrackingError` for a model that is not registered."""
    model = find_model(name, client)
    if model is None:
        resolve(f"models:/{name}@{CHAMPION}", client)
        return {}
    return {alias: int(number) for alias, number in model.aliases.items()}
