"""What a user loses if these fail: a page that calls strange texts familiar, or one that does not open offline."""

from __future__ import annotations

from mtl_models.corpora.validation.report import Check, OffendingRow, ValidationReport
from mtl_models.evaluation.drift_report import DriftReport, Measure, Picture, TaskDrift
from mtl_models.inference.batch import Answerer
from mtl_models.reports.batch_report import BatchReport, InputChecks, render_batch


def task(name: str, auc: float | None) -> TaskDrift:
    picture = Picture(bins=("bad", "good"), trained=(0.5, 0.5), new=(0.4, 0.6))
    return TaskDrift(
        task=name,
        trained=600,
        new=200,
        measures=(
            Measure(name="labels", value=0.1, limit=0.15, found="60% are 'good'", picture=picture),
            Measure(name="domain", value=auc, limit=0.8, found="a classifier <says> so", picture=picture if auc else None),
        ),
    )


def page(drift: DriftReport, answers: int | None = 400) -> str:
    check = Check(
        name="duplicate texts",
        severity="warning",
        success=False,
        expected="few",
        observed="many",
        rows=(OffendingRow(split="test", id="7", label="nan", excerpt="<b>again</b>"),),
    )
    checks = InputChecks(reports=(ValidationReport(task="films, phones", checks=(check,), rows={"test": 200}, classes={}, lengths=None),))
    answerer = Answerer(model="polytask-made", version=2, run_id="r" * 32, fingerprint="f" * 64, tasks=("films", "phones"))
    return render_batch(
        BatchReport(answerer=answerer, source="a&b.csv", sha256="5" * 64, checks=checks, drift=drift, answers=answers, made="now")
    )


def test_texts_of_the_same_sort_are_said_to_be_so() -> None:
    shown = page(DriftReport(rows=200, tasks={"films": task("films", 0.51)}, unchecked={}))
    assert "Answered. The texts are of the sort that the model was trained on." in shown
    assert "✓ within" in shown
    assert "! drift" not in shown


def test_strange_texts_are_said_to_be_strange_to_which_tasks() -> None:
    tasks = {"films": task("films", 0.51), "phones": task("phones", 0.95)}
    shown = page(DriftReport(rows=200, tasks=tasks, unchecked={}))
    assert "Answered. These texts are unlike those that phones was trained on." in shown
    assert "! drift" in shown
    assert shown.count("<svg") == 4
    assert "Refused. These texts are unlike those that phones was trained on." in page(
        DriftReport(rows=200, tasks=tasks, unchecked={}), None
    )


def test_a_task_that_was_not_looked_at_is_named_with_the_reason() -> None:
    shown = page(DriftReport(rows=200, tasks={}, unchecked={"films": "its run is gone"}))
    assert "Not every task could be checked for drift." in shown
    assert "films was not checked: its run is gone." in shown


def test_the_page_is_whole_in_itself_and_shows_texts_as_texts() -> None:
    shown = page(DriftReport(rows=200, tasks={"films": task("films", None)}, unchecked={}))
    assert "<b>again" not in shown
    assert "&lt;b&gt;again" in shown
    assert "row 7" in shown
    assert "&lt;says&gt;" in shown
    assert "● unknown" in shown
    assert "a&amp;b.csv" in shown
    assert "http" not in shown.replace("http-equiv", "").replace("http://www.w3.org", "")
