"""The gate must never promote a worse model, and must say why it did or did not promote."""

from __future__ import annotations

import numpy as np
import pytest

from mtl_models.config.judging import Evaluation, Gate
from mtl_models.evaluation.comparison import Comparison, compare, compare_candidates
from mtl_models.evaluation.decision import Decision, decide

EVALUATION = Evaluation(metric="accuracy", resamples=500)
ROWS = 1000


def _with_wrong(make, task: str, wrong: int):
    """Predictions that miss the first `wrong` rows: two of them differ by exactly so many rows."""
    gold = np.arange(ROWS) % 2
    return make(gold, np.where(np.arange(ROWS) < wrong, 1 - gold, gold), task)


@pytest.fixture
def against_twins(predictions):
    def make(**wrong: tuple[int, int]) -> Comparison:
        """Task -> rows the joint model gets wrong, rows its twin gets wrong."""
        joint = {task: _with_wrong(predictions, task, ours) for task, (ours, _) in wrong.items()}
        twins = {task: _with_wrong(predictions, task, theirs) for task, (_, theirs) in wrong.items()}
        return compare(joint, twins, {}, EVALUATION, 1)

    return make


@pytest.fixture
def against_champion(predictions):
    def make(left_out: dict[str, str] | None = None, **wrong: tuple[int, int]) -> Comparison:
        joint = {task: _with_wrong(predictions, task, ours) for task, (ours, _) in wrong.items()}
        champion = {task: _with_wrong(predictions, task, theirs) for task, (_, theirs) in wrong.items()}
        compared = compare_candidates(joint, {"champion": champion}, EVALUATION, 1)
        return compared.model_copy(update={"left_out": left_out or {}})

    return make


def failed(decision: Decision) -> list[str]:
    return [check.name for check in decision.checks if not check.passed]


def test_a_winner_without_a_champion_is_promoted(against_twins) -> None:
    decision = decide(against_twins(a=(100, 150), b=(100, 120)), Gate(), None)
    assert decision.promote
    assert failed(decision) == []
    assert "is promoted to champion" in decision.prose()
    assert "mean accuracy changes by +0.035" in decision.prose()
    assert "no champion yet" in decision.prose()
    assert Decision.model_validate_json(decision.model_dump_json()) == decision


def test_a_losing_joint_model_is_not(against_twins) -> None:
    decision = decide(against_twins(a=(150, 100), b=(150, 100)), Gate(), None)
    assert not decision.promote
    assert failed(decision) == ["mean against the twins", "a against its twin", "b against its twin"]
    assert "not promoted; it stays challenger" in decision.prose()
    assert "mean accuracy changes by -0.050" in decision.prose()
    assert "No task clearly loses" not in decision.prose()


def test_a_mean_gain_does_not_buy_one_tasks_clear_loss(against_twins) -> None:
    decision = decide(against_twins(a=(50, 200), b=(140, 100)), Gate(), None)
    assert not decision.promote
    assert failed(decision) == ["b against its twin"]
    assert "Task 'b' against its twin: -0.040" in decision.prose()
    assert "Task 'a'" not in decision.prose()


def test_a_loss_within_max_regression_passes_however_sure(against_twins) -> None:
    comparison = against_twins(a=(50, 200), b=(109, 100))
    assert comparison.tasks["b"].differences["twin"].high < 0
    assert decide(comparison, Gate(max_regression=0.01), None).promote
    assert not decide(comparison, Gate(max_regression=0.005), None).promote


def test_a_loss_exactly_at_max_regression_passes(against_twins) -> None:
    assert decide(against_twins(a=(50, 200), b=(110, 100)), Gate(max_regression=0.01), None).promote


def test_a_larger_loss_passes_while_its_interval_reaches_zero(predictions) -> None:
    gold = np.arange(100) % 2
    rows = np.arange(100)
    ours = {"a": predictions(gold, np.where(rows < 20, 1 - gold, gold), "a"), "b": predictions(gold, gold, "b")}
    theirs = {
        "a": predictions(gold, np.where((rows >= 20) & (rows < 37), 1 - gold, gold), "a"),
        "b": predictions(gold, np.where(rows < 50, 1 - gold, gold), "b"),
    }
    comparison = compare(ours, theirs, {}, EVALUATION, 1)
    change = comparison.tasks["a"].differences["twin"]
    assert change.value == pytest.approx(-0.03)
    assert change.high > 0
    assert decide(comparison, Gate(), None).promote


def test_a_small_mean_loss_fails_without_any_task_clearly_losing(against_twins) -> None:
    decision = decide(against_twins(a=(105, 100), b=(100, 100)), Gate(), None)
    assert failed(decision) == ["mean against the twins"]
    assert not decision.promote


