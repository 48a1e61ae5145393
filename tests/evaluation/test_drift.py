"""What a user loses if these fail: a warning where texts are unlike those of training, or a false one where they are of the same sort."""

from __future__ import annotations

import random

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.config import text as config
from mtl_models.config.drift import Drift
from mtl_models.config.text import TextOptions
from mtl_models.evaluation.domain import auc_of, domain_scores
from mtl_models.evaluation.drift import Side, as_in_training, measure_drift, sampled
from mtl_models.evaluation.drift_report import DriftReport, TaskDrift
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import Vocabulary, build_vocabulary

FILMS = ["film", "plot", "actor", "scene", "ending", "director", "story", "camera", "cast", "music", "sequel", "comedy", "drama", "role"]
PHONES = ["phone", "screen", "battery", "charger", "button", "camera", "speaker", "signal", "cable", "case", "keyboard", "price", "store"]
LABELS = ("bad", "good")


def texts_of(words: list[str], seed: int, count: int, length: int = 8) -> list[str]:
    source = random.Random(seed)
    return [f"{' '.join(source.choices(words, k=length))} number {source.randrange(count)}" for _ in range(count)]


def side(texts: list[str], good: float = 0.5) -> Side:
    return Side(texts, texts, (np.arange(len(texts)) < good * len(texts)).astype(np.int64))


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return build_vocabulary({"films": texts_of(FILMS, 0, 300)}, {"films": TextOptions()}, config.Vocabulary(min_count=2))


def drift(vocabulary: Vocabulary, new: Side, trained: Side | None = None, task: Task | None = None) -> TaskDrift:
    trained = trained or side(texts_of(FILMS, 0, 300))
    return measure_drift(task or Task("films", "single_label", LABELS), vocabulary, trained, new, Drift(), seed=3)


def beyond(found: TaskDrift) -> set[str]:
    return {measure.name for measure in found.drifted}


def test_other_texts_of_the_same_sort_are_within_every_limit(vocabulary: Vocabulary) -> None:
    found = drift(vocabulary, side(texts_of(FILMS, 1, 200)))
    assert beyond(found) == set()
    assert {measure.name for measure in found.measures} == {"length", "unknown_words", "labels", "domain"}


def test_texts_about_something_else_are_told_apart_and_full_of_unknown_words(vocabulary: Vocabulary) -> None:
    found = drift(vocabulary, side(texts_of(PHONES, 1, 200)))
    assert beyond(found) == {"domain", "unknown_words"}
    domain = next(measure for measure in found.measures if measure.name == "domain")
    assert domain.value is not None
    assert domain.value > 0.99


def test_longer_texts_are_a_drift_of_length(vocabulary: Vocabulary) -> None:
    found = drift(vocabulary, side(texts_of(FILMS, 1, 200, length=30)))
    assert "length" in beyond(found)
    assert "up to 32 words, in training 10" in next(measure for measure in found.measures if measure.name == "length").found


def test_other_answers_are_a_drift_of_labels(vocabulary: Vocabulary) -> None:
    found = drift(vocabulary, side(texts_of(FILMS, 1, 200), good=0.9))
    labels = next(measure for measure in found.measures if measure.name == "labels")
    assert beyond(found) == {"labels"}
    assert labels.value == pytest.approx(0.4)
    assert labels.picture is not None
    assert labels.picture.bins == LABELS
    assert labels.picture.new == pytest.approx((0.1, 0.9))


def test_of_several_labels_the_largest_shift_counts(vocabulary: Vocabulary) -> None:
    texts = texts_of(FILMS, 1, 200)
    trained = Side(texts, texts, np.array([[1, 0, 0], [1, 1, -100]] * 50, dtype=np.int8))
    new = Side(texts, texts, np.array([[1, 1, 0], [1, 1, 0]] * 50, dtype=np.int8))
    found = drift(vocabulary, new, trained, Task("films", "multi_label", ("a", "b", "c")))
    assert next(measure.value for measure in found.measures if measure.name == "labels") == pytest.approx(0.5)


def test_a_rating_is_compared_by_its_mean_in_deviations(vocabulary: Vocabulary) -> None:
    texts = texts_of(FILMS, 1, 100)
    trained, new = Side(texts, texts, np.tile([1.0, 3.0], 50)), Side(texts, texts, np.full(100, 2.5))
    labels = next(m for m in drift(vocabulary, new, trained, Task("films", "rating", ("stars",))).measures if m.name == "labels")
    assert labels.value == pytest.approx(0.5)
    assert labels.found == "the mean is 2.50, 2.00 in training"
    assert labels.picture is not None
    assert sum(labels.picture.new) == pytest.approx(1.0)


