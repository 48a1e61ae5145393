"""What a user loses if these fail: a plan that is not what will be trained."""

from __future__ import annotations

from pathlib import Path

import pytest

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