def test_min_mean_gain_can_ask_for_more_or_for_less(against_twins) -> None:
    comparison = against_twins(a=(100, 110), b=(100, 110))
    assert decide(comparison, Gate(min_mean_gain=0.01), None).promote
    assert not decide(comparison, Gate(min_mean_gain=0.011), None).promote
    losing = against_twins(a=(104, 100), b=(104, 100))
    assert decide(losing, Gate(min_mean_gain=-0.01), None).promote


def test_a_tie_passes(against_twins, against_champion) -> None:
    assert decide(against_twins(a=(100, 100), b=(70, 70)), Gate(), against_champion(a=(100, 100), b=(70, 70))).promote


def test_gains_and_losses_that_cancel_are_a_tie(against_twins) -> None:
    comparison = against_twins(a=(103, 100), b=(100, 101), c=(100, 101), d=(100, 101))
    assert comparison.mean_differences["twin"].value == pytest.approx(0.0)
    assert decide(comparison, Gate(), None).promote


def test_better_than_twins_and_champion_is_promoted(against_twins, against_champion) -> None:
    decision = decide(against_twins(a=(100, 150)), Gate(), against_champion(a=(100, 130)))
    assert decision.promote
    assert [check.name for check in decision.checks] == [
        "mean against the twins",
        "a against its twin",
        "mean against the champion",
        "a against the champion",
    ]
    assert "Against the champion, mean accuracy changes by +0.030" in decision.prose()


def test_a_better_champion_stays(against_twins, against_champion) -> None:
    decision = decide(against_twins(a=(100, 150)), Gate(), against_champion(a=(100, 60)))
    assert not decision.promote
    assert failed(decision) == ["mean against the champion", "a against the champion"]
    assert "Against the champion, mean accuracy changes by -0.040" in decision.prose()
    assert "Against the twins" not in decision.prose()


def test_a_champion_better_on_one_task_only_stays(against_twins, against_champion) -> None:
    decision = decide(against_twins(a=(10, 150), b=(100, 150)), Gate(), against_champion(a=(10, 100), b=(100, 60)))
    assert failed(decision) == ["b against the champion"]


def test_min_mean_gain_is_about_twins_and_not_about_the_champion(against_twins, against_champion) -> None:
    assert decide(against_twins(a=(100, 150)), Gate(min_mean_gain=0.03), against_champion(a=(100, 100))).promote
    assert not decide(against_twins(a=(100, 97)), Gate(min_mean_gain=-0.01), against_champion(a=(100, 99))).promote


def test_a_champion_with_other_tasks_is_compared_on_the_common_ones_and_that_is_said(against_twins, against_champion) -> None:
    left_out = {"b": "the champion does not know this task"}
    comparison = against_twins(a=(100, 150), b=(100, 150))
    decision = decide(comparison, Gate(), against_champion(left_out, a=(100, 130)))
    assert decision.promote
    assert "only on a ('b': the champion does not know this task)" in decision.prose()
    assert not decide(comparison, Gate(), against_champion(left_out, a=(100, 60))).promote


def test_a_champion_without_a_common_task_has_no_say_and_that_is_said(against_twins, against_champion) -> None:
    decision = decide(
        against_twins(a=(100, 150)), Gate(), against_champion({"a": "the champion's labels are x, y, the new model's bad, good"})
    )
    assert decision.promote
    assert "on no task at all" in decision.prose()
    assert "the champion's labels are x, y" in decision.prose()
    assert [check.name for check in decision.checks] == ["mean against the twins", "a against its twin"]


def test_old_tasks_that_answer_otherwise_and_were_not_measured_keep_a_winner_down(against_twins, against_champion) -> None:
    twins, champion = against_twins(a=(100, 150)), against_champion(a=(100, 150))
    assert decide(twins, Gate(), champion, changed=()).promote
    decision = decide(twins, Gate(), champion, changed=["old", "older"])
    assert not decision.promote
    assert failed(decision) == ["tasks that were not measured"]
    assert "'old', 'older'" in decision.prose()


def test_what_was_known_and_is_lost_keeps_a_model_down(against_twins, against_champion) -> None:
    """On the regression set a clear loss of one task counts, a mean that is a little lower does not."""
    comparison, champion = against_twins(a=(100, 150)), against_champion(a=(100, 130))
    lost = decide(comparison, Gate(), champion, regression=against_champion(a=(200, 100)))
    assert failed(lost) == ["a against the champion on the regression set"]
    assert "Task 'a' against the champion on the regression set: -0.100" in lost.prose()
    assert decide(comparison, Gate(), champion, regression=against_champion(a=(103, 100))).promote
