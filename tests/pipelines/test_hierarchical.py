"""What a user loses if these fail: tasks on words that train, but do not go through the pipeline and come back as spans of a text."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import marking

pytestmark = pytest.mark.pipeline

EXPERIMENT = """name: marked
tasks:
  names: {{kind: tagging, corpus: {{source: rows.jsonl, format: jsonl}}}}
  same: {{kind: coreference, corpus: {{source: rows.jsonl, format: jsonl}}}}
vocabularies: {{words: {{min_count: 1, vectors: {{method: random, dimension: 16}}}}}}
network:
  name: hierarchical
  backbone: {backbone}
  word_vectors: words
  levels: {{low: {{tasks: [names], hidden: 12}}, high: {{tasks: [same], hidden: 12}}}}
  dropout: 0.0
training: {{updates: single_task, epochs: 8, batch_size: 8, learning_rate: 0.03, max_tokens: 40, patience: null}}
evaluation: {{resamples: 200}}
"""


def write_rows(path: Path, count: int) -> None:
    """Made sentences, each with a number of its own, with tokens, spans and clusters."""
    draw = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            text, labels = marking.sentence(draw)
            flat, same = labels["names"], labels["same"]
            row = {
                "tokens": [*text.split(), f"({number})"],
                "spans": [[*flat[at : at + 2], marking.LABELS["names"][flat[at + 2]]] for at in range(0, len(flat), 3)],
                "clusters": [[same[at : at + 2] for at in range(0, len(same), 3)]],
            }
            file.write(json.dumps(row) + "\n")


def test_tasks_on_words_go_through_the_pipeline_on_a_backbone_with_vectors_beside(
    tmp_path: Path, made: ModuleType, backbones: Callable[..., Path]
) -> None:
    write_rows(tmp_path / "rows.jsonl", 120)
    (tmp_path / "marked.yaml").write_text(EXPERIMENT.format(backbone=backbones("bert")))
    polytask = made.command_line(tmp_path, tmp_path / "home")
    trained = polytask("run", "marked.yaml")
    assert trained.returncode == 0, trained.stderr
    told = trained.stdout + trained.stderr
    steps = ("load_backbone", "build_vocabulary_words", "build_embeddings_words", "train_single_same")
    assert all(f"done  {step}" in told for step in steps)
    report = (tmp_path / "home" / "reports" / "polytask-marked" / "report.html").read_text(encoding="utf-8")
    assert "<h3>How soon</h3>" in report
    text = "Anna Berg lives in Paris. They love work at Globex."
    answer = polytask("predict", "--model", "models:/polytask-marked/1", "--format", "json", text)
    assert answer.returncode == 0, answer.stderr
    names = next(row for row in map(json.loads, answer.stdout.splitlines()) if row["task"] == "names")
    assert {(text[span["start"] : span["end"]], span["label"]) for span in names["found"]} >= {("Anna Berg", "PER"), ("Paris", "LOC")}
