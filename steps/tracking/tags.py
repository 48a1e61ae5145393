"""The tags of ours on runs, models and versions in MLflow: they stand under `polytask.`, apart from its own and the user's."""

from __future__ import annotations

from collections.abc import Mapping

from mlflow.entities import Run
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT

__all__ = ["commit_of", "matching", "own_tags", "tag_name", "tagged"]

_PREFIX = "polytask."


def tag_name(ours: str) -> str:
    """The name that a tag of ours has in MLflow."""
    return f"{_PREFIX}{ours}"


def tagged(ours: Mapping[str, str]) -> dict[str, str]:
    """Our tags by the names they have in MLflow."""
    return {tag_name(name): value for name, value in ours.items()}


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Those of ours among MLflow's, by our names."""
    return {name.removeprefix(_PREFIX): value for name, value in tags.items() if name.startswith(_PREFIX)}


def matching(ours: Mapping[str, str]) -> str:
    """A filter for searches of runs: all of these tags."""
    return " and ".join(f"tags.`{name}` = '{value}'" for name, value in tagged(ours).items())


def commit_of(run: Run) -> str:
    """The commit of the code that a run was made with, in words where there was none."""
    return str(run.data.tags.get(MLFLOW_GIT_COMMIT, "not from a git checkout"))
