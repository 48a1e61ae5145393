from __future__ import annotations

import datasets
import pytest

from mtl_models.config.corpus import Validation
from mtl_models.corpora.corpus import FEATURES, SPLITS, Corpus, CorpusReport
from mtl_models.corpora.validation.validate import Check, ValidationReport, raise_if_critical, validate
from mtl_models.errors import ConfigError, CorpusError

Row = tuple[str | None, int | None]


def corpus(rows: list[Row] | None = None, labels: tuple[str, ...] = ("neg", "pos"), **splits: list[Row]) -> Corpus:
    """A corpus of `rows` in train, or of the splits given; ids are split and number."""
    given = splits or {"train": rows or []}
    made = {}
    for split in SPLITS:
        texts = given.get(split, [])
        columns = {
            "id": [f"{split}-{number}" for number in range(len(texts))],
            "text": [text for text, _ in texts],
            "label": [label for _, label in texts],
            "group": [""] * len(texts),
        }
        made[split] = datasets.Dataset.from_dict(columns, features=FEATURES)
    report = CorpusReport(task="mood", source="made", labels=labels, rows_read=sum(map(len, given.values())))
    return Corpus(report, made)


def usual(count: int = 40) -> list[Row]:
    return [(f"a text with number {number}", number % 2) for number in range(count)]


