"""The expectations of a corpus, held against texts that have no labels: those that a model is to answer."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mtl_models.config.corpus import Validation
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.validation.checks import row_checks, script_checks
from mtl_models.corpora.validation.columns import measure
from mtl_models.corpora.validation.report import ValidationReport
from mtl_models.corpora.validation.script import check_script
from mtl_models.corpora.validation.suite import columns_named, read_suite
from mtl_models.corpora.validation.validate import judge, judge_suite, lengths_of
from mtl_models.errors import CorpusError

__all__ = ["raise_if_unfit", "validate_texts"]

_OF_TEXTS = ("length", "visible", "copy")
"""Columns of `measure` that say something about a text, whatever its label."""

_UNLABELLED = {"id", "text", "length"}
"""Columns of a suite's table that unlabelled texts have too; expectations of others, or of the whole table, are left out."""


def validate_texts(texts: Corpus, task: str, expected: Validation) -> ValidationReport:
    """Run those checks of a task's corpus that are about texts, with the task's own limits: presence, length, repeated texts, script, and
    the user's suite as far as it goes. How many rows there are, and their labels, splits and groups, are not asked about.

    `ConfigError` for a suite file that is gone or malformed. Failed checks raise nothing here: see `raise_if_unfit`.
    """
    if expected.script is not None:
        check_script(task, expected.script)
    columns = measure(texts, expected.script)
    planned = row_checks(columns.rows, (), expected, "rating")
    checks = judge(texts, columns.rows, [check for check in planned if getattr(check.expectation, "column", None) in _OF_TEXTS])
    if expected.script is not None:
        share = pd.DataFrame({"script": [columns.in_script / max(1, columns.letters)]})
        checks += judge(texts, share, script_checks(columns, expected.script, expected.script_share))
    if expected.suite is not None:
        named = [(entry, set(columns_named(entry.configuration.kwargs))) for entry in read_suite(Path(expected.suite))]
        suite = [entry for entry, about in named if about and about <= _UNLABELLED]
        checks += judge_suite(texts, suite, expected.suite) if suite else []
    rows = {"test": len(texts.splits["test"])}
    return ValidationReport(task=task, checks=tuple(checks), rows=rows, classes={}, lengths=lengths_of(columns.rows["length"]))


def raise_if_unfit(source: str, report: ValidationReport) -> None:
    """Raise `CorpusError` listing the failed critical checks, what each expected and found, and rows of `source` to look at."""
    failed = report.failed("critical")
    if not failed:
        return
    lines = [f"{source}: {len(failed)} critical check{'s' if len(failed) > 1 else ''} failed that the corpus of '{report.task}' passed"]
    for check in failed:
        lines.append(f"  {check.line}")
        lines += [f"    row {row.id}: {row.excerpt}" for row in check.rows]
    lines.append("mend these rows or leave them out (rows are counted from 0), or answer other tasks only with --task")
    raise CorpusError("\n".join(lines))
