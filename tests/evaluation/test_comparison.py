"""A comparison says by how much the joint model wins or loses, on equal rows only."""

from __future__ import annotations

import numpy as np
import pytest

from mtl_models.config.judging import Evaluation
from mtl_models.errors import CorpusError
from mtl_models.evaluation.comparison import Comparison, compare, compare_candidates
from mtl_models.evaluation.predictions import Predictions

EVALUATION = Evaluation(resamples=500)


def noisy(make, task: str, right: float, seed: int, rows: int = 300) -> Predictions:
    gold = np.random.default_rng(0).integers(2, size=rows)
    keep = np.random.default_rng(seed).random(rows) < right
    return make(gold, np.where(keep, gold, 1 - gold), task)


@pytest.fixture(scope="module")
def comparison(predictions) -> Comparison:
    joint = {task: noisy(predictions, task, 0.9, seed) for seed, task in enumerate(("a", "b"), 1)}
    twins = {task: noisy(predictions, task, 0.7, seed) for seed, task in enumerate(("a", "b"), 11)}
    tfidf = {task: noisy(predictions, task, 0.6, seed) for seed, task in enumerate(("a", "b"), 21)}
    return compare(joint, twins, {"tfidf_single": tfidf, "tfidf_partial": {"a": tfidf["a"]}}, EVALUATION, seed=3)


def test_differences_are_those_of_the_measures(comparison: Comparison) -> None:
    for task in comparison.tasks.values():
        for name, change in task.differences.items():
            assert change.value == pytest.approx(task.measures["joint"].macro_f1 - task.measures[name].macro_f1)
            assert change.low <= change.value <= change.high
        assert task.transfer == task.differences["twin"]
        assert task.scores["joint"].value == task.measures["joint"].macro_f1
    assert comparison.mean_transfer is not None
    assert comparison.mean_transfer.value == pytest.approx(np.mean([task.differences["twin"].value for task in comparison.tasks.values()]))
    assert comparison.mean_transfer.low > 0.1


def test_mean_interval_is_narrower_than_a_tasks(comparison: Comparison) -> None:
    def width(e):
        return e.high - e.low

    widths = [width(task.differences["twin"]) for task in comparison.tasks.values()]
    assert width(comparison.mean_differences["twin"]) == pytest.approx(np.mean(widths) / np.sqrt(2), rel=0.2)


def test_a_reference_may_leave_tasks_out_but_then_has_no_mean(comparison: Comparison) -> None:
    assert comparison.candidates == ["joint", "twin", "tfidf_single", "tfidf_partial"]
    assert "tfidf_partial" in comparison.tasks["a"].differences
    assert "tfidf_partial" not in comparison.tasks["b"].differences
    assert set(comparison.mean_differences) == {"twin", "tfidf_single"}
    assert np.isnan(comparison.mean_measure("tfidf_partial", "accuracy"))
    assert comparison.mean_measure("joint", "macro_f1") == pytest.approx(comparison.mean_scores["joint"].value)


def test_same_seed_same_numbers_and_a_tasks_numbers_do_not_depend_on_the_others(predictions, comparison: Comparison) -> None:
    joint, twins = {"b": noisy(predictions, "b", 0.9, 2)}, {"b": noisy(predictions, "b", 0.7, 12)}
    alone = compare(joint, twins, {}, EVALUATION, seed=3)
    assert compare(joint, twins, {}, EVALUATION, seed=3) == alone
    assert compare(joint, twins, {}, EVALUATION, seed=4) != alone
    more = compare_candidates(joint | {"c": noisy(predictions, "c", 0.9, 5)}, {"twin": twins}, EVALUATION, seed=3)
    assert more.tasks["b"] == alone.tasks["b"]


def test_swapped_sides_swap_signs(predictions) -> None:
    a, b = {"t": noisy(predictions, "t", 0.9, 1)}, {"t": noisy(predictions, "t", 0.8, 2)}
    forth = compare(a, b, {}, EVALUATION, seed=1).tasks["t"].differences["twin"].value
    back = compare(b, a, {}, EVALUATION, seed=1).tasks["t"].differences["twin"].value
    assert forth == pytest.approx(-back)


def test_survives_json(comparison: Comparison) -> None:
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "mcc"])
def test_equal_models_tie_exactly(predictions, metric) -> None:
    same = {"t": noisy(predictions, "t", 0.8, 1)}
    change = compare(same, same, {}, Evaluation(metric=metric, resamples=200), seed=1).tasks["t"].differences["twin"]
    assert (change.value, change.low, change.high) == (0.0, 0.0, 0.0)


def test_other_rows_are_refused(predictions) -> None:
    ours = predictions([0, 1, 1], [0, 1, 1])
    moved = Predictions("mood", ours.labels, ("row-0", "row-2", "row-1"), ours.gold, ours.probabilities)
    with pytest.raises(CorpusError, match=r"task 'mood'.*'twin'.*row 1 is 'row-1' for one and 'row-2'"):
        compare({"mood": ours}, {"mood": moved}, {}, EVALUATION, 1)
    with pytest.raises(CorpusError, match="3 and 2 rows"):
        compare({"mood": ours}, {"mood": predictions([0, 1], [0, 1])}, {}, EVALUATION, 1)
    with pytest.raises(CorpusError, match=r"'tfidf'.*row 'row-2' has two gold labels"):
        compare({"mood": ours}, {"mood": ours}, {"tfidf": {"mood": predictions([0, 1, 0], [0, 1, 1])}}, EVALUATION, 1)
    with pytest.raises(CorpusError, match="labels are bad, good and good, bad"):
        compare({"mood": ours}, {"mood": predictions([0, 1, 1], [0, 1, 1], labels=("good", "bad"))}, {}, EVALUATION, 1)


def test_every_task_needs_its_twin(predictions) -> None:
    with pytest.raises(ValueError, match="no twin for the task mood"):
        compare({"mood": predictions([0, 1], [0, 1])}, {}, {}, EVALUATION, 1)
