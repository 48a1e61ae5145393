"""What a user loses if these fail: a study's table would say something else than its models did."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from mtl_models.evaluation.comparison import JOINT, POOLED, TWIN
from mtl_models.evaluation.predictions import Predictions
from mtl_models.evaluation.study import CellRecord
from mtl_models.evaluation.study_results import StudyResults, VariantResult, summarise
from mtl_models.reports.study_figure import is_curve, render_curve
from mtl_models.reports.study_table import render_study
from mtl_models.training.history import History

from histories import epoch_records, history

METRICS = ("accuracy", "macro_f1")


def _predictions(task: str, rows: int, right: float, seed: int) -> Predictions:
    random = np.random.default_rng([seed, len(task)])
    gold = np.random.default_rng(len(task)).integers(0, 2, rows)
    found = np.where(random.random(rows) < right, gold, 1 - gold)
    spread = np.where(found[:, None] == np.arange(2), 0.8, 0.2)
    return Predictions(task, ("no", "yes"), tuple(map(str, range(rows))), gold, spread)


@pytest.fixture
def predictions() -> dict[str, dict[int, dict[str, Predictions]]]:
    """Two candidates, three seeds, two tasks; the joint one is better."""
    return {
        name: {seed: {task: _predictions(task, 300, right, seed + offset) for task in ("film", "phones")} for seed in (0, 1, 2)}
        for name, right, offset in ((JOINT, 0.9, 0), (TWIN, 0.7, 100))
    }


@pytest.fixture
def result(predictions: dict[str, dict[int, dict[str, Predictions]]]) -> VariantResult:
    records = {
        name: [CellRecord(cpu_seconds=60.0 * (seed + 1), parameters=7, epochs=[1]) for seed in seeds] for name, seeds in predictions.items()
    }
    return summarise(predictions, records, METRICS, 400, 0.95, "macro_f1")


def test_means_and_spreads_are_those_of_the_models(
    predictions: dict[str, dict[int, dict[str, Predictions]]], result: VariantResult
) -> None:
    for name, seeds in predictions.items():
        each = [[accuracy_score(p.gold, p.found) for p in tasks.values()] for tasks in seeds.values()]
        found = result.candidates[name]
        assert found.scores["accuracy"].value == pytest.approx(np.mean(each))
        assert found.spread["accuracy"] == pytest.approx(np.std(np.mean(each, axis=1), ddof=1))
        film = np.mean([f1_score(tasks["film"].gold, tasks["film"].found, average="macro") for tasks in seeds.values()])
        assert found.tasks["film"]["macro_f1"] == pytest.approx(film)
        assert found.cpu_seconds == 120.0


def test_the_gain_is_paired_and_its_interval_holds_it(result: VariantResult) -> None:
    joint, twin = result.candidates[JOINT], result.candidates[TWIN]
    gain = twin.gain["accuracy"]
    assert gain.value == pytest.approx(joint.scores["accuracy"].value - twin.scores["accuracy"].value)
    assert 0 < gain.low < gain.value < gain.high
    assert joint.gain == {}


def test_the_table_says_how_soon_the_joint_model_was_as_good_as_the_twin(predictions: dict[str, dict[int, dict[str, Predictions]]]) -> None:
    def account(rows: int, *scores: float) -> History:
        return history([record.model_copy(update={"examples": {"film": rows}}) for record in epoch_records(film=scores)])

    joint = [account(100, 0.2, 0.8), account(100, 0.9), account(100, 0.3)]
    twins = [account(100, 0.1, 0.2, 0.3, 0.6), account(100, 0.4, 0.1), account(100, 0.5)]
    records = {
        name: [CellRecord(cpu_seconds=1.0, parameters=1, epochs=[1], histories={"film": told}) for told in histories]
        for name, histories in ((JOINT, joint), (TWIN, twins))
    }
    found = summarise(predictions, records, METRICS, 200, 0.9, "macro_f1")
    table = render_study(StudyResults(name="made", split="dev", confidence=0.9, resamples=200, variants={"plain": found}))
    assert "| plain | film | .500 | 200 | 2 of 3 | 150 | 0.75 |" in table


def test_one_seed_has_no_spread(predictions: dict[str, dict[int, dict[str, Predictions]]]) -> None:
    single = {JOINT: {0: predictions[JOINT][0]}}
    found = summarise(single, {JOINT: [CellRecord(cpu_seconds=1.0, parameters=1, epochs=[1])]}, METRICS, 200, 0.9, "macro_f1")
    assert np.isnan(found.candidates[JOINT].spread["accuracy"])
    low, high = (getattr(found.candidates[JOINT].scores["accuracy"], end) for end in ("low", "high"))
    assert low < found.candidates[JOINT].scores["accuracy"].value < high


@pytest.mark.parametrize(
    ("kinds", "name", "note"),
    [
        (("rating", "single_label"), "TF-IDF, pooled", "no network: TF-IDF with logistic regression; single"),
        (("tagging", "mentions"), "dictionary, pooled", "no network: a dictionary of the words that the train rows mark; single"),
        (("tagging", "ordinal"), "reference, pooled", "TF-IDF with logistic regression, and for film a dictionary of the words that"),
    ],
)
def test_a_reference_goes_by_what_it_is(result: VariantResult, kinds: tuple[str, str], name: str, note: str) -> None:
    candidates = {JOINT: result.candidates[JOINT], POOLED: result.candidates[TWIN]}
    plain = VariantResult(candidates=candidates, kinds=dict(zip(("film", "phones"), kinds, strict=True)))
    table = render_study(StudyResults(name="made", split="dev", confidence=0.95, resamples=400, variants={"plain": plain}))
    assert table.count(f"| plain | {name} |") == 2
    assert note in table


def test_a_variant_may_go_without_a_task(predictions: dict[str, dict[int, dict[str, Predictions]]], result: VariantResult) -> None:
    alone = {name: {seed: {"phones": tasks["phones"]} for seed, tasks in seeds.items()} for name, seeds in predictions.items()}
    records = {name: [CellRecord(cpu_seconds=1.0, parameters=1, epochs=[1])] * len(seeds) for name, seeds in alone.items()}
    variants = {"without film": summarise(alone, records, METRICS, 200, 0.9, "macro_f1"), "both": result}
    table = render_study(StudyResults(name="made", split="dev", confidence=0.9, resamples=200, variants=variants))
    scores = {name: found.candidates[JOINT].tasks["phones"]["accuracy"] for name, found in variants.items()}
    film = result.candidates[JOINT].tasks["film"]["accuracy"]
    assert "| variant | candidate | phones | film |" in table
    assert f"| without film | joint | {scores['without film']:.3f} |  |".replace("0.", ".") in table
    assert f"| both | joint | {scores['both']:.3f} | {film:.3f} |".replace("0.", ".") in table


def test_tasks_on_words_are_told_by_one_measure(result: VariantResult) -> None:
    marked = VariantResult(candidates=result.candidates, kinds={"film": "tagging", "phones": "coreference"})
    table = render_study(StudyResults(name="made", split="dev", confidence=0.95, resamples=400, variants={"plain": marked}))
    assert "| variant | candidate | seeds | F1 | joint minus it | parameters" in table
    assert "F1 by task" in table
    assert "accuracy" not in table.lower()


def test_the_table_names_data_split_seeds_and_intervals(result: VariantResult) -> None:
    table = render_study(StudyResults(name="made", split="dev", confidence=0.95, resamples=400, variants={"plain": result}))
    assert "dev split" in table
    assert "95% intervals" in table
    assert "| plain | joint | 3 |" in table
    assert "| plain | twin | 3 |" in table
    assert "| variant | candidate | film | phones |" in table
    assert all(line.count("|") == table.splitlines()[2].count("|") for line in table.splitlines()[2:6])


def test_variants_that_are_numbers_make_a_curve(result: VariantResult) -> None:
    named = StudyResults(name="made", split="dev", confidence=0.95, resamples=400, variants={"100": result, "more": result})
    numbered = named.model_copy(update={"variants": {"200": result, "100": result}})
    assert not is_curve(named)
    assert is_curve(numbered)
    drawn = render_curve(numbered, "accuracy")
    assert drawn.count("errorbar") or "LineCollection" in drawn
    for word in ("joint", "twin", "accuracy, dev, 95% intervals", "100", "200"):
        assert f">{word}<" in drawn
    assert drawn == render_curve(numbered, "accuracy")
