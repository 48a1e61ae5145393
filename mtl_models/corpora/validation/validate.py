"""What is expected of a corpus's rows, judged by Great Expectations; critical failures stop a run, warnings go to its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_models.config.corpus import Validation
from mtl_models.corpora.annotations import annotations_of, on_words, type_counts
from mtl_models.corpora.corpus import SPLITS, Corpus, Split
from mtl_models.corpora.validation.checks import PlannedCheck, class_checks, column_checks, mark_checks, row_checks, script_checks
from mtl_models.corpora.validation.columns import class_table, label_names, measure, schema_of
from mtl_models.corpora.validation.engine import Outcome, run
from mtl_models.corpora.validation.report import ROWS_SHOWN, Check, Lengths, OffendingRow, Severity, ValidationReport, excerpt
from mtl_models.corpora.validation.script import check_script
from mtl_models.corpora.validation.suite import read_suite, suite_table
from mtl_models.errors import ConfigError, CorpusError

__all__ = [
    "Check",
    "Lengths",
    "OffendingRow",
    "ValidationReport",
    "judge",
    "judge_suite",
    "lengths_of",
    "raise_if_critical",
    "validate",
]


def validate(corpus: Corpus, expected: Validation) -> ValidationReport:
    """Run every check of ours, and the user's suite where there is one.

    `ConfigError` for a script Unicode does not have, and for a suite file that is malformed or cannot be judged. Failed checks raise
    nothing here: see `raise_if_critical`.
    """
    if expected.script is not None:
        check_script(corpus.task, expected.script)
    suite = None if expected.suite is None else read_suite(Path(expected.suite))
    schema = pd.DataFrame({name: [] for name in schema_of(corpus.splits)})
    checks = judge(corpus, schema, column_checks(corpus.kind))
    if not all(check.success for check in checks):
        rows: dict[Split, int] = {split: len(corpus.splits[split]) for split in SPLITS if split in corpus.splits}
        return ValidationReport(task=corpus.task, checks=tuple(checks), rows=rows, classes={}, lengths=None)
    columns = measure(corpus, expected.script)
    checks += judge(corpus, columns.rows, row_checks(columns.rows, corpus.labels, expected, corpus.kind))
    if on_words(corpus.kind):
        checks += judge(corpus, columns.rows, mark_checks(columns.rows, expected))
    counts: dict[str, dict[Split, int]] = {}
    if corpus.kind != "rating":
        classes = class_table(columns.rows, corpus.labels, columns.has)
        checks += judge(corpus, classes, class_checks(classes, columns, expected, corpus.kind))
        counts = {line.label: {split: int(getattr(line, split)) for split in SPLITS} for line in classes.itertuples()}
    if expected.script is not None:
        share = pd.DataFrame({"script": [columns.in_script / max(1, columns.letters)]})
        checks += judge(corpus, share, script_checks(columns, expected.script, expected.script_share))
    if suite is not None and expected.suite is not None:
        checks += judge_suite(corpus, suite, expected.suite)
    return ValidationReport(
        task=corpus.task,
        checks=tuple(checks),
        rows={split: len(corpus.splits[split]) for split in SPLITS},
        classes=counts,
        lengths=lengths_of(columns.rows["length"]),
    )


def raise_if_critical(report: ValidationReport) -> None:
    """Raise `CorpusError` listing the failed critical checks, what each expected and found, and rows to look at."""
    failed = report.failed("critical")
    if not failed:
        return
    lines = [f"task '{report.task}': {len(failed)} critical check{'s' if len(failed) > 1 else ''} of its corpus failed"]
    for check in failed:
        lines.append(f"  {check.line}")
        lines += [f"    {row.split} row '{row.id}' ({row.label}): {row.excerpt}" for row in check.rows]
    lines.append(f"mend the rows, leave them out (tasks.{report.task}.corpus.drop), or change tasks.{report.task}.validation")
    raise CorpusError("\n".join(lines))


def judge(corpus: Corpus, table: pd.DataFrame, planned: Sequence[PlannedCheck]) -> list[Check]:
    """The planned checks with their outcomes on `table`."""
    checks = []
    for plan, outcome in zip(planned, run(table, [plan.expectation for plan in planned]), strict=True):
        if outcome.fault is not None:
            raise RuntimeError(f"the check '{plan.name}' could not be judged: {outcome.fault}")
        offenders = outcome.rows if plan.offenders is None else plan.offenders(outcome)
        checks.append(
            Check(
                name=plan.name,
                severity=plan.severity,
                success=outcome.success,
                expected=plan.expected,
                observed=plan.observed(outcome),
                unexpected=outcome.result.get("unexpected_count") if plan.offenders is None else None,
                rows=() if outcome.success else _offending(corpus, offenders),
            )
        )
    return checks


def judge_suite(corpus: Corpus, expectations: Sequence[Any], suite: str) -> list[Check]:
    """The user's expectations. One that cannot be judged is a fault of the suite."""
    checks = []
    for place, outcome in enumerate(run(suite_table(corpus, expectations), expectations)):
        entry = expectations[place].configuration
        if outcome.fault is not None:
            raise ConfigError(f"{suite}: expectations[{place}] ({entry.type}): cannot be judged on a corpus: {outcome.fault}")
        column = entry.kwargs.get("column")
        severity: Severity = "critical" if entry.severity == "critical" else "warning"
        arguments = {key: value for key, value in entry.kwargs.items() if value is not None and key not in ("column", "batch_id")}
        words = entry.type.removeprefix("expect_").replace("_", " ")
        checks.append(
            Check(
                name=f"{column}: {words}" if column else words,
                severity=severity,
                success=outcome.success,
                expected=", ".join(f"{key} {value}" for key, value in arguments.items()) or "so",
                observed=_observed(outcome),
                unexpected=outcome.result.get("unexpected_count"),
                rows=() if outcome.success else _offending(corpus, outcome.rows),
                suite=suite,
            )
        )
    return checks


def _observed(outcome: Outcome) -> str:
    if "unexpected_count" in outcome.result:
        return f"{outcome.result['unexpected_count']:,} of {outcome.result['element_count']:,} rows otherwise"
    value = outcome.result.get("observed_value")
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:200]


def _offending(corpus: Corpus, rows: Sequence[int]) -> tuple[OffendingRow, ...]:
    """The rows at these positions, counted through the splits."""
    found = []
    for position in rows[:ROWS_SHOWN]:
        at = position
        for split in SPLITS:
            if at < len(corpus.splits[split]):
                row = corpus.splits[split][at]
                found.append(OffendingRow(split=split, id=row["id"] or "", label=_label_of(row, corpus), excerpt=excerpt(row["text"])))
                break
            at -= len(corpus.splits[split])
    return tuple(found)


def _label_of(row: dict[str, Any], corpus: Corpus) -> str:
    if on_words(corpus.kind):
        types = type_counts(annotations_of([row["label"]], corpus.kind), corpus.kind, len(corpus.labels))
        return ", ".join(f"{count} {name}" for name, count in zip(corpus.labels, types[0].tolist(), strict=True) if count)
    if corpus.kind == "rating":
        return str(row["label"])
    return label_names(np.array([row["label"]], dtype=np.float64), corpus.labels)[0] or ""


def lengths_of(lengths: pd.Series[float]) -> Lengths | None:
    """The counts that a reader wants; None where there is no text."""
    present = lengths.dropna()
    if present.empty:
        return None
    low, middle, high, top = present.quantile([0.0, 0.5, 0.95, 1.0]).astype(int)
    return Lengths(shortest=low, median=middle, percentile_95=high, longest=top)
