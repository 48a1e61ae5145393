"""One experiment with every kind over one table whose labels are missing here and there: from the file to answers, page and card."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from mlflow.pyfunc.model import PythonModelContext

from mtl_models.config import Experiment
from mtl_models.evaluation.comparison import Comparison, compare
from mtl_models.evaluation.decision import decide
from mtl_models.evaluation.predictions import Predictions, predict_split
from mtl_models.evaluation.references import train_pooled_reference
from mtl_models.inference.predictor import load_model
from mtl_models.inference.pyfunc import ServedModel
from mtl_models.networks.folder import save_model
from mtl_models.networks.model import Model
from mtl_models.reports.content import CorpusSummary, RunReport, Words
from mtl_models.reports.model_card import render_card
from mtl_models.reports.run_report import render_report
from mtl_models.training.history import History
from mtl_models.training.plan import sampling_plan
from mtl_models.training.prepared import Prepared, prepare_experiment
from mtl_models.training.train import train
from steps.tracking.metrics import curves, measures_on_test
from steps.tracking.signature import signature

WORDS = ["awful", "poor", "fair", "fine", "great"]
NOUNS = ["phone", "movie", "hotel"]
KINDS = {"mood": "single_label", "tags": "multi_label", "flags": "multi_label", "stars": "ordinal", "score": "rating"}


def table(path: Path, rows: int = 420) -> Path:
    """Every label follows from the words of the text; one cell in ten is empty."""
    random = np.random.default_rng(5)
    lines = []
    for number in range(rows):
        star, noun, loud = random.integers(5), random.integers(3), random.integers(2)
        text = f"a {WORDS[star]} {NOUNS[noun]} {'indeed' * loud} {number}"
        tags = "+".join(sorted({NOUNS[noun], *(["loud"] if loud else [])}))
        cells = ["good" if star > 2 else "bad", tags, str(int(noun == 0)), str(loud), str(star + 1), str(star * 2.5 - 4)]
        lines.append(",".join([text, *(cell if random.random() > 0.1 else "" for cell in cells)]))
    path.write_text("text,mood,tags,is_phone,is_loud,stars,score\n" + "\n".join(lines) + "\n")
    return path


def experiment_over(path: Path) -> Experiment:
    labels = {
        "mood": {"column": "mood", "missing": [""]},
        "tags": {"column": "tags", "separator": "+", "missing": [""]},
        "flags": {"columns": ["is_phone", "is_loud"]},
        "stars": {"column": "stars", "missing": [""]},
        "score": {"column": "score", "missing": [""]},
    }
    extras = {"mood": {"class_weights": "balanced", "label_smoothing": 0.05}, "tags": {"class_weights": {"loud": 2.0}}}
    return Experiment.model_validate(
        {
            "name": "kinds",
            "tasks": {
                task: {"kind": kind, "corpus": {"source": str(path), "label": labels[task]}, **extras.get(task, {})}
                for task, kind in KINDS.items()
            },
            "vocabularies": {"shared": {"vectors": {"method": "random", "dimension": 12}}},
            "network": {"hidden": 12, "dropout": 0.1},
            "training": {"epochs": 8, "learning_rate": 0.02, "batch_size": 16, "patience": None},
            "evaluation": {"resamples": 100},
        }
    )


@dataclass(frozen=True)
class Run:
    """Everything of a run in miniature."""

    experiment: Experiment
    prepared: Prepared
    model: Model
    history: History
    predictions: dict[str, Predictions]
    comparison: Comparison
    report: RunReport


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    torch.set_num_threads(1)
    experiment = experiment_over(table(tmp_path_factory.mktemp("table") / "t.csv"))
    prepared = prepare_experiment(experiment)
    budget = prepared.vocabularies, prepared.matrices, experiment.network, experiment.training, experiment.seed
    model, history = train(prepared.tasks, prepared.corpora, *budget)
    corpora = [*prepared.corpora.values()]
    joint = {corpus.task: predict_split(model, corpus) for corpus in corpora}
    single = experiment.training.model_copy(update={"epochs": 1})
    trained = {task.name: train([task], prepared.corpora, *budget[:3], single, experiment.seed) for task in prepared.tasks}
    twins = {corpus.task: predict_split(trained[corpus.task][0], corpus) for corpus in corpora}
    references = {"tfidf_pooled": train_pooled_reference(corpora, experiment.reference, 1)}
    comparison = compare(joint, twins, references, experiment.evaluation, experiment.seed)
    matrix = prepared.matrices["shared"]
    report = RunReport(
        experiment=experiment,
        corpora={corpus.task: CorpusSummary.of(corpus) for corpus in corpora},
        validations=dict(prepared.validations),
        words={"shared": Words(size=9, dimension=12, origin=matrix.origin, coverage=dict(matrix.coverage))},
        plan=sampling_plan({corpus.task: len(corpus.splits["train"]) for corpus in corpora}, experiment.training),
        joint=history,
        twins={task: its for task, (_, its) in trained.items()},
        comparison=comparison,
        decision=decide(comparison, experiment.gate, None),
        made="today",
    )
    return Run(experiment, prepared, model, history, joint, comparison, report)


def test_every_kind_is_learnt(run: Run) -> None:
    reached = {task: its.scores["joint"].value for task, its in run.comparison.tasks.items()}
    assert all(value > 0.8 for value in reached.values()), reached
    assert run.comparison.tasks["stars"].measures["joint"].more["quadratic_kappa"] > 0.9
    assert run.comparison.tasks["score"].measures["joint"].more["mae"] < 1.5


def test_rows_without_a_label_are_left_out_of_their_task_alone(run: Run) -> None:
    for task, corpus in run.prepared.corpora.items():
        dropped = corpus.report.dropped["no label for this task"]
        assert (1 if task == "flags" else 20) <= dropped <= 70
        assert corpus.report.leaks == {}
    assert (run.prepared.corpora["flags"].gold("train") == -100).any()


def test_the_folder_answers_as_the_model_did(run: Run, tmp_path: Path) -> None:
    save_model(run.model, tmp_path / "model")
    predictor = load_model(tmp_path / "model")
    assert predictor.model.tasks == run.model.tasks
    assert predictor.model.fingerprint() == run.model.fingerprint()
    for task, corpus in run.prepared.corpora.items():
        again = predict_split(predictor.model, corpus)
        assert again.fingerprint == run.predictions[task].fingerprint
    answers = {answer.task: answer for answer in predictor.predict(["a great phone indeed"])}
    assert answers["mood"].label == "good"
    assert answers["tags"].label == "loud|phone"
    assert answers["stars"].label == "5"
    assert answers["score"].confidence is None
    assert float(answers["score"].label) == pytest.approx(answers["score"].probabilities["score"], abs=0.006)
    assert 3 < answers["score"].probabilities["score"] < 9
    assert sum(answers["stars"].probabilities.values()) == pytest.approx(1.0)


def test_the_served_table_is_as_its_signature_says(run: Run, tmp_path: Path) -> None:
    save_model(run.model, tmp_path / "model")
    served, context = ServedModel(), PythonModelContext({"model": str(tmp_path / "model")}, None)
    served.load_context(context)
    found = served.predict(context, pd.DataFrame({"text": ["a great phone", "an awful movie"]}))
    outputs = signature(run.model.tasks).outputs
    assert list(found.columns) == outputs.input_names()
    assert "score_confidence" not in found.columns
    for name, kind in zip(outputs.input_names(), outputs.input_types(), strict=True):
        assert (found[name].dtype == "float64") == (kind.name == "double"), name
    assert served.predict(context, pd.DataFrame({"text": ["a fair hotel"]}), {"tasks": ["score"]}).shape == (1, 1)


def test_the_page_shows_classes_labels_and_what_stands_for_them(run: Run, read_page) -> None:
    page = read_page(render_report(run.report))
    assert "score gives a number, so Pearson's r stands for macro-F1 there." in page.text
    captions = [text for text in ("tags, test rows by label", "stars, test rows by class") if text in page.text]
    assert len(captions) == 2
    assert "score, test rows" not in page.text
    assert "quadratic weighted kappa" in page.text
    assert "no label for this task" in page.text


def test_the_card_says_what_each_task_gives(run: Run) -> None:
    card = render_card(run.report)
    assert "| tags | not described | any number of labels | hotel, loud, movie, phone |" in card
    assert "score gives a number, so Pearson's r stands for macro-F1 there." in card
    assert "\n\n\n" not in card


def test_mlflow_metrics_of_a_rating_go_by_their_own_names(run: Run) -> None:
    dev = {metric.key for metric in curves(run.history)}
    test = {metric.key: metric.value for metric in measures_on_test(run.comparison, "joint", 1)}
    assert {"score/dev/pearson", "score/dev/mae", "stars/dev/rank_error", "tags/dev/micro_f1", "tags/dev/macro_f1"} <= dev
    assert not {"score/dev/accuracy", "score/dev/macro_f1"} & dev
    assert {"score/test/pearson", "mean/test/macro_f1"} <= set(test)
    assert "score/test/accuracy" not in test
    assert not any(math.isnan(value) for value in test.values())
