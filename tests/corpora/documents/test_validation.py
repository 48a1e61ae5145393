"""What validation says of labels on words: types that are missing or rare, spans that are longer than people mean them, bare texts."""

from __future__ import annotations

from typing import Any

import datasets
import pytest

from mtl_models.config.corpus import Validation
from mtl_models.config.experiment import Kind
from mtl_models.corpora.corpus import SPLITS, Corpus, CorpusReport, features_of
from mtl_models.corpora.validation.report import Check, ValidationReport
from mtl_models.corpora.validation.validate import raise_if_critical, validate
from mtl_models.errors import CorpusError
from mtl_models.reports.validation_page import render_validation

LABELS: dict[Kind, tuple[str, ...]] = {
    "tagging": ("LOC", "PER"),
    "mentions": ("LOC", "PER"),
    "relations": ("lives_in", "works_for"),
    "coreference": ("cluster",),
}
MARKS: dict[Kind, list[list[int]]] = {
    "tagging": [[0, 2, 1], [0, 1, 1, 3, 4, 0], []],
    "mentions": [[0, 3, 1, 1, 2, 0], [0, 1, 1], []],
    "relations": [[0, 2, 3, 4, 1], [0, 1, 2, 3, 0], []],
    "coreference": [[0, 1, 0, 2, 3, 0], [1, 3, 0], []],
}


def corpus(kind: Kind, train: list[list[int]], dev: list[list[int]] | None = None) -> Corpus:
    """Every text has six words."""
    given: dict[Any, list[list[int]]] = {"train": train, "dev": dev or [], "test": []}
    splits: dict[Any, datasets.Dataset] = {}
    for split in SPLITS:
        count = len(given[split])
        columns = {
            "id": [f"{split}-{number}" for number in range(count)],
            "text": [f"{split} Ann saw Rome today {number}" for number in range(count)],
            "label": given[split],
            "group": [""] * count,
        }
        splits[split] = datasets.Dataset.from_dict(columns, features=features_of(kind))
    report = CorpusReport(task="words", kind=kind, source="made", labels=LABELS[kind], rows_read=len(train))
    return Corpus(report, splits)


def named(report: ValidationReport, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


@pytest.mark.parametrize("kind", LABELS)
def test_a_usual_corpus_passes_every_check_and_has_a_page(kind: Kind) -> None:
    report = validate(corpus(kind, MARKS[kind] * 10, MARKS[kind] * 2), Validation(script="Latin"))
    assert [check.line for check in report.checks if not check.success] == []
    assert set(report.classes) == set(LABELS[kind])
    assert all(counts["train"] >= 10 for counts in report.classes.values())
    page = render_validation(report)
    assert "texts without labels" in page
    assert all(label in page for label in LABELS[kind])


FAULTS = [
    ("classes in train", "critical", corpus("tagging", [[0, 1, 1]] * 30, [[0, 1, 0]]), Validation(), ["dev-0"]),
    ("classes in dev", "warning", corpus("tagging", [[0, 1, 1], [0, 1, 0]] * 15, [[0, 1, 1]]), Validation(), ["train-1"]),
    ("rows per class", "warning", corpus("tagging", [*[[0, 1, 1]] * 30, [0, 1, 0]]), Validation(), ["train-30"]),
    ("class balance", "warning", corpus("tagging", [*[[0, 1, 1]] * 30, [0, 1, 0]]), Validation(), ["train-30"]),
    ("usual span", "warning", corpus("mentions", [*[[0, 1, 1, 0, 2, 0]] * 30, [0, 4, 1]]), Validation(usual_span=3), ["train-30"]),
    ("usual span", "warning", corpus("relations", [*[[0, 1, 1, 2, 0]] * 30, [0, 1, 2, 6, 1]]), Validation(usual_span=3), ["train-30"]),
    ("texts without labels", "warning", corpus("tagging", [*[[0, 1, 1, 2, 3, 0]] * 30, []]), Validation(max_bare=0.03), ["train-30"]),
]


@pytest.mark.parametrize(("name", "severity", "faulty", "expected", "blamed"), FAULTS)
def test_a_fault_is_found_with_its_text(name: str, severity: str, faulty: Corpus, expected: Validation, blamed: list[str]) -> None:
    report = validate(faulty, expected)
    check = named(report, name)
    assert (check.success, check.severity) == (False, severity)
    assert [row.id for row in check.rows][:1] == blamed
    if severity == "critical":
        with pytest.raises(CorpusError, match=name):
            raise_if_critical(report)


def test_an_offending_text_is_shown_with_what_is_marked_on_it() -> None:
    report = validate(corpus("tagging", [*[[0, 1, 1, 2, 3, 0]] * 30, [0, 5, 1, 5, 6, 1]]), Validation(usual_span=4))
    assert named(report, "usual span").rows[0].label == "2 PER"
    assert named(report, "usual span").observed.endswith("the longest has 5")
