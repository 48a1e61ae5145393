"""What a user loses if these fail: a page that says "promoted" where the champion stayed, hides what was lost, or does not open offline."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from mtl_models.config.judging import Evaluation
from mtl_models.evaluation.comparison import CHAMPION, Comparison, compare_candidates
from mtl_models.evaluation.decision import Decision
from mtl_models.evaluation.drift_report import DriftReport, Measure, Picture, TaskDrift
from mtl_models.evaluation.predictions import Predictions
from mtl_models.evaluation.retraining import NewData, RetrainingDecision
from mtl_models.reports.retraining_report import FreshRows, Outcome, RetrainingReport, render_retraining


def met(right: float) -> Comparison:
    """A new model that is right so often, against a champion that is right about 70 of 100 rows."""

    def said(share: float, task: str) -> Predictions:
        gold = np.arange(100) % 2
        wrong = np.arange(100) >= share * 100
        return Predictions(task, ("bad", "good"), tuple(map(str, range(100))), gold, np.eye(2)[np.where(wrong, 1 - gold, gold)])

    tasks = ("films", "phones")
    ours, theirs = ({task: said(share, task) for task in tasks} for share in (right, 0.7))
    return compare_candidates(ours, {CHAMPION: theirs}, Evaluation(metric="accuracy", resamples=100), 1)


def page(retrain: bool, outcome: Outcome | None = None) -> str:
    picture = Picture(bins=("bad", "good"), trained=(0.5, 0.5), new=(0.2, 0.8))
    measure = Measure(name="labels", value=0.3, limit=0.15, found="80% are <good>", picture=picture)
    drift = TaskDrift(task="films", trained=600, new=200, measures=(measure,))
    found = NewData(
        champion="models:/polytask-made/1",
        trained=datetime(2027, 1, 1, tzinfo=UTC),
        rows={"films": 1200, "phones": 800},
        new={"films": 200, "phones": 0},
        learned={"films": 17, "phones": 0},
        drift=DriftReport(rows=200, tasks={"films": drift}, unchecked={"phones": "0 new rows are too few to tell"}),
    )
    decision = RetrainingDecision(retrain=retrain, forced=False, reasons=["Because it is so."], checks=[])
    return render_retraining(RetrainingReport(experiment="made", found=found, decision=decision, outcome=outcome, made="now"))


def outcome(promote: bool, regression: Comparison | None) -> Outcome:
    return Outcome(
        start="warm",
        model="models:/polytask-made/2",
        run_id="r" * 32,
        gate=Decision(promote=promote, reasons=["No task clearly loses."], checks=[]),
        fresh=met(0.9),
        regression=regression,
        rows={"films": FreshRows(test=223, learned=17, kept_apart=9), "phones": FreshRows(test=160, learned=0, kept_apart=0)},
    )


@pytest.mark.parametrize(
    ("shown", "headline"),
    [
        (page(False), "Nothing is trained; the champion stays as it is."),
        (page(True), "The model is to be trained anew."),
        (page(True, outcome(True, met(0.7))), "Trained anew, and promoted to champion."),
        (page(True, outcome(False, met(0.3))), "Trained anew, and not promoted: the champion stays."),
    ],
)
def test_the_headline_is_what_happened(shown: str, headline: str) -> None:
    assert f'<p class="big">{headline}</p>' in shown


def test_the_new_rows_are_shown_with_pictures_and_what_was_not_checked() -> None:
    shown = page(False)
    assert shown.count("<svg") == 1
    assert "80% are &lt;good&gt;" in shown
    assert "phones was not checked: 0 new rows are too few to tell." in shown
    assert "! drift" in shown


def test_both_meetings_are_shown_with_the_rows_that_were_left_out() -> None:
    shown = page(True, outcome(True, met(0.3)))
    assert shown.count("<svg") == 3
    assert "On fresh test rows" in shown
    assert "On the regression set" in shown
    assert "▲ better" in shown
    assert "▼ worse" in shown
    assert '<td class="n">223</td><td class="n">17</td><td class="n">9</td><td class="n">100</td>' in shown
    assert "from the champion" in shown


def test_without_a_regression_set_there_is_no_such_section() -> None:
    assert "On the regression set" not in page(True, outcome(True, None))


def test_the_page_is_whole_in_itself() -> None:
    shown = page(True, outcome(True, met(0.7)))
    assert "<style>" in shown
    assert "<script src" not in shown
    assert 'href="http' not in shown
