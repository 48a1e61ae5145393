"""A study in the terminal: what is trained is kept, so that a second look costs nothing; faults name file and key."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.pipeline

STUDY = """name: made
experiment: made.yaml
seeds: [0, 1]
split: test
changes: [training.epochs=2, defaults.corpus.splits.train_rows=60, "defaults.corpus.splits.train_rows_seed={seed}"]
twins: [attention]
variants:
  plain: []
  attention: ["network={name: joint_lstm_attention, hidden: 8, attention: {hops: 2, hidden: 4, fc: 8}}"]
"""


def test_a_study_from_its_file_to_its_table_and_again_from_what_was_kept(experiment: Path, polytask) -> None:
    folder = experiment.parent
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    told = polytask("study", "study.yaml", "--out", "found.md")
    assert told.returncode == 0, told.stderr
    table = (folder / "found.md").read_text(encoding="utf-8")
    assert table in told.stdout
    for row in ("| plain | joint | 2 |", "| attention | twin | 2 |", "| plain | TF-IDF, pooled | 2 |"):
        assert row in table
    assert "| plain | twin |" not in table, "twins were asked for in the other variant"
    assert "epoch 1/2" in told.stderr
    again = polytask("study", "study.yaml", "--only", "plain")
    assert again.returncode == 0, again.stderr
    assert "epoch 1/2" not in again.stderr
    assert "attention" not in again.stdout
    assert table.splitlines()[4] in again.stdout


def test_a_twin_that_is_trained_is_kept_though_others_are_not_yet(experiment: Path, polytask, tmp_path: Path) -> None:
    folder = experiment.parent
    (folder / "study.yaml").write_text(STUDY.replace("[0, 1]", "[0]"), encoding="utf-8")
    first = polytask("study", "study.yaml", "--only", "attention")
    assert first.returncode == 0, first.stderr
    kept = {
        cell.parent: [*json.loads(cell.read_text())["histories"]] for cell in (tmp_path / "home" / "studies" / "made").glob("*/cell.json")
    }
    assert sorted(tasks for tasks in kept.values() if tasks) == [["films"], ["films", "phones"], ["phones"]]
    (phones,) = (cell for cell, tasks in kept.items() if tasks == ["phones"])
    shutil.rmtree(phones)
    again = polytask("study", "study.yaml", "--only", "attention")
    assert again.returncode == 0, again.stderr
    assert "phones: epoch 2/2" in again.stderr
    assert "films: epoch" not in again.stderr
    assert "joint: epoch" not in again.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: made\nexperiment: made.yaml\nvariants: {a: [epochs]}\n", "variants.a.0"),
        ("name: made\nexperiment: made.yaml\nvariantes: {a: []}\n", "did you mean 'variants'"),
        ("name: made\nexperiment: gone.yaml\nvariants: {a: []}\n", "gone.yaml: no such file"),
        ("name: [made\n", "not YAML"),
        (
            "name: made\nexperiment: made.yaml\ntwins: [b]\nvariants: {a: []}\n",
            "study.yaml: (top level): twins names 'b'; the variants are a",
        ),
    ],
)
def test_a_fault_is_one_message(experiment: Path, polytask, text: str, told: str) -> None:
    (experiment.parent / "study.yaml").write_text(text, encoding="utf-8")
    found = polytask("study", "study.yaml")
    assert found.returncode == 2
    assert told in found.stderr
    assert "Traceback" not in found.stderr


def test_an_unknown_variant_is_refused(experiment: Path, polytask) -> None:
    (experiment.parent / "study.yaml").write_text(STUDY, encoding="utf-8")
    found = polytask("study", "study.yaml", "--only", "plan")
    assert found.returncode == 2
    assert "the variants: plain, attention" in found.stderr
