"""What a user loses if these fail: a sentence encoder that trains but does not go through the pipeline, or a task that disturbs others."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.pipeline

EXPERIMENT = """name: encoded
tasks: {{films: films.csv, phones: phones.csv}}
network: {{name: sentence_encoder, backbone: {backbone}, lora: {{rank: 2}}}}
training: {{epochs: 2, learning_rate: 0.02, max_tokens: 20, patience: null}}
evaluation: {{resamples: 200}}
"""


def test_adapters_through_the_pipeline_and_a_new_task_beside_them(tmp_path: Path, made: ModuleType, backbones: Callable[..., Path]) -> None:
    """Trained, judged and registered; then a third task is taught, and the two answer as before, to the bit."""
    made.make_experiment(tmp_path)
    made.write_csv(tmp_path / "hotels.csv", made.made_rows(3, 160))
    backbone = backbones("bert")
    (tmp_path / "encoded.yaml").write_text(EXPERIMENT.format(backbone=backbone))
    more = EXPERIMENT.format(backbone=backbone).replace("{films: films.csv, phones: phones.csv}", "{hotels: hotels.csv}")
    (tmp_path / "more.yaml").write_text(more.replace("name: encoded", "name: more"))
    polytask = made.command_line(tmp_path, tmp_path / "home")
    trained = polytask("run", "encoded.yaml")
    assert trained.returncode == 0, trained.stderr
    assert "load_backbone" in trained.stderr + trained.stdout
    taught = polytask("finetune", "more.yaml", "--from", "models:/polytask-encoded/1")
    assert taught.returncode == 0, taught.stderr
    assert "weights that the new tasks do not own are the same to the bit" in taught.stdout
    for task in ("films", "phones"):
        assert re.search(rf"task '{task}': all logits of \d+ texts are the same to the bit", taught.stdout)
