"""What a user loses if these fail: a plan that is not what will be trained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mtl_models.errors import ConfigError
from pipelines.check import check_experiment


def test_altered_copies_are_rows_of_the_plan_and_not_of_the_corpus(
    experiment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(experiment.parent)
    monkeypatch.setenv("COLUMNS", "140")
    check_experiment(experiment, ["tasks.phones={corpus: phones.csv, augmentation: {copies: 3}}"])
    corpora, plan = capsys.readouterr().out.split("sampling plan:")
    assert " 112 " in corpora
    assert " 448 " in plan
    assert "note: 336 of the rows of 'phones' are altered copies" in plan


@pytest.mark.parametrize(
    ("training", "whole"),
    [
        ("{epochs: 3}", True),
        ("{epochs: 3, freeze: {encoder: true}}", False),
        ("{epochs: 3, freeze: {thaw_every: 1}}", True),
        ("{phases: [{epochs: 1, freeze: {encoder: true}}, {epochs: 1}]}", True),
    ],
    ids=["all", "frozen", "thawing", "frozen at first"],
)
def test_only_what_will_move_is_called_trained(
    training: str, whole: bool, experiment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(experiment.parent)
    monkeypatch.setenv("COLUMNS", "140")
    experiment.write_text(re.sub("(?m)^training: .*$", f"training: {training}", experiment.read_text()))
    check_experiment(experiment, [])
    counted = re.search(r"([\d,]+) parameters, ([\d,]+) of them trained", capsys.readouterr().out)
    assert counted is not None
    every, trained = (int(found.replace(",", "")) for found in counted.groups())
    assert trained == every if whole else 0 < trained < every / 10


def test_more_frozen_layers_than_there_are_is_found_before_a_run(experiment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(experiment.parent)
    with pytest.raises(ConfigError, match=r"training\.freeze\.lowest: 9, but the network has"):
        check_experiment(experiment, ["training.freeze={lowest: 9}"])


@pytest.mark.parametrize(
    "training", ["freeze={encoder: true, heads: [films]}", "phases=[{epochs: 1, freeze: {encoder: true, heads: [films]}}]"]
)
def test_a_twin_that_could_not_be_trained_is_found_before_a_run(training: str, experiment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(experiment.parent)
    experiment.write_text(re.sub("(?m)^training: .*$", "training: {}", experiment.read_text()))
    with pytest.raises(ConfigError, match=r"nothing that answers for task 'films' moves"):
        check_experiment(experiment, [f"training.{training}"])


def test_a_head_may_rest_where_the_encoder_learns(experiment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(experiment.parent)
    check_experiment(experiment, ["training.freeze={heads: [films]}"])
