"""What a user loses if these fail: the page and the card of a run whose tasks label words, which have no confusion and no accuracy."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtl_models.config import Experiment
from mtl_models.corpora.validation.report import Lengths, ValidationReport
from mtl_models.evaluation.comparison import compare
from mtl_models.evaluation.decision import decide
from mtl_models.evaluation.predictions import predict_split
from mtl_models.evaluation.references import train_pooled_reference, train_single_reference
from mtl_models.networks.folder import load_model
from mtl_models.reports.content import CorpusSummary, RunReport, Words
from mtl_models.reports.model_card import render_card
from mtl_models.reports.run_report import render_report
from mtl_models.training.history import History
from mtl_models.training.plan import sampling_plan

import marking

ROW = "names finds spans of words, so F1 stands for macro-F1 there."


@pytest.fixture(scope="module")
def run(marking_folder: Path) -> RunReport:
    model = load_model(marking_folder)
    history = History.model_validate_json(marking_folder.with_name("history.json").read_text())
    corpora = {name: marking.corpus(name) for name in marking.KINDS}
    experiment = Experiment.model_validate(
        {
            "name": "marked",
            "tasks": {name: {"kind": kind, "corpus": f"{name}.jsonl"} for name, kind in marking.KINDS.items()},
            "network": {"name": "hierarchical"},
            "evaluation": {"resamples": 100},
        }
    )
    joint = {name: predict_split(model, corpus) for name, corpus in corpora.items()}
    single = {name: train_single_reference(corpus, experiment.reference, 1) for name, corpus in corpora.items()}
    pooled = train_pooled_reference([*corpora.values()], experiment.reference, 1)
    comparison = compare(joint, single, {"tfidf_single": single, "tfidf_pooled": pooled}, experiment.evaluation, 1)
    lengths = Lengths(shortest=1, median=2, percentile_95=3, longest=4)
    return RunReport(
        experiment=experiment,
        corpora={name: CorpusSummary.of(corpus) for name, corpus in corpora.items()},
        validations={name: ValidationReport(task=name, source="made", checks=(), rows={}, classes={}, lengths=lengths) for name in corpora},
        words={"shared": Words(size=9, dimension=16, origin="made", coverage={})},
        plan=sampling_plan({name: len(corpus.splits["train"]) for name, corpus in corpora.items()}, experiment.training),
        joint=history,
        twins=dict.fromkeys(corpora, history),
        comparison=comparison,
        decision=decide(comparison, experiment.gate, None),
        made="today",
    )


def test_the_page_has_measures_by_type_and_of_clusters(run: RunReport, read_page) -> None:
    page = read_page(render_report(run))
    assert ROW in page.text
    assert "pairs finds pairs of spans, so F1 stands for macro-F1 there." in page.text
    assert "same finds clusters of spans, so mean F1 of MUC, B³ and CEAF-e stands for macro-F1 there." in page.text
    for caption in (
        "names, spans of words of the test rows by type",
        "same, clusters of spans of the test rows",
        "mood, test rows by class",
    ):
        assert caption in page.text
    assert "names, test rows by class" not in page.text
    assert "names: marked, by type" in page.text
    assert "a dictionary of the words that the train rows mark" in page.text
    assert "reference, pooled" in page.text
    assert "TF-IDF, pooled" not in page.text


def test_types_add_up_to_the_whole(run: RunReport) -> None:
    measured = run.comparison.tasks["names"].measures["joint"]
    assert measured.more["f1"] > 0.9
    assert sum(its.support for its in measured.classes.values()) == 3 * measured.rows
    assert (measured.accuracy, measured.confusion) == (None, [])


def test_the_card_says_what_each_task_finds(run: RunReport) -> None:
    card = render_card(run)
    assert "| names | not described | spans of words | LOC, ORG, PER |" in card
    assert ROW in card
    assert "weakest on the type" in card
    assert "\n\n\n" not in card
