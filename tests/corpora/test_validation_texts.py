"""What a user loses if these fail: texts to answer that training would have refused, or a refusal that does not name the row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtl_models.config.corpus import Validation
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.validation.texts import raise_if_unfit, validate_texts
from mtl_models.errors import ConfigError, CorpusError
from mtl_models.inference.batch import read_input


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "home"))

    def make(*lines: str) -> Corpus:
        (tmp_path / "texts.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return read_input(tmp_path / "texts.txt", "text", "texts.txt")

    return make


def test_two_good_texts_pass_however_few_they_are_and_without_labels(texts) -> None:
    report = validate_texts(texts("a good film", "a bad phone"), "films", Validation())
    assert all(check.success for check in report.checks)
    assert {check.name for check in report.checks} == {
        "text present",
        "text not empty",
        "text length",
        "usual text length",
        "duplicate texts",
    }
    raise_if_unfit("texts.txt", report)


def test_an_empty_text_and_a_long_one_are_named_by_their_rows(texts) -> None:
    report = validate_texts(texts("a good film", "  ", "x" * 60), "films", Validation(max_length=50))
    with pytest.raises(CorpusError) as told:
        raise_if_unfit("texts.txt", report)
    assert "texts.txt: 2 critical checks failed that the corpus of 'films' passed" in str(told.value)
    assert "row 1: " in str(told.value)
    assert "row 2: xxx" in str(told.value)


def test_texts_in_another_script_than_training_asked_for_are_refused(texts) -> None:
    report = validate_texts(texts("यह फ़िल्म अच्छी है", "a film"), "films", Validation(script="Latin", script_share=0.9))
    assert [check.name for check in report.failed("critical")] == ["script"]


def test_repeated_texts_are_a_warning(texts) -> None:
    report = validate_texts(texts("A film!", "a film", "another"), "films", Validation())
    assert [check.name for check in report.failed("warning")] == ["duplicate texts"]
    raise_if_unfit("texts.txt", report)


def test_of_a_suite_only_what_is_about_texts_is_asked(texts, tmp_path: Path) -> None:
    suite = {
        "name": "films",
        "expectations": [
            {"type": "expect_column_values_to_not_match_regex", "kwargs": {"column": "text", "regex": "lorem"}},
            {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "label", "value_set": ["good", "bad"]}},
            {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1000}},
        ],
    }
    (tmp_path / "suite.json").write_text(json.dumps(suite))
    report = validate_texts(texts("lorem ipsum", "a film"), "films", Validation(suite=str(tmp_path / "suite.json")))
    asked = [check for check in report.checks if check.suite]
    assert [(check.name, check.success) for check in asked] == [("text: column values to not match regex", False)]
    assert [row.id for row in asked[0].rows] == ["0"]


def test_a_suite_that_is_gone_is_named(texts) -> None:
    with pytest.raises(ConfigError, match=r"gone\.json"):
        validate_texts(texts("a film"), "films", Validation(suite="gone.json"))