def test_a_rating_lies_in_the_bin_that_ends_with_it(vocabulary: Vocabulary) -> None:
    texts = texts_of(FILMS, 1, 100)
    stars = np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], 20)
    found = drift(vocabulary, Side(texts, texts, stars), Side(texts, texts, stars), Task("films", "rating", ("stars",)))
    picture = next(m for m in found.measures if m.name == "labels").picture
    assert picture is not None
    for bins, name in enumerate(picture.bins[:-1], start=1):
        assert sum(picture.new[:bins]) == pytest.approx((stars <= float(name.removeprefix("up to "))).mean())


def test_the_very_texts_of_training_are_a_guess_to_the_classifier() -> None:
    texts = texts_of(FILMS, 0, 100)
    scores = domain_scores(texts, [text.upper() for text in texts], seed=0)
    assert scores is not None
    assert auc_of(scores[:100], scores[100:]) == pytest.approx(0.5, abs=0.01)


def test_copies_within_one_side_do_not_give_it_away() -> None:
    trained, new = texts_of(FILMS, 0, 100), texts_of(FILMS, 1, 20) * 5
    scores = domain_scores(trained, new, seed=0)
    assert scores is not None
    assert auc_of(scores[:100], scores[100:]) < 0.8


def test_too_few_different_texts_give_no_verdict(vocabulary: Vocabulary) -> None:
    domain = drift(vocabulary, side(["the same film"] * 200)).measures[-1]
    assert domain.value is None
    assert not domain.drifted
    assert "too few" in domain.found


def test_unknown_words_are_measured_against_texts_the_vocabulary_was_not_counted_on(vocabulary: Vocabulary) -> None:
    trained = Side(texts_of(FILMS, 0, 300), texts_of(PHONES, 5, 50), np.zeros(300, dtype=np.int64))
    found = drift(vocabulary, Side(texts_of(PHONES, 1, 200), texts_of(PHONES, 1, 200), np.zeros(200, dtype=np.int64)), trained)
    assert beyond(found) == {"domain"}


def test_the_report_names_what_is_beyond_and_what_was_not_looked_at(vocabulary: Vocabulary) -> None:
    near, far = drift(vocabulary, side(texts_of(FILMS, 1, 200))), drift(vocabulary, side(texts_of(FILMS, 1, 200), good=0.9))
    report = DriftReport(rows=200, tasks={"near": near, "far": far}, unchecked={"lost": "its run is gone"})
    assert report.drifted
    assert report.strange_to == ["far"]
    assert [line.split(",")[0] for line in report.lines()] == ["task 'far'", "task 'lost': drift not checked"]
    assert "labels 0.400, limit 0.15" in report.lines()[0]
    assert DriftReport.model_validate_json(report.model_dump_json()) == report
    assert not DriftReport(rows=200, tasks={"near": near}, unchecked={}).drifted


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 5))
def test_a_sample_keeps_the_order_and_is_the_same_for_a_seed(rows: int, most: int, seed: int) -> None:
    table = datasets.Dataset.from_dict({"text": [f"{number:03d}" for number in range(rows)], "label": [0] * rows})
    drawn = sampled(table, most, seed)
    assert len(drawn) == min(rows, most)
    assert drawn == sorted(set(drawn))
    assert drawn == sampled(table, most, seed)


def marks(*types: int) -> np.ndarray:
    """A text for each type, with one span of it."""
    rows = np.empty(len(types), dtype=object)
    for place, kind in enumerate(types):
        rows[place] = np.array([[0, 1, kind]] if kind >= 0 else np.empty((0, 3)), dtype=np.int32)
    return rows


def test_where_labels_lie_on_words_the_types_of_what_is_marked_are_compared(vocabulary: Vocabulary) -> None:
    texts = texts_of(FILMS, 1, 120)
    task = Task("names", "tagging", ("LOC", "PER"), text=TextOptions(words="spaces"))
    trained = Side(texts, texts, marks(*[0, 1] * 50))

    def measured(kind: Task, labels: np.ndarray):
        found = measure_drift(kind, vocabulary, trained, Side(texts, texts, labels), Drift(), 1)
        return next(measure for measure in found.measures if measure.name == "labels")

    assert measured(task, marks(*[0, 1] * 30)).value == pytest.approx(0.0)
    shifted = measured(task, marks(0, 0, 0, 1))
    assert shifted.value == pytest.approx(0.25)
    assert shifted.found == "75.0% of what is marked is 'LOC', 50.0% in training"
    nothing = measured(task, marks(-1, -1))
    assert (nothing.value, nothing.drifted) == (1.0, True)
    alone = measured(Task("same", "coreference", ("cluster",), text=TextOptions(words="spaces")), marks(0))
    assert (alone.value, alone.drifted) == (None, False)


def test_typed_texts_are_compared_word_by_word_with_a_corpus_of_words() -> None:
    task = Task("names", "tagging", ("LOC",), text=TextOptions(words="spaces"))
    assert as_in_training(task, ["Ann's in Rome.", ""]) == ["Ann 's in Rome .", ""]
    assert as_in_training(Task("mood", "single_label", LABELS), ["Ann's in Rome."]) == ["Ann's in Rome."]
