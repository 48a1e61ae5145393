"""What a user loses if these fail: accuracies of other sentences than those held out, of another level, or not better than noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from mtl_models.config import Experiment
from mtl_models.corpora.ingest import ingest
from mtl_models.errors import CorpusError
from mtl_models.evaluation.probing.drawing import Probe
from mtl_models.evaluation.probing.linear import baseline_features, linear_answers
from mtl_models.evaluation.probing.probe import draw_probes, probe
from mtl_models.evaluation.probing.report import ProbingReport
from mtl_models.evaluation.probing.sentences import Sentences, read_sentences
from mtl_models.evaluation.probing.states import views_of
from mtl_models.networks.model import Model


@pytest.fixture(scope="module")
def sentences(experiment: Experiment) -> Sentences:
    return read_sentences(experiment)


@pytest.fixture(scope="module")
def found(model: Model, experiment: Experiment) -> ProbingReport:
    return probe(model, experiment, 300, 1)


def test_sentences_are_held_out_and_carry_their_columns(experiment: Experiment, sentences: Sentences) -> None:
    corpus = ingest("ner", experiment.tasks["ner"].corpus, experiment.seed, "tagging")
    held_out = {*corpus.splits["dev"]["text"], *corpus.splits["test"]["text"]}
    texts = [sentence.text for sentence in sentences.rows]
    assert set(texts) <= held_out - set(corpus.splits["train"]["text"])
    assert len(texts) == len(set(texts)) > 500
    assert (sentences.tasks, sentences.columns) == (("ner",), ("pos", "chunk"))
    for sentence in sentences.rows:
        tagged = dict(zip(sentence.words, sentence.tags or (), strict=True))
        assert (tagged["The"], tagged["."]) == ("DT", ".")
        assert len(sentence.chunks or ()) == sum(tag in ("DT", "IN", "NNP") or tag.startswith("VB") for tag in sentence.tags or ())


def test_pooled_states_do_not_depend_on_what_else_is_read(model: Model, sentences: Sentences) -> None:
    texts = [sentence.text for sentence in sentences.rows[:70]]
    together = views_of(model, texts, "ner")
    assert [*together] == [(level, pooling) for level in ("base", "low", "high") for pooling in ("mean", "max")]
    for place in (0, 41, 69):
        for view, vectors in views_of(model, [texts[place]], "ner").items():
            np.testing.assert_allclose(together[view][place], vectors[0], atol=1e-5)
    base = together["base", "mean"]
    assert base.shape == (70, 16 + 64)


def test_the_base_has_the_words_and_the_levels_what_they_make_of_them(model: Model) -> None:
    """Same words in another order: the base pools to the same vector, a level does not."""
    one, other = "the old garden waled at Anna .", "Anna waled at the old garden ."
    views = views_of(model, [one, other], "ner")
    assert model.vocabularies["shared"].size > 20
    np.testing.assert_allclose(*views["base", "mean"], atol=1e-5)
    assert np.abs(np.subtract(*views["low", "mean"])).max() > 1e-3


def test_every_rule_has_its_rows_apart_from_those_it_cannot_do(sentences: Sentences) -> None:
    probes, left_out = draw_probes(sentences, 300, 1)
    assert len(probes) + len(left_out) == 10
    assert set(left_out) <= {"word_content"}
    again, _ = draw_probes(sentences, 300, 1)
    assert all(again[rule].texts == drawn.texts for rule, drawn in probes.items())
    other, _ = draw_probes(sentences, 300, 2)
    assert any(other[rule].texts != drawn.texts for rule, drawn in probes.items())
    fewer, left_out = draw_probes(replace(sentences, columns=()), 300, 1)
    assert {rule.name for rule in fewer} <= {"length", "word_content", "bigram_shift"}
    assert "needs the column 'pos'" in left_out["tense"]
    with pytest.raises(CorpusError, match="10 sentences in dev and test are too few"):
        draw_probes(replace(sentences, rows=sentences.rows[:10]), 300, 1)


@pytest.mark.parametrize("told", [True, False])
def test_a_probe_reads_what_is_there_and_nothing_else(told: bool) -> None:
    rng = np.random.default_rng(5)
    gold = rng.integers(0, 3, 600)
    drawn = Probe(("",) * 600, ("a", "b", "c"), gold, np.arange(600) >= 400, np.arange(600))
    vectors = rng.normal(size=(600, 20))
    vectors[:, :3] += 4.0 * np.eye(3)[gold] * told
    right = (linear_answers(vectors, drawn, 0) == gold[400:]).mean()
    assert right > 0.95 if told else 0.2 < right < 0.46


def test_baselines_see_length_and_words_alone() -> None:
    features = baseline_features(["a bb A", "bb"])
    assert features["length"].tolist() == [[3, 6], [1, 2]]
    assert features["words"].toarray().tolist() == [[1, 1], [0, 1]]


def test_accuracies_are_those_of_the_test_rows_with_their_intervals(found: ProbingReport, sentences: Sentences) -> None:
    assert found.levels == ("base", "low", "high")
    probes = {rule.name: drawn for rule, drawn in draw_probes(sentences, 300, 1)[0].items()}
    for task in found.tasks:
        assert (task.train, task.test) == (int((~probes[task.name].test).sum()), int(probes[task.name].test.sum()))
        assert task.majority.value == pytest.approx(1 / len(task.classes))
        for reading in task.readings:
            assert reading.accuracy.low <= reading.accuracy.value <= reading.accuracy.high
            best = task.baselines[task.baseline].value
            assert reading.over_baseline.value == pytest.approx(reading.accuracy.value - best)
            assert (reading.over_base is None) == (reading.level == "base")
    by_name = {task.name: task for task in found.tasks}
    assert by_name["first_noun"].reading("base", "mean").accuracy.low > 0.5
    assert by_name["length"].baselines["length"].value > 0.6


@pytest.mark.slow
def test_equal_arguments_give_equal_findings(model: Model, experiment: Experiment, found: ProbingReport) -> None:
    torch.manual_seed(99)
    assert probe(model, experiment, 300, 1) == found


def test_a_network_without_levels_is_probed_in_its_one_vector(
    experiment: Experiment, sentences: Sentences, make_flat: Callable[[], Model]
) -> None:
    flat = make_flat()
    texts = [sentence.text for sentence in sentences.rows[:5]]
    views = views_of(flat, texts, "mood")
    np.testing.assert_array_equal(views["joint_lstm", "vector"], flat.embed(texts, "mood"))
    found = probe(flat, experiment, 100, 1)
    assert (found.levels, found.poolings) == (("joint_lstm",), ("vector",))
    assert all(task.readings[0].over_base is None for task in found.tasks)
