from __future__ import annotations

from typing import Any

from mtl_models.corpora.validation.report import Check, ValidationReport
from mtl_models.reports.content import RunReport
from mtl_models.reports.validation_page import render_validation


def test_a_page_shows_every_check_and_every_offending_row(run: RunReport, read_page: Any) -> None:
    report = run.validations["tweets"]
    page = read_page(render_validation(report))
    for check in report.checks:
        assert check.name in page.text
        assert check.expected in page.text
        assert check.observed in page.text
        for row in check.rows:
            assert row.id in page.text
            assert row.excerpt.strip() in page.text
    assert "with 1 warning" in page.text


def test_a_text_of_the_corpus_does_not_run(run: RunReport) -> None:
    page = render_validation(run.validations["tweets"])
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_class_and_task_names_are_escaped(read_page: Any) -> None:
    check = Check(name="<b>", severity="critical", success=False, expected="<i>", observed="<u>", suite="<s>.json")
    counts: Any = {"train": 1, "dev": 0, "test": 0}
    report = ValidationReport(task="mood", checks=(check,), rows=counts, classes={"<em>&": counts}, lengths=None)
    page = read_page(render_validation(report))
    assert not {"b", "i", "u", "s", "em"} & {tag for tag, _ in page.tags}
    assert "1 critical check failed" in page.text


def test_a_clean_corpus_reads_as_clean(run: RunReport, read_page: Any) -> None:
    page = read_page(render_validation(run.validations["movie"]))
    assert "Every check passed" in page.text
    assert "What failed" not in page.text
