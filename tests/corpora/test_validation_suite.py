from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest

from mtl_models.config.corpus import Validation
from mtl_models.corpora.corpus import FEATURES, SPLITS, Corpus, CorpusReport
from mtl_models.corpora.validation.validate import raise_if_critical, validate
from mtl_models.errors import ConfigError, CorpusError

Suite = Callable[..., str]


@pytest.fixture
def rows() -> Corpus:
    splits = {
        split: datasets.Dataset.from_dict(
            {
                "id": [f"{split}-{number}" for number in range(20)],
                "text": [f"{split} text number {number}" for number in range(20)],
                "label": [number % 2 for number in range(20)],
                "group": [f"g{number % 3}" for number in range(20)],
            },
            features=FEATURES,
        )
        for split in SPLITS
    }
    return Corpus(CorpusReport(task="mood", source="made", labels=("neg", "pos"), rows_read=60), splits)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """Write a suite file of expectations; its path."""

    def write(*expectations: Any) -> str:
        path = tmp_path / "suite.json"
        path.write_text(json.dumps({"name": "mine", "id": None, "expectations": expectations, "meta": {}, "notes": None}))
        return str(path)

    return write


def test_a_suite_that_great_expectations_wrote_runs_over_every_column(rows: Corpus, tmp_path: Path) -> None:
    import great_expectations as gx
    import great_expectations.expectations as gxe

    written = gx.ExpectationSuite(
        "mine",
        expectations=[
            gxe.ExpectColumnValuesToMatchRegex(column="text", regex="^(train|dev|test) text", severity="critical"),
            gxe.ExpectColumnValuesToBeInSet(column="label", value_set=["neg", "pos"]),
            gxe.ExpectColumnValuesToBeInSet(column="split", value_set=["train", "dev", "test"]),
            gxe.ExpectColumnValuesToBeUnique(column="id", severity="warning"),
            gxe.ExpectColumnMeanToBeBetween(column="length", min_value=1, max_value=100),
            gxe.ExpectColumnUniqueValueCountToBeBetween(column="group", min_value=3, max_value=3),
            gxe.ExpectTableColumnsToMatchSet(column_set=["id", "text", "label", "group", "split", "length"]),
        ],
    )
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(written.to_json_dict()))
    checks = [check for check in validate(rows, Validation(suite=str(path))).checks if check.suite == str(path)]
    assert [check.success for check in checks] == [True] * 7
    assert [check.severity for check in checks][3] == "warning"


def test_a_failure_shows_the_rows_and_keeps_its_severity(rows: Corpus, suite: Suite) -> None:
    path = suite(
        {
            "type": "expect_column_values_to_not_match_regex",
            "kwargs": {"column": "text", "regex": "^test text number 7"},
            "severity": "critical",
        },
        {"type": "expect_column_values_to_not_match_regex", "kwargs": {"column": "text", "regex": "^dev"}, "severity": "warning"},
    )
    report = validate(rows, Validation(suite=path))
    (critical,), (warning,) = report.failed("critical"), report.failed("warning")
    assert [(row.split, row.id, row.excerpt) for row in critical.rows] == [("test", "test-7", "test text number 7")]
    assert [row.id for row in warning.rows] == [f"dev-{number}" for number in range(5)]
    assert warning.unexpected == 20
    with pytest.raises(CorpusError, match=r"test row 'test-7' \(pos\)"):
        raise_if_critical(report)


def test_a_severity_left_out_is_critical(rows: Corpus, suite: Suite) -> None:
    path = suite({"type": "expect_table_row_count_to_equal", "kwargs": {"value": 61}})
    (failed,) = validate(rows, Validation(suite=path)).failed("critical")
    assert "61" in failed.expected
    assert failed.observed == "60"


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            {"type": "expect_column_values_to_not_be_nul", "kwargs": {"column": "text"}},
            "did you mean 'expect_column_values_to_not_be_null'",
        ),
        ({"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "texts"}}, r"no column 'texts'; did you mean 'text'\?"),
        ({"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "text", "mostly": 7}}, "mostly"),
        ({"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "text"}, "severity": "fatal"}, "fatal"),
        ({"type": "expect_column_values_to_be_between", "kwargs": {"column": "text", "least": 1}}, "least"),
        ({"type": "expect_column_values_to_be_between", "kwargs": {"column": "text", "min_value": 1}}, "cannot be judged"),
        ({"kwargs": {}}, "expected an object with `type`"),
        ("text", "expected an object with `type`"),
    ],
)
def test_a_broken_expectation_is_named_by_file_and_place(rows: Corpus, suite: Suite, entry: Any, told: str) -> None:
    good = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "text"}}
    path = suite(good, entry)
    with pytest.raises(ConfigError, match=told) as error:
        validate(rows, Validation(suite=path))
    assert f"{path}: expectations[1]" in str(error.value)


@pytest.mark.parametrize(("content", "told"), [("{", ":1: not valid JSON"), ("[]", "not a suite"), ('{"expectations": []}', "not a suite")])
def test_a_broken_file_is_named(rows: Corpus, tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "suite.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=told) as error:
        validate(rows, Validation(suite=str(path)))
    assert str(path) in str(error.value)


def test_a_missing_file_is_named(rows: Corpus, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        validate(rows, Validation(suite=str(tmp_path / "none.json")))
