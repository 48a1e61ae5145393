"""What a user loses if these fail: nights of training for nothing, or a champion that goes stale while all seems well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mtl_models.config import text as config
from mtl_models.config.drift import Drift
from mtl_models.config.retraining import Retraining
from mtl_models.config.text import TextOptions
from mtl_models.corpora.fresh import known_keys
from mtl_models.errors import CorpusError
from mtl_models.evaluation.drift_report import DriftReport, Measure, TaskDrift
from mtl_models.evaluation.new_data import drift_of_new_rows
from mtl_models.evaluation.retraining import NewData, RetrainingDecision, decide_retraining
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

TRAINED = datetime(2027, 1, 1, tzinfo=UTC)
LATER = TRAINED + timedelta(days=40)


def data(new: int = 200, auc: float = 0.5, changed: dict[str, str] | None = None) -> NewData:
    measure = Measure(name="domain", value=auc, limit=0.8, found="a classifier says so")
    tasks = {"mood": TaskDrift(task="mood", trained=600, new=new, measures=(measure,))} if new >= 100 else {}
    unchecked = {} if new >= 100 else {"mood": f"{new} new rows are too few to tell; drift.min_texts is 100"}
    return NewData(
        champion="models:/polytask-made/3",
        trained=TRAINED,
        rows={"mood": 1000},
        new={"mood": new},
        learned={"mood": 0},
        drift=DriftReport(rows=new, tasks=tasks, unchecked=unchecked),
        changed=changed or {},
    )


def decided(found: NewData, forced: bool = False, **section: float) -> RetrainingDecision:
    return decide_retraining(found, Retraining.model_validate(section), LATER, forced)


def test_without_a_new_row_nothing_is_trained_however_old_the_champion() -> None:
    decision = decided(data(new=0), max_age_days=30)
    assert not decision.retrain
    assert decision.prose() == (
        "Nothing is trained; the champion stays as it is. "
        "Nothing has changed: all 1,000 rows were there when the champion models:/polytask-made/3 was trained."
    )


def test_drift_trains_and_says_which_measure() -> None:
    decision = decided(data(auc=0.95))
    assert decision.retrain
    assert "The new rows drift: task 'mood', domain 0.950, limit 0.8: a classifier says so." in decision.reasons
    assert [check.name for check in decision.checks if not check.passed] == ["drift"]
    assert RetrainingDecision.model_validate_json(decision.model_dump_json()) == decision


def test_new_rows_like_the_old_ones_wait_until_the_champion_is_too_old() -> None:
    assert not decided(data()).retrain
    assert not decided(data(), max_age_days=41).retrain
    old = decided(data(new=5), max_age_days=39)
    assert old.retrain
    assert "The champion is 40.0 days old, more than retraining.max_age_days (39)." in old.reasons


def test_too_few_rows_to_judge_are_said_to_be_so() -> None:
    assert "Task 'mood' was not judged: 5 new rows are too few to tell; drift.min_texts is 100" in decided(data(new=5)).prose()


def test_a_new_task_or_label_trains() -> None:
    decision = decided(data(new=0, changed={"tone": "the champion does not know it"}))
    assert decision.retrain
    assert "Task 'tone': the champion does not know it." in decision.reasons


def test_force_trains_whatever_was_found() -> None:
    decision = decided(data(new=0), forced=True)
    assert decision.retrain
    assert decision.reasons[0] == "It was asked for, whatever the data say."


@pytest.fixture
def vocabulary():
    return build_vocabulary({"mood": ["a good film", "a bad film"]}, {"mood": TextOptions()}, config.Vocabulary(min_count=1))


def test_only_new_rows_are_compared_and_labels_by_name(corpus, vocabulary) -> None:
    old = [(f"a good film {n}", n % 2) for n in range(200)]
    trained = corpus(old, old[:1])
    turned = [(text, 1 - label) for text, label in old]  # the same labels, numbered the other way
    now = corpus([*turned, *[(f"a new film {n}", 0) for n in range(150)]], [], labels=("good", "bad"))
    found = drift_of_new_rows(Task("mood", "single_label", ("bad", "good")), vocabulary, trained, now, known_keys([trained]), Drift(), 3)
    assert found is not None
    assert found.new == 150
    labels = next(measure for measure in found.measures if measure.name == "labels")
    assert labels.picture is not None
    assert (labels.picture.bins, labels.picture.trained, labels.picture.new) == (("bad", "good"), (0.5, 0.5), (0.0, 1.0))
    assert labels.value == pytest.approx(0.5)


def test_few_new_rows_are_not_compared_and_other_labels_refused(corpus, vocabulary) -> None:
    rows = [(f"a good film {n}", n % 2) for n in range(200)]
    trained, nothing = corpus(rows, []), np.empty(0, dtype=np.uint64)
    task = Task("mood", "single_label", ("bad", "good"))
    assert drift_of_new_rows(task, vocabulary, trained, trained, known_keys([trained]), Drift(), 3) is None
    with pytest.raises(CorpusError, match="the corpus has bad, fine"):
        drift_of_new_rows(task, vocabulary, trained, corpus(rows, [], labels=("bad", "fine")), nothing, Drift(), 3)
