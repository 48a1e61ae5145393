"""A small experiment on made corpora, and the command line in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Commands called in this process point ZenML at one test's home; no other test's processes may inherit that."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def experiment(made, tmp_path: Path) -> Path:
    return made.make_experiment(tmp_path / "project")


@pytest.fixture
def polytask(made, experiment: Path, tmp_path: Path):
    return made.command_line(experiment.parent, tmp_path / "home")
