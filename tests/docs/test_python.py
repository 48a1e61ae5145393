"""What a user loses if these fail: lines of Python, copied from the documentation, that do not run."""

from __future__ import annotations

import csv
import random
import re
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
RUN = re.compile(r"^<!-- run by tests/docs/test_python\.py -->\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GOOD, BAD = ["good", "great", "lovely", "superb", "fine"], ["bad", "awful", "poor", "boring", "dull"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a small reviews.csv."""
    drawn = random.Random(5)
    with (tmp_path / "reviews.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        for number in range(240):
            label, words = drawn.choice([("positive", GOOD), ("negative", BAD)])
            table.writerow([f"film number {number} was {' and '.join(drawn.sample(words, 2))}", label])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "runs"))
    return tmp_path


def test_the_training_of_the_python_page_runs_as_it_stands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = RUN.findall((ROOT / "docs" / "python.md").read_text(encoding="utf-8"))
    assert len(blocks) == 2
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        names: dict[str, object] = {}
        for block in blocks:
            exec(block, names)
    finally:
        torch.set_num_threads(threads)
    said = capsys.readouterr().out
    assert "reviews: single_label, negative, positive" in said
    assert "reviews positive" in said or "reviews None" in said
    assert (folder / "my-model" / "config.json").is_file()
    assert {path.name for path in folder.iterdir()} == {"reviews.csv", "runs", "my-model"}
