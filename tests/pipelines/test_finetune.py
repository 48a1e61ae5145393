"""A new task on a registered model, as a user does it: taught, judged, proven harmless, and taken out again."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.pipeline


@pytest.fixture
def project(finished):
    """A registered model of two tasks, and a third task taught to it."""
    return finished.folder, finished.polytask, finished.told, finished.before


def answers(printed: str) -> dict[tuple[int, str], dict[str, float]]:
    rows = [json.loads(line) for line in printed.splitlines()]
    return {(row["index"], row["task"]): row["probabilities"] for row in rows}


def test_old_answers_are_proven_the_same_and_reported(project):
    folder, _, told, _ = project
    assert "weights that the new tasks do not own are the same to the bit" in told
    assert "task 'films': all logits of" in told
    page = (folder / "home" / "reports" / "polytask-made" / "report.html").read_text(encoding="utf-8")
    assert "the same to the bit" in page
    assert "What the model looks at" in page
    assert "Self-attention, mean of 2 hops" in page


def test_the_new_version_answers_all_three_tasks_and_the_old_two_as_before(project):
    _, polytask, _, before = project
    printed = polytask("predict", "--format", "json", "--model", "models:/polytask-made/2", "a great film", "a dull phone").stdout
    after = answers(printed)
    assert {task for _, task in after} == {"films", "phones", "hotels"}
    assert {key: after[key] for key in answers(before)} == answers(before)


def test_a_task_is_dropped_from_a_folder(project):
    folder, polytask, _, before = project
    told = polytask("models", "drop", "models:/polytask-made/2", "hotels", "--out", "smaller")
    assert told.returncode == 0, told.stderr
    printed = polytask("predict", "--format", "json", "--model", "smaller", "a great film", "a dull phone").stdout
    assert answers(printed) == answers(before)
    again = polytask("models", "drop", "models:/polytask-made/2", "hotels", "--out", "smaller")
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert (folder / "smaller" / "config.json").is_file()


def test_a_known_task_with_everything_frozen_is_refused(project):
    _, polytask, _, _ = project
    told = polytask("finetune", "made.yaml", "--from", "models:/polytask-made/1")
    assert told.returncode == 2
    assert "finetune.freeze" in told.stderr


def test_a_model_whose_old_answers_changed_unmeasured_is_not_promoted(project):
    _, polytask, _, _ = project
    told = polytask("finetune", "more.yaml", "--from", "models:/polytask-made/1", "--set", "finetune.freeze=none")
    assert told.returncode == 0, told.stderr
    assert "not promoted" in told.stdout
    assert "The answers for 'films', 'phones' have changed" in told.stdout
    assert "differ by up to" in told.stdout
