"""The checks every corpus gets: which expectation, how severe, and how to say it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtl_models.config.corpus import Validation
from mtl_models.config.experiment import Kind
from mtl_models.corpora.annotations import on_words
from mtl_models.corpora.corpus import SPLITS, Split, features_of
from mtl_models.corpora.validation.columns import Columns, type_name
from mtl_models.corpora.validation.engine import Outcome, great_expectations
from mtl_models.corpora.validation.report import ROWS_SHOWN, Severity

__all__ = ["PlannedCheck", "class_checks", "column_checks", "mark_checks", "row_checks", "script_checks"]

Rows = Sequence[int]


@dataclass(frozen=True)
class PlannedCheck:
    """A check before it is judged. `observed` says in words what was found.

    `offenders` gives the positions of the rows to blame; without it they are those that the expectation names.
    """

    name: str
    severity: Severity
    expected: str
    expectation: Any
    observed: Callable[[Outcome], str]
    offenders: Callable[[Outcome], Rows] | None = None


def column_checks(kind: Kind) -> list[PlannedCheck]:
    """On an empty table whose columns are named as `schema_of` names them: every split has the columns a corpus of `kind` should have."""
    features = features_of(kind)
    gxe = great_expectations().expectations
    wanted = [f"{split}.{name}: {type_name(feature)}" for split in SPLITS for name, feature in features.items()]

    def observed(outcome: Outcome) -> str:
        missing = outcome.result.get("details", {}).get("mismatched", {}).get("missing", [])
        return f"without {', '.join(missing)}" if missing else "all of them"

    expectation = gxe.ExpectTableColumnsToMatchSet(column_set=wanted, exact_match=False)
    expected = "in every split " + ", ".join(f"{name} ({type_name(feature)})" for name, feature in features.items())
    return [PlannedCheck("columns", "critical", expected, expectation, observed, _nobody)]


def row_checks(rows: pd.DataFrame, labels: tuple[str, ...], expected: Validation, kind: Kind = "single_label") -> list[PlannedCheck]:
    """On the table of `measure`, one line per row."""
    gxe = great_expectations().expectations
    longest = 0 if rows["length"].isna().all() else int(rows["length"].max())

    def check(name: str, severity: Severity, wanted: str, expectation: Any, found: Callable[[Outcome], str] = _count) -> PlannedCheck:
        return PlannedCheck(name, severity, wanted, expectation, found)

    def length(outcome: Outcome) -> str:
        return f"{_count(outcome)}; the longest has {longest:,} characters"

    least, most, usual = expected.min_rows, expected.max_length, expected.usual_length
    share = expected.max_duplicates
    in_set = [
        check(
            "label in the set",
            "critical",
            f"one of {', '.join(labels)}",
            gxe.ExpectColumnValuesToBeInSet(column="label", value_set=list(labels)),
            _values,
        )
    ]
    return [
        check("row count", "critical", f"at least {least:,} rows", gxe.ExpectTableRowCountToBeBetween(min_value=least), _rows),
        check("text present", "critical", "a text in every row", gxe.ExpectColumnValuesToNotBeNull(column="length")),
        check("label present", "critical", "a label in every row", gxe.ExpectColumnValuesToNotBeNull(column="label")),
        check("id present", "critical", "an id in every row", gxe.ExpectColumnValuesToNotBeNull(column="id")),
        check(
            "group present",
            "critical",
            "a group in every row, empty where rows stand alone",
            gxe.ExpectColumnValuesToNotBeNull(column="group"),
        ),
        check(
            "text not empty",
            "critical",
            "more than white space in every text",
            gxe.ExpectColumnValuesToBeBetween(column="visible", min_value=1),
        ),
        *(in_set if kind in ("single_label", "ordinal") else []),
        check(
            "text length",
            "critical",
            f"at most {most:,} characters",
            gxe.ExpectColumnValuesToBeBetween(column="length", max_value=most),
            length,
        ),
        check(
            "usual text length",
            "warning",
            f"at most {usual:,} characters",
            gxe.ExpectColumnValuesToBeBetween(column="length", max_value=usual),
            length,
        ),
        check(
            "duplicate texts",
            "warning",
            f"at most {share:.2%} of the rows repeat an earlier text (but for case, spacing and punctuation)",
            gxe.ExpectColumnValuesToBeInSet(column="copy", value_set=[False], mostly=1.0 - share),
        ),
    ]


def mark_checks(rows: pd.DataFrame, expected: Validation) -> list[PlannedCheck]:
    """On the table of `measure`, for labels of words."""
    gxe = great_expectations().expectations
    usual, share = expected.usual_span, expected.max_bare

    def widest(outcome: Outcome) -> str:
        return f"{_count(outcome)}; the longest has {int(rows['widest'].max()):,}"

    return [
        PlannedCheck(
            "usual span",
            "warning",
            f"spans of at most {usual:,} words",
            gxe.ExpectColumnValuesToBeBetween(column="widest", max_value=usual),
            widest,
        ),
        PlannedCheck(
            "texts without labels",
            "warning",
            f"at most {share:.0%} of the texts without any label",
            gxe.ExpectColumnValuesToBeBetween(column="marks", min_value=1, mostly=1.0 - share),
            _count,
        ),
    ]


def class_checks(classes: pd.DataFrame, columns: Columns, expected: Validation, kind: Kind = "single_label") -> list[PlannedCheck]:
    """On the table of `class_table`, one line per class. Where a text may have several labels, one alone is something to learn.

    Of labels of words a rare type is a warning: some parts of speech are rare in any corpus.
    """
    gxe = great_expectations().expectations

    def check(name: str, severity: Severity, wanted: str, column: str, least: float) -> PlannedCheck:
        expectation = gxe.ExpectColumnValuesToBeBetween(column=column, min_value=least)
        return PlannedCheck(
            name, severity, wanted, expectation, lambda _: _listed(classes, column), lambda found: _of_classes(found, columns)
        )

    least, share = expected.min_rows_per_class, expected.min_class_share
    fewest = 2 if columns.has is None else 1
    enough = gxe.ExpectTableRowCountToBeBetween(min_value=fewest)
    # A split without any row was not asked for.
    held_out: list[Split] = [split for split in SPLITS[1:] if classes[split].sum()]
    return [
        PlannedCheck(
            "number of classes",
            "critical",
            f"at least {fewest} class{'es' if fewest > 1 else ''}",
            enough,
            lambda found: f"{_number(found):,}",
            _nobody,
        ),
        check("rows per class", "warning" if on_words(kind) else "critical", f"at least {least:,} rows of every class", "rows", least),
        check("classes in train", "critical", "rows of every class in train", "train", 1),
        *(check(f"classes in {split}", "warning", f"rows of every class in {split}", split, 1) for split in held_out),
        check("class balance", "warning", f"every class has at least {share:.1%} of the rows", "share", share),
    ]


def script_checks(columns: Columns, script: str, share: float) -> list[PlannedCheck]:
    """On a table of one line, the share of all letters that are in the script; to blame are the rows below that share."""
    gxe = great_expectations().expectations

    def observed(_: Outcome) -> str:
        below = int((columns.rows["script"] < share).sum())
        if not columns.letters:
            return "no letters at all"
        return f"{columns.in_script / columns.letters:.1%} of {columns.letters:,} letters; {below:,} texts are below the share"

    def offenders(_: Outcome) -> Rows:
        below = columns.rows["script"].to_numpy() < share
        return [int(row) for row in below.nonzero()[0][:ROWS_SHOWN]]

    expectation = gxe.ExpectColumnValuesToBeBetween(column="script", min_value=share)
    expected = f"at least {share:.0%} of all letters in the script {script}"
    return [PlannedCheck("script", "critical", expected, expectation, observed, offenders)]


def _count(outcome: Outcome) -> str:
    unexpected, rows = int(outcome.result.get("unexpected_count") or 0), int(outcome.result.get("element_count") or 0)
    return f"{unexpected:,} of {rows:,} rows otherwise ({unexpected / rows:.2%})" if unexpected else "no row otherwise"


def _values(outcome: Outcome) -> str:
    strange = dict.fromkeys(str(value) for value in outcome.result.get("partial_unexpected_list") or ())
    return f"{_count(outcome)}: {', '.join(strange)}" if strange else _count(outcome)


def _number(outcome: Outcome) -> int:
    return int(outcome.result["observed_value"])


def _rows(outcome: Outcome) -> str:
    return f"{_number(outcome):,} rows"


def _listed(classes: pd.DataFrame, column: str) -> str:
    form = "{:.1%}".format if column == "share" else "{:,}".format
    return ", ".join(f"{label} {form(value)}" for label, value in zip(classes["label"], classes[column], strict=True))


def _of_classes(outcome: Outcome, columns: Columns) -> Rows:
    """The first rows of the classes to blame: `outcome.rows` are positions of classes, which are also the codes of the labels."""
    if columns.has is None:
        mine = columns.rows["label"].cat.codes.isin(outcome.rows).to_numpy()
    else:
        mine = np.asarray(columns.has[:, list(outcome.rows)].any(axis=1))
    return [int(row) for row in mine.nonzero()[0][:ROWS_SHOWN]]


def _nobody(_: Outcome) -> Rows:
    return ()
