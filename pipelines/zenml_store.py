"""ZenML's own database in the home folder, whole before any step runs.

ZenML lays it out in many small transactions and cannot go on with one that was cut off half-way: a full disk or a kill in the first
seconds of the very first run would leave a home folder that nothing works in.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from mtl_models.corpora.locks import alone
from mtl_models.home import home

__all__ = ["lay_out_store"]


def lay_out_store() -> None:
    """Make the database where it is missing or was cut off while being made; one process at a time. Call it after `prepare()`.

    Does nothing where the user keeps ZenML's state elsewhere, in a place or on a server of their own.
    """
    if not _is_ours() or _is_whole(_database()):
        return
    with alone("zenml store"):
        if _is_whole(_database()):
            return
        shutil.rmtree(_database().parent, ignore_errors=True)
        _settings().unlink(missing_ok=True)
        from zenml.client import Client

        _ = Client().zen_store


def _settings() -> Path:
    return home() / "zenml" / "config.yaml"


def _database() -> Path:
    return home() / "artifacts" / "zenml" / "default_zen_store" / "zenml.db"


def _is_ours() -> bool:
    """Whether ZenML's state is where `prepare()` puts it, and not on a server that someone connected."""
    places = {"ZENML_CONFIG_PATH": home() / "zenml", "ZENML_LOCAL_STORES_PATH": home() / "artifacts" / "zenml"}
    if "ZENML_STORE_URL" in os.environ or any(os.environ.get(name) != str(place) for name, place in places.items()):
        return False
    try:
        return "type: rest" not in _settings().read_text(encoding="utf-8")
    except FileNotFoundError:
        return True


def _is_whole(database: Path) -> bool:
    """Whether the layout came to its end, which is the default user. Before that no run can have been recorded."""
    if not database.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT 1 FROM user LIMIT 1").fetchone() is not None
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return False
        raise
