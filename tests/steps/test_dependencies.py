"""The cache must see every module of ours that a step's result depends on, and none that it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.dependencies import depends_on, modules_behind

STEPS = sorted(
    path.stem for path in (Path(__file__).parents[2] / "steps").glob("*.py") if path.stem not in {"__init__", "dependencies", "hooks"}
)


def test_a_step_depends_on_the_helpers_behind_its_helpers():
    behind = modules_behind("steps.ingest")
    assert {"steps.ingest", "mtl_models.corpora.ingest", "mtl_models.corpora.splits", "mtl_models.files"} <= behind


def test_training_does_not_depend_on_what_only_judges_or_shows():
    behind = modules_behind("steps.train_joint")
    assert "mtl_models.training.fit" in behind
    assert "mtl_models.networks.joint" in behind
    assert not [name for name in behind if name.startswith(("mtl_models.reports", "mtl_models.evaluation", "mtl_models.corpora.ingest"))]


def test_imports_inside_functions_count():
    assert "mtl_models.evaluation.references" in modules_behind("steps.train_reference")
    assert "mtl_models.reports.figures" in modules_behind("steps.report")


@pytest.mark.parametrize("step", STEPS)
def test_every_dependency_is_a_file_of_ours(step):
    policy = depends_on(f"steps.{step}")
    root = Path(__file__).parents[2]
    assert policy.file_dependencies
    assert all((root / name).is_file() for name in policy.file_dependencies)


def test_a_kernel_in_another_language_counts_where_it_is_used() -> None:
    assert "mtl_models/layers/dln/cell.c" in depends_on("steps.train_joint").file_dependencies
    assert "mtl_models/layers/dln/cell.c" not in depends_on("steps.ingest").file_dependencies