def named(report: ValidationReport, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


def test_a_usual_corpus_passes_every_check() -> None:
    rows = usual(60)
    report = validate(corpus(train=rows[:40], dev=rows[40:50], test=rows[50:]), Validation(script="Latin"))
    assert all(check.success for check in report.checks)
    assert report.rows == {"train": 40, "dev": 10, "test": 10}
    assert report.classes == {"neg": {"train": 20, "dev": 5, "test": 5}, "pos": {"train": 20, "dev": 5, "test": 5}}
    assert report.lengths is not None
    assert report.lengths.longest == len("a text with number 10")
    assert not any(check.rows for check in report.checks)
    raise_if_critical(report)


FAULTS: list[tuple[str, str, Corpus, Validation, list[str]]] = [
    ("row count", "critical", corpus(usual(10)), Validation(min_rows=11), []),
    ("text present", "critical", corpus([*usual(), (None, 1)]), Validation(), ["train-40"]),
    ("label present", "critical", corpus([("unlabelled", None), *usual()]), Validation(), ["train-0"]),
    ("text not empty", "critical", corpus([*usual(), (" \t\u3000", 0)]), Validation(), ["train-40"]),
    ("label in the set", "critical", corpus([*usual(), ("strange", 7)]), Validation(), ["train-40"]),
    ("label in the set", "critical", corpus([*usual(), ("strange", -1)]), Validation(), ["train-40"]),
    ("text length", "critical", corpus(train=usual(), test=[("x" * 51, 0), ("y", 1)]), Validation(max_length=50), ["test-0"]),
    ("usual text length", "warning", corpus([*usual(), ("x" * 51, 0)]), Validation(usual_length=50), ["train-40"]),
    ("duplicate texts", "warning", corpus([*usual(18), ("Same!", 0), ("same", 0)]), Validation(max_duplicates=0.04), ["train-19"]),
    ("number of classes", "critical", corpus([("only one", 0), *usual()], labels=("neg",)), Validation(), []),
    ("rows per class", "critical", corpus([*usual(), ("rare", 2)], labels=("neg", "pos", "odd")), Validation(), ["train-40"]),
    ("class balance", "warning", corpus([*usual(), ("rare", 2)], labels=("neg", "pos", "odd")), Validation(), ["train-40"]),
    ("classes in train", "critical", corpus(train=[("a", 0), ("b", 0)], test=usual()), Validation(), ["test-1", "test-3"]),
    ("classes in test", "warning", corpus(train=usual(), test=[("only neg", 0)]), Validation(), ["train-1", "train-3"]),
    ("script", "critical", corpus([*usual(3), *[("यह एक वाक्य है", 1)] * 9]), Validation(script="Latin"), ["train-3", "train-4"]),
]


@pytest.mark.parametrize(("name", "severity", "rows", "expected", "ids"), FAULTS, ids=lambda value: value if isinstance(value, str) else "")
def test_each_fault_is_found_with_its_severity_and_rows(
    name: str, severity: str, rows: Corpus, expected: Validation, ids: list[str]
) -> None:
    report = validate(rows, expected)
    check = named(report, name)
    assert not check.success
    assert check.severity == severity
    assert [row.id for row in check.rows][: len(ids)] == ids
    if severity == "critical":
        with pytest.raises(CorpusError, match=name):
            raise_if_critical(report)
    else:
        assert any(line.startswith(name) for line in report.warnings)


@pytest.mark.parametrize(
    "expected", [Validation(max_length=21), Validation(usual_length=21), Validation(min_rows=40), Validation(min_rows_per_class=20)]
)
def test_limits_themselves_are_allowed(expected: Validation) -> None:
    assert all(check.success for check in validate(corpus(usual()), expected).checks)


def test_the_allowed_share_of_duplicates_is_allowed_and_empty_texts_are_none() -> None:
    rows = [*usual(18), ("same", 0), ("same", 0)]
    assert named(validate(corpus(rows), Validation(max_duplicates=0.05)), "duplicate texts").success
    assert named(validate(corpus([*usual(18), ("", 0), (" ", 0)]), Validation(max_duplicates=0.0)), "duplicate texts").success


def test_the_error_shows_expected_found_and_at_most_five_excerpts() -> None:
    rows = [*usual(), *[(f"\x1b[31mlong {number} " + "word " * 40 + "\n" * 9, 1) for number in range(8)]]
    report = validate(corpus(rows), Validation(max_length=100))
    with pytest.raises(CorpusError) as error:
        raise_if_critical(report)
    message = str(error.value)
    assert "task 'mood'" in message
    assert "at most 100 characters" in message
    assert "8 of 48 rows" in message
    assert "train row 'train-40' (pos): " in message
    assert message.count("train row") == 5
    assert "\x1b" not in message
    assert "tasks.mood.validation" in message
    assert all(len(row.excerpt) <= 80 for row in named(report, "text length").rows)


def test_a_warning_stops_nothing() -> None:
    report = validate(corpus([*usual(), ("x" * 60, 0)]), Validation(usual_length=50))
    raise_if_critical(report)
    assert len(report.warnings) == 1


@pytest.mark.parametrize(
    ("text", "script", "passes"),
    [
        ("यह फ़िल्म अच्छी थी 100%", "Devanagari", True),
        ("yeh film acchi thi", "Devanagari", False),
        ("ছবিটা ভালো", "Bengali", True),
        ("ছবিটা ভালো", "Devanagari", False),
        ("Straße, café", "latin", True),
        ("12 34 !!", "Latin", False),
    ],
)
def test_script_is_counted_over_letters_alone(text: str, script: str, passes: bool) -> None:
    rows: list[Row] = [(f"{text} {number}", number % 2) for number in range(24)]
    assert named(validate(corpus(rows), Validation(script=script)), "script").success is passes


def test_script_share_is_of_all_letters_not_of_texts() -> None:
    rows: list[Row] = [*[("यह", number % 2) for number in range(30)], ("a long text in Latin letters " * 20, 0)]
    assert named(validate(corpus(rows), Validation(script="Latin", script_share=0.8)), "script").success


@pytest.mark.parametrize(("script", "hint"), [("Devnagari", "Devanagari"), ("latn1", "Latin"), ("}|.*", "for instance")])
def test_an_unknown_script_names_key_and_near_names(script: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=rf"tasks\.mood\.validation\.script.*{hint}"):
        validate(corpus(usual()), Validation(script=script))


def test_a_missing_column_is_named_and_ends_the_checks() -> None:
    whole = corpus(usual())
    broken = Corpus(whole.report, {**whole.splits, "dev": whole.splits["dev"].remove_columns(["label"])})
    report = validate(broken, Validation())
    assert [check.name for check in report.checks] == ["columns"]
    with pytest.raises(CorpusError, match=r"without dev\.label: int32"):
        raise_if_critical(report)


def test_an_empty_corpus_fails_critically() -> None:
    report = validate(corpus([]), Validation())
    assert {"row count", "rows per class"} <= {check.name for check in report.failed("critical")}
    assert report.lengths is None


def test_the_report_survives_json() -> None:
    report = validate(corpus([*usual(), ("x" * 60, 0), (None, None)]), Validation(usual_length=50, script="Latin"))
    assert ValidationReport.model_validate_json(report.model_dump_json()) == report


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    import logging

    logging.getLogger().setLevel(logging.INFO)
    validate(corpus([*usual(), (None, None)]), Validation())
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
