"""`polytask clean`: the home folder goes, and only the home folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import typer

from mtl_models.errors import PolytaskError
from mtl_models.home import home

__all__ = ["clean_home"]

_OURS = {"artifacts", "cache", "checkpoints", "downloads", "logs", "reports", "studies", "zenml"}
_OURS |= {f"{database}{part}" for database in ("mlflow.db", "schedules.db") for part in ("", "-journal", "-shm", "-wal")}


def clean_home(ask: bool) -> None:
    """Remove the home folder after asking; refuses a folder that holds anything that is not ours."""
    folder = home()
    if not folder.exists():
        typer.echo(f"nothing to remove: {folder} does not exist")
        return
    strangers = sorted(path.name for path in folder.iterdir() if path.name not in _OURS)
    if strangers:
        raise PolytaskError(
            f"{folder} holds things that are not polytask's ({', '.join(strangers[:5])}); nothing was removed. Look there yourself"
        )
    if ask:
        typer.confirm(f"Remove {folder} ({_size(folder)}) with all runs, registered models and downloads?", abort=True)
    shutil.rmtree(folder)
    typer.echo(f"removed: {folder}")


def _size(folder: Path) -> str:
    total = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{total / 1e6:,.0f} MB"
