"""What a user loses if these fail: pictures of weights that the network did not use, under words it did not read."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from mtl_models.config import network as config
from mtl_models.config.text import TextOptions
from mtl_models.config.text import Vocabulary as VocabularySection
from mtl_models.errors import ConfigError
from mtl_models.inference.attention import Reading, explain, has_attention
from mtl_models.inference.predictor import Predictor
from mtl_models.networks.build import build_network
from mtl_models.networks.joint import AttentiveReader, Joint
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

WORDS = {"shared": "a bad good film phone , ! day the of two hours", "hi": "अच्छा बुरा फ़िल्म यह है"}
TASKS = (
    Task("tweets", "single_label", ("bad", "good")),
    Task("type", "single_label", ("a", "b", "c")),
    Task("hindi", "single_label", ("bad", "good"), vocabulary="hi"),
)
NETWORKS = ["joint_lstm", "joint_lstm_attention", "joint_transformer_lstm", "joint_transformer_lstm_attention"]
TEXTS = ["a good phone !", "two bad hours of the film", "", "यह अच्छा"]

pytestmark = pytest.mark.filterwarnings("ignore::mtl_models.inference.familiarity.UnfamiliarTexts")


def _model(name: str) -> Model:
    options: dict[str, object] = {"attention": {"hops": 3, "hidden": 4, "fc": 8}} if name.endswith("_attention") else {}
    if "transformer" in name:
        options["transformer"] = {"heads": 2, "feedforward": 5, "layers": 2}
    section = TypeAdapter(config.Network).validate_python({"name": name, "hidden": 4, **options})
    built = {
        group: build_vocabulary({group: [words]}, {group: TextOptions()}, VocabularySection(min_count=1)) for group, words in WORDS.items()
    }
    torch.manual_seed(2)
    network = build_network(section, TASKS, {group: torch.randn(vocabulary.size, 6) for group, vocabulary in built.items()})
    return Model(network.eval(), TASKS, built, section, max_tokens=5)


def _readings(model: Model, **options: object) -> list[Reading]:
    return [reading for readings in explain(model, TEXTS, **options) for reading in readings]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_text_is_read_once_for_each_vocabulary_with_the_predictors_answers(name: str) -> None:
    model = _model(name)
    readings = _readings(model)
    assert [(reading.index, [answer.task for answer in reading.answers]) for reading in readings] == [
        (index, tasks) for index in range(len(TEXTS)) for tasks in (["tweets", "type"], ["hindi"])
    ]
    expected = {(answer.index, answer.task): answer for answer in Predictor(model).predict(TEXTS)}
    for answer in (answer for reading in readings for answer in reading.answers):
        assert answer.text == TEXTS[answer.index]
        assert answer.label == expected[answer.index, answer.task].label
        assert answer.confidence == pytest.approx(expected[answer.index, answer.task].confidence, abs=1e-5)


def test_the_words_are_those_that_were_read() -> None:
    readings = _readings(_model("joint_lstm_attention"))
    assert readings[0].words == ("a", "good", "phone", "!")
    assert readings[2].words == ("two", "bad", "hours", "of", "the")  # five at most
    assert not any(readings[0].unknown)
    assert readings[1].words == ("a", "good", "phone", "!")
    assert all(readings[1].unknown)  # another language's words
    assert readings[4].words == ("<unk>",)
    assert readings[4].unknown == (True,)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_weights_have_the_shapes_and_sums_of_attention(name: str) -> None:
    model = _model(name)
    for reading in _readings(model):
        count = len(reading.words)
        assert (reading.hops is not None) == name.endswith("_attention")
        if reading.hops is not None:
            assert reading.hops.shape == (3, count)
            np.testing.assert_allclose(reading.hops.sum(axis=1), 1.0, atol=1e-5)
        assert len(reading.heads) == (2 if "transformer" in name else 0)
        for heads in reading.heads:
            assert heads.shape == (2, count, count)
            np.testing.assert_allclose(heads.sum(axis=2), 1.0, atol=1e-5)


def test_the_hops_are_those_the_network_used() -> None:
    """What the self-attention gives inside the network's own forward pass."""
    model = _model("joint_transformer_lstm_attention")
    network = model.network
    assert isinstance(network, Joint)
    assert isinstance(network.reader, AttentiveReader)
    used: list[np.ndarray] = []
    handle = network.reader.attention.register_forward_hook(lambda module, inputs, output: used.append(output[1].numpy()))
    model.probabilities(TEXTS[:1], ["tweets"])
    handle.remove()
    hops = _readings(model)[0].hops
    assert hops is not None
    np.testing.assert_allclose(hops, used[0][0], atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_leaving_a_word_out_is_asking_about_the_text_without_it(name: str) -> None:
    model = _model(name)
    reading = _readings(model, leave_out=True)[0]
    for task in ("tweets", "type"):
        full = model.probabilities([reading.text], [task])[task][0]
        for place in range(len(reading.words)):
            shorter = " ".join(word for other, word in enumerate(reading.words) if other != place)
            less = model.probabilities([shorter], [task])[task][0]
            assert reading.left_out[task][place] == pytest.approx(full.max() - less[full.argmax()], abs=1e-5)


def test_words_are_left_out_by_default_only_where_there_is_no_attention() -> None:
    assert [has_attention(_model(name)) for name in NETWORKS] == [False, True, True, True]
    assert [bool(_readings(_model(name))[0].left_out) for name in NETWORKS] == [True, False, False, False]


def test_a_text_of_no_words_loses_nothing() -> None:
    assert _readings(_model("joint_lstm"))[4].left_out["tweets"].tolist() == [0.0]


def test_only_the_tasks_asked_for_and_none_that_is_not_there() -> None:
    model = _model("joint_lstm_attention")
    readings = [reading for readings in explain(model, TEXTS[:1], ["type"]) for reading in readings]
    assert [[answer.task for answer in reading.answers] for reading in readings] == [["type"]]
    with pytest.raises(ConfigError, match="unknown task 'typ'; did you mean 'type'"):
        list(explain(model, TEXTS, ["typ"]))


def test_the_network_goes_on_in_the_mode_it_had() -> None:
    model = _model("joint_transformer_lstm_attention")
    model.network.train()
    _readings(model)
    assert all(module.training for module in model.network.modules())
