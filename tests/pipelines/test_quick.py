"""The shipped quick experiment on its real corpora and vectors, as `make quick` runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtl_models.home import home_folder

pytestmark = [pytest.mark.pipeline, pytest.mark.network]

ROOT = Path(__file__).parents[2]
DOMAINS = {"tweets", "movie", "product", "editorials"}


def test_quick_trains_judges_and_registers_four_real_tasks(made, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "downloads").symlink_to(home_folder("downloads"))
    polytask = made.command_line(ROOT, tmp_path / "home")
    checked = polytask("check", "configs/quick.yaml")
    assert checked.returncode == 0, checked.stderr
    assert "nothing wrong found" in checked.stdout
    told = polytask("run", "configs/quick.yaml")
    assert told.returncode == 0, told.stderr
    version = polytask("models", "list").stdout
    assert "polytask-quick" in version
    answers = polytask("predict", "--model", "models:/polytask-quick/1", "--format", "json", "what a waste of two hours", "love this phone")
    rows = [json.loads(line) for line in answers.stdout.splitlines()]
    assert {row["task"] for row in rows} == DOMAINS
    assert [row["label"] for row in rows if row["task"] == "tweets"] == ["negative", "positive"]
