"""What a user loses if these fail: hours of a training whose settings contradict each other, or name tasks that are not there."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mtl_models.config import Experiment
from mtl_models.config.training import Training

TASKS = {"movie": "movie.csv", "tweets": "tweets.csv"}
GRADIENT_METHODS = ["upgrad", "pcgrad", "mgda", "cagrad", "nash_mtl"]


def experiment(**training: Any) -> Experiment:
    return Experiment.model_validate({"name": "example", "tasks": TASKS, "training": training})


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        *(
            ({"sampler": {"name": name}, "updates": updates}, (f"sampler: {{name: {name}}}", f"updates: {updates}"))
            for name in ("sequential", "round_robin")
            for updates in ("mixed", "aggregate")
        ),
        *(
            ({"objective": {"name": name}, "updates": updates}, (f"objective: {{name: {name}}}", f"updates: {updates}"))
            for name in GRADIENT_METHODS
            for updates in ("mixed", "single_task")
        ),
        *(
            ({"successive_regularisation": 0.1, "updates": "single_task", "sampler": {"name": name}}, ("successive_regularisation", name))
            for name in ("proportional", "round_robin")
        ),
        ({"learning_state": "per_task"}, ("learning_state: per_task", "updates: mixed")),
        ({"learning_state": "per_task", "updates": "aggregate"}, ("learning_state: per_task", "updates: aggregate")),
    ],
    ids=str,
)
def test_an_impossible_pair_is_refused_by_both_names(options: dict[str, Any], settings: tuple[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Training(**options)
    message = str(refused.value)
    assert all(f"`{setting}`" in message or setting in message for setting in settings)
    assert "take `" in message, "it says what to do"


@pytest.mark.parametrize(
    "options",
    [
        *({"objective": {"name": name}, "updates": "aggregate"} for name in GRADIENT_METHODS),
        *({"sampler": {"name": name}, "updates": "single_task"} for name in ("sequential", "round_robin", "uniform", "annealed")),
        {"sampler": {"name": "sequential"}, "updates": "single_task", "successive_regularisation": 0.1, "learning_state": "per_task"},
        {"objective": {"name": "uncertainty"}, "updates": "aggregate", "sampler": {"name": "temperature", "draws": "random"}},
    ],
    ids=str,
)
def test_what_is_possible_is_let_through(options: dict[str, Any]) -> None:
    Training(**options)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (
            {"sampler": {"name": "given", "probabilities": {"movie": 1, "twets": 1, "tweets": 1}}},
            "training.sampler.probabilities names 'twets', but the tasks are movie, tweets",
        ),
        ({"sampler": {"name": "given", "probabilities": {"movie": 1}}}, "probabilities leaves out the task 'tweets'"),
        (
            {"objective": {"name": "fixed", "weights": {"film": 2}}},
            "training.objective.weights names 'film', but the tasks are movie, tweets",
        ),
        ({"objective": {"name": "fixed", "weights": {"movie": 0, "tweets": 0}}}, "0 for every task"),
    ],
)
def test_tasks_are_named_rightly_and_all(training: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        experiment(**training)
    assert message in str(refused.value)


def test_weights_and_probabilities_of_the_tasks_there_are_fine() -> None:
    experiment(sampler={"name": "given", "probabilities": {"movie": 1, "tweets": 3}}, objective={"name": "fixed", "weights": {"movie": 0}})
