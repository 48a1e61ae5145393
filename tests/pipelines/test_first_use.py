"""What a user loses if these fail: knowing, at the first try, what became of rows, what a figure is of, and what is wrong, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtl_models.config.training import Training
from mtl_models.errors import PolytaskError
from mtl_models.tasks.task import Task
from mtl_models.training.fit import _line
from pipelines.check import check_experiment

from histories import epoch_record

SMALL = "vocabularies: {shared: {vectors: {method: random, dimension: 8}}}\nnetwork: {name: joint_lstm, hidden: 8}\n"


def test_rows_left_out_are_told_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"text number {number},{'good' if number % 2 else 'bad'}" for number in range(80)]
    table = tmp_path / "posts.csv"
    table.write_text("text,mood\n" + "\n".join([*rows, "one more,", "and another,"]) + "\n", encoding="utf-8")
    experiment = tmp_path / "made.yaml"
    label = '{column: mood, missing: [""]}'
    experiment.write_text(f"name: made\ntasks:\n  mood: {{corpus: {{source: {table}, label: {label}}}}}\n{SMALL}", encoding="utf-8")
    check_experiment(experiment, ())
    assert "dropped from mood: 2 no label" in capsys.readouterr().out


def test_a_source_that_several_tasks_read_is_complained_of_once(tmp_path: Path) -> None:
    table = tmp_path / "posts.csv"
    table.write_text("text;label\nx;one\n", encoding="utf-8")
    experiment = tmp_path / "made.yaml"
    experiment.write_text(f"name: made\ntasks:\n  a: {table}\n  b: {table}\n{SMALL}", encoding="utf-8")
    with pytest.raises(PolytaskError) as raised:
        check_experiment(experiment, ())
    assert str(raised.value).count("no column 'text'") == 1


def test_the_line_of_an_epoch_names_the_measure_of_a_rating() -> None:
    measures = {"macro_f1": 0.5, "pearson": 0.5}
    record = epoch_record(
        1, {"mood": measures, "stars": measures}, train_loss={"mood": 0.5, "stars": 0.5}, examples={"mood": 1, "stars": 1}
    )
    tasks = [Task("mood", "single_label", ("bad", "good")), Task("stars", "rating", ("stars",))]
    assert _line("joint", record, Training(), tasks).endswith("dev macro_f1 0.500 (mood 0.500, stars pearson 0.500)")
