"""The champion is judged on the new model's rows, for the tasks that both have."""

from __future__ import annotations

import numpy as np
import pytest

from mtl_models.config.judging import Evaluation
from mtl_models.evaluation.champion import compare_with_champion
from mtl_models.evaluation.predictions import Predictions
from mtl_models.tasks.task import Task

EVALUATION = Evaluation(metric="accuracy", resamples=200)


class Always:
    """A champion that answers every text with its first label."""

    def __init__(self, **labels: tuple[str, ...]) -> None:
        self.tasks = tuple(Task(name, "single_label", names) for name, names in labels.items())
        self.labels = labels

    def probabilities(self, texts, tasks, batch_size):
        return {task: np.tile(np.eye(len(self.labels[task]))[0], (len(texts), 1)) for task in tasks}


@pytest.fixture
def corpora(corpus):
    rows = [(f"text {n}", int(n < 3)) for n in range(10)]
    return {task: corpus([("x", 0)], rows, task) for task in ("mood", "tone")}


@pytest.fixture
def joint(corpora) -> dict[str, Predictions]:
    ids = tuple(f"test-{n}" for n in range(10))
    gold = np.array([1, 1, 1] + [0] * 7)
    return {task: Predictions(task, ("bad", "good"), ids, gold, np.eye(2)[gold]) for task in corpora}


def test_both_tasks_are_compared_whatever_the_order_of_the_labels(joint, corpora) -> None:
    found = compare_with_champion(joint, Always(mood=("bad", "good"), tone=("good", "bad")), corpora, EVALUATION, 1)
    assert found.left_out == {}
    assert found.tasks["mood"].differences["champion"].value == pytest.approx(0.3)
    assert found.tasks["tone"].differences["champion"].value == pytest.approx(0.7)
    assert found.mean_differences["champion"].value == pytest.approx(0.5)


def test_tasks_of_one_side_only_and_other_labels_are_left_out_with_the_reason(joint, corpora) -> None:
    found = compare_with_champion(joint, Always(mood=("bad", "good", "meh"), place=("here", "there")), corpora, EVALUATION, 1)
    assert found.tasks == {}
    assert found.mean_differences == {}
    assert found.left_out == {
        "place": "there are no rows of it here",
        "mood": "the champion's labels are bad, good, meh, the new model's bad, good",
        "tone": "the champion does not know this task",
    }


def test_one_common_task(joint, corpora) -> None:
    found = compare_with_champion(joint, Always(tone=("bad", "good")), corpora, EVALUATION, 1)
    assert list(found.tasks) == ["tone"]
    assert list(found.left_out) == ["mood"]
