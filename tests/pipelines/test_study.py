"""A study in the terminal: what is trained is kept, so that a second look costs nothing; faults name file and key."""

from __future__ import annotations

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
