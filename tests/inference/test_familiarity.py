"""What a user loses if these fail: sure answers about texts in a language that the model never saw, and no word about it."""

from __future__ import annotations

import warnings

import pytest
import torch

from mtl_models.config.network import JointLstm
from mtl_models.config.text import TextOptions, Vocabulary
from mtl_models.inference.familiarity import UnfamiliarTexts, unfamiliar
from mtl_models.inference.predictor import Predictor
from mtl_models.networks.build import build_network
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

ENGLISH = "what a waste of two hours love this phone"
HINDI = "यह फ़िल्म अच्छा है बुरा नहीं"
WORDS = {"en": ENGLISH, "hi": HINDI}


@pytest.fixture(scope="module")
def model() -> Model:
    tasks = (
        Task("movie", "single_label", ("bad", "good"), vocabulary="en"),
        Task("tweets", "single_label", ("bad", "good"), vocabulary="en"),
        Task("hate", "single_label", ("no", "yes"), vocabulary="hi"),
    )
    built = {name: build_vocabulary({name: [words]}, {name: TextOptions()}, Vocabulary(min_count=1)) for name, words in WORDS.items()}
    torch.manual_seed(0)
    network = build_network(JointLstm(hidden=3), tasks, {name: torch.randn(words.size, 4) for name, words in built.items()})
    return Model(network.eval(), tasks, built, JointLstm(hidden=3), 20)


def test_texts_like_those_of_the_training_are_nothing_to_speak_of(model: Model) -> None:
    assert unfamiliar(model, [ENGLISH, "love this phone !"], ["movie", "tweets"]) == []
    assert unfamiliar(model, [HINDI], ["hate"]) == []
    assert unfamiliar(model, ["", "42", "!!"]) == []
    assert unfamiliar(model, []) == []


def test_another_script_is_named_with_the_tasks_that_cannot_read_it(model: Model) -> None:
    (line,) = unfamiliar(model, ["यह फ़िल्म अच्छा है phone"])
    assert line.startswith("movie, tweets: texts in Devanagari script, but the words that the model knows are in Latin")
    (line,) = unfamiliar(model, [ENGLISH])
    assert line.startswith("hate: texts in Latin script, but the words that the model knows are in Devanagari")


def test_unknown_words_in_a_known_script_are_told(model: Model) -> None:
    (line,) = unfamiliar(model, ["was für eine Zeitverschwendung"], ["movie"])
    assert line.startswith("movie: texts of which the model does not know most words")


def test_one_text_in_twenty_is_nothing_to_speak_of_and_one_in_five_is(model: Model) -> None:
    assert unfamiliar(model, [ENGLISH] * 19 + [HINDI], ["movie"]) == []
    assert unfamiliar(model, ([ENGLISH] * 4 + [HINDI]) * 1000, ["movie"])


def test_the_predictor_warns_and_answers(model: Model) -> None:
    with pytest.warns(UnfamiliarTexts, match="movie: texts in Devanagari"):
        assert len(Predictor(model).predict([HINDI], ["movie"])) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Predictor(model).predict([HINDI], ["hate"])
