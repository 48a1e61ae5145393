"""A small experiment on made corpora, and the command line in a process of its own."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

GOOD = ["good", "great", "lovely", "superb", "fine", "brilliant", "enjoyable", "charming"]
BAD = ["bad", "awful", "dreadful", "poor", "boring", "horrid", "tedious", "dull"]
THINGS = ["film", "phone", "book", "song", "game", "meal", "hotel", "train", "plot", "screen"]

Polytask = Callable[..., subprocess.CompletedProcess[str]]


def made_rows(seed: int, count: int) -> list[tuple[str, str]]:
    """Texts whose words decide their label."""
    source = random.Random(seed)
    rows = []
    for number in range(count):
        label, words = source.choice([("positive", GOOD), ("negative", BAD)])
        said = source.sample(words, 2)
        rows.append((f"the {source.choice(THINGS)} number {number} of {seed} was {said[0]} and {said[1]}", label))
    return rows


def write_csv(path: Path, rows: list[tuple[str, str]]) -> None:
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")


EXPERIMENT = """# yaml-language-server: $schema=experiment.schema.json
name: made
tasks:
  films: films.csv
  phones: phones.csv
vocabularies: {shared: {min_count: 1, vectors: {method: random, dimension: 16}}}
network: {name: joint_lstm, hidden: 16}
training: {epochs: 3, learning_rate: 0.02, patience: null}
evaluation: {resamples: 200}
"""


def make_experiment(folder: Path) -> Path:
    """An experiment file and its two corpora in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "films.csv", made_rows(1, 240))
    write_csv(folder / "phones.csv", made_rows(2, 160))
    (folder / "made.yaml").write_text(EXPERIMENT, encoding="utf-8")
    return folder / "made.yaml"


def command_line(folder: Path, home: Path) -> Polytask:
    """`polytask` run in `folder` with a home of its own."""

    def polytask(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = os.environ | {"POLYTASK_HOME": str(home), "COLUMNS": "160", "NO_COLOR": "1"} | environment
        command = [sys.executable, "-c", "from pipelines.cli import main; main()", *words]
        return subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, timeout=300, check=False)

    return polytask


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Commands called in this process point ZenML at one test's home; no other test's processes may inherit that."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    return make_experiment(tmp_path / "project")


@pytest.fixture
def polytask(experiment: Path, tmp_path: Path) -> Polytask:
    return command_line(experiment.parent, tmp_path / "home")


@pytest.fixture(scope="session")
def made():
    """The makers of this file, for fixtures of a wider scope than a test."""
    return sys.modules[__name__]
