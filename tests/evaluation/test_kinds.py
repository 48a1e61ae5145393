"""Every kind is measured, resampled and compared as classes are: by the rows, paired, and from files bit for bit."""

from __future__ import annotations

from pathlib import Path

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mtl_models.config.judging import Evaluation, Reference
from mtl_models.corpora.corpus import SPLITS, Corpus, CorpusReport, features_of
from mtl_models.errors import CorpusError
from mtl_models.evaluation.bootstrap import resample
from mtl_models.evaluation.champion import compare_with_champion
from mtl_models.evaluation.comparison import CHAMPION, compare
from mtl_models.evaluation.metrics import calibration_error, measure
from mtl_models.evaluation.predictions import Predictions
from mtl_models.evaluation.references import train_pooled_reference, train_single_reference
from mtl_models.tasks.missing import MISSING
from mtl_models.tasks.scores.scores import scores_of, values
from mtl_models.tasks.task import Task

KINDS = {"ordinal": 4, "multi_label": 3, "rating": 1}


def made(kind: str, rows: int, seed: int, noise: float = 0.3, task: str = "t") -> Predictions:
    """Answers near gold labels that follow from `rows` alone."""
    gold_random, random = np.random.default_rng(rows), np.random.default_rng(seed)
    classes = KINDS[kind]
    if kind == "multi_label":
        gold = gold_random.choice([0, 1, MISSING], (rows, classes), p=[0.5, 0.4, 0.1])
        spread = np.clip((gold == 1) * 0.8 + 0.1 + random.normal(0, noise, gold.shape), 0, 1)
    elif kind == "rating":
        gold = gold_random.normal(3, 1, rows)
        spread = (gold + random.normal(0, noise, rows))[:, None]
    else:
        gold = gold_random.integers(0, classes, rows)
        spread = np.eye(classes)[gold] * 0.5 + random.dirichlet(np.ones(classes), rows) * noise
    return Predictions(task, tuple("abcd"[:classes]), tuple(f"r{n}" for n in range(rows)), gold, spread, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_come_back_from_a_file_bit_for_bit(kind: str, tmp_path: Path) -> None:
    before = made(kind, 30, 1)
    before.save(tmp_path / "p.parquet")
    after = Predictions.load(tmp_path / "p.parquet")
    assert (after.kind, after.labels, after.ids, after.fingerprint) == (kind, before.labels, before.ids, before.fingerprint)
    np.testing.assert_array_equal(after.gold, before.gold)
    assert after.gold.dtype == before.gold.dtype


@pytest.mark.parametrize(
    ("kind", "gold", "message"),
    [("multi_label", [[0, 1, 2]], r"row 'x': label \[0 1 2\] is none of"), ("rating", [np.nan], "row 'x': rating nan is no number")],
)
def test_gold_labels_that_cannot_be_judged(kind: str, gold: list, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        Predictions("t", tuple("abc"[: KINDS[kind]]), ("x",), np.array(gold), np.zeros((1, KINDS[kind])), kind)


@given(st.sampled_from(sorted(KINDS)), st.integers(5, 40), st.integers(0, 2**31), st.data())
@settings(deadline=None, max_examples=40)
def test_a_resample_is_the_metric_of_resampled_rows(kind: str, rows: int, seed: int, data) -> None:
    """The bootstrap draws counts of cells; drawing rows with the same counts must give the same values."""
    one, other = made(kind, rows, seed), made(kind, rows, seed + 1, noise=0.6)
    scores = one.scores
    metric = data.draw(st.sampled_from(sorted(scores.metrics)))
    found = resample(one.gold, {"a": one.found, "b": other.found}, scores, metric, 5, np.random.default_rng(seed))
    cells = np.stack([one.gold, one.found, other.found], axis=1).reshape(rows, -1)
    _, first, sizes = np.unique(cells, axis=0, return_index=True, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(rows, sizes / rows, size=5)
    for number, counts in enumerate(drawn):
        picked = np.repeat(first, counts)
        for name, model in (("a", one), ("b", other)):
            direct = values(scores, model.gold[picked], model.probabilities[picked])[metric]
            assert found[name][number] == pytest.approx(0.0 if np.isnan(direct) else direct, abs=1e-6)


def test_intervals_of_a_correlation_are_those_of_drawn_rows() -> None:
    model = made("rating", 80, 3, noise=1.0)
    ours = resample(model.gold, {"a": model.found}, model.scores, "pearson", 3000, np.random.default_rng(1))["a"]
    random = np.random.default_rng(2)
    drawn = [random.integers(0, 80, 80) for _ in range(3000)]
    theirs = [np.corrcoef(model.gold[rows], model.found[rows])[0, 1] for rows in drawn]
    assert np.quantile(ours, [0.025, 0.975]) == pytest.approx(np.quantile(theirs, [0.025, 0.975]), abs=0.02)


def test_measures_of_label_sets_are_scikit_learns() -> None:
    model = made("multi_label", 60, 5)
    found = measure(model)
    for k, label in enumerate(model.labels):
        rows = model.gold[:, k] != MISSING
        gold, answers = model.gold[rows, k], model.found[rows, k]
        precision, recall, f1, _ = sk.precision_recall_fscore_support(gold, answers, average="binary", zero_division=0)
        its = found.classes[label]
        assert (its.precision, its.recall, its.f1, its.support) == pytest.approx((precision, recall, f1, int(gold.sum())))
        assert found.confusion[k] == sk.confusion_matrix(gold, answers, labels=[0, 1]).ravel().tolist()
    assert set(found.more) == {"micro_f1"}
    assert type(found).model_validate_json(found.model_dump_json()) == found


def test_measures_of_a_rating_have_no_classes() -> None:
    found = measure(made("rating", 60, 5))
    assert (found.accuracy, found.macro_f1, found.mcc, found.calibration_error) == (None, None, None, None)
    assert (found.confusion, found.classes, set(found.more)) == ([], {}, {"pearson", "mae", "rmse"})
    assert found.value("pearson") == found.more["pearson"]
    assert found.value("accuracy") is None


def test_calibration_of_label_sets_looks_at_every_answer_that_has_a_gold_label() -> None:
    gold = np.array([[1, 0], [1, MISSING]])
    assert calibration_error(gold, np.array([[1.0, 0.0], [1.0, 0.7]])) == pytest.approx(0.0)
    assert calibration_error(gold, np.array([[0.0, 1.0], [0.0, 0.7]])) == pytest.approx(1.0)


def test_tasks_of_every_kind_in_one_comparison() -> None:
    joint = {kind: made(kind, 50, 1, task=kind) for kind in KINDS}
    twins = {kind: made(kind, 50, 2, noise=0.9, task=kind) for kind in KINDS}
    found = compare(joint, twins, {"tfidf": twins}, Evaluation(resamples=200), 3)
    assert {task: its.metric for task, its in found.tasks.items()} == {"ordinal": "", "multi_label": "", "rating": "pearson"}
    for task, its in found.tasks.items():
        expected = values(scores_of(task, KINDS[task]), joint[task].gold, joint[task].probabilities)["macro_f1"]
        assert its.scores["joint"].value == pytest.approx(expected)
        assert its.transfer is not None
        assert its.transfer.low <= its.transfer.value <= its.transfer.high
    assert found.mean_scores["joint"].value == pytest.approx(np.mean([its.scores["joint"].value for its in found.tasks.values()]))
    classes = [found.tasks[task].measures["joint"].accuracy for task in ("ordinal", "multi_label")]
    assert found.mean_measure("joint", "accuracy") == pytest.approx(np.mean(classes))
    assert type(found).model_validate_json(found.model_dump_json()) == found


def test_rows_whose_label_sets_differ_are_not_compared() -> None:
    one = made("multi_label", 20, 1)
    gold = one.gold.copy()
    gold[7, 1] = 1 - gold[7, 1] if gold[7, 1] != MISSING else 1
    other = Predictions(one.task, one.labels, one.ids, gold, one.probabilities, one.kind)
    with pytest.raises(CorpusError, match="row 'r7' has two gold labels"):
        compare({"t": one}, {"t": other}, {}, Evaluation(resamples=100), 1)


def test_a_champion_of_another_kind_is_left_out() -> None:
    class Champion:
        tasks = (Task("t", "single_label", tuple("abcd")),)

    found = compare_with_champion({"t": made("ordinal", 20, 1)}, Champion(), {}, Evaluation(resamples=100), 1)
    assert found.left_out == {"t": "the champion's kind is single_label, the new model's ordinal"}
    assert CHAMPION not in found.candidates


def corpus(kind: str, labels: tuple[str, ...], rows: list[tuple[str, object]], task: str = "t") -> Corpus:
    splits = {}
    for split in SPLITS:
        table = {
            "id": [f"{split}{n}" for n in range(len(rows))],
            "text": [text for text, _ in rows],
            "label": [label for _, label in rows],
            "group": [""] * len(rows),
        }
        splits[split] = datasets.Dataset.from_dict(table, features=features_of(kind))
    return Corpus(CorpusReport(task=task, kind=kind, source="made", labels=labels, rows_read=len(rows)), splits)


CONFIG = Reference(min_df=1, c=100.0)


def test_the_reference_of_several_labels_learns_each_from_the_rows_that_know_it() -> None:
    rows = [("red big", [1, 1, 0]), ("red small", [1, 0, 0]), ("blue big", [0, 1, 0]), ("blue small", [0, MISSING, 0])] * 4
    found = train_single_reference(corpus("multi_label", ("red", "big", "never"), rows), CONFIG, 1)
    assert found.kind == "multi_label"
    assert found.found.tolist()[:3] == [[1, 1, 0], [1, 0, 0], [0, 1, 0]]
    assert (found.probabilities[:, 2] == 0).all()


def test_references_of_several_labels_pool_whatever_the_order_of_the_labels() -> None:
    one = corpus("multi_label", ("red", "big"), [("red big", [1, 1]), ("blue small", [0, 0])] * 4, "one")
    other = corpus("multi_label", ("big", "red"), [("red tiny", [0, 1]), ("huge blue", [1, 0])] * 4, "other")
    found = train_pooled_reference([one, other], CONFIG, 1)
    assert found["one"].found.tolist()[:2] == [[1, 1], [0, 0]]
    assert found["other"].found.tolist()[:2] == [[0, 1], [1, 0]]


def test_the_reference_of_ratings_is_a_regression() -> None:
    rows = [(f"{'good ' * (n % 3)}thing", float(n % 3)) for n in range(12)]
    found = train_single_reference(corpus("rating", ("stars",), rows), CONFIG, 1)
    assert values(found.scores, found.gold, found.probabilities)["pearson"] > 0.8
