"""What a user loses if these fail: a new task would disturb the old ones, or a task could not be taken out cleanly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mtl_models.config import text as config
from mtl_models.config.network import Dlnc, JointLstm, JointLstmAttention, LstmLinear, Network
from mtl_models.config.text import TextOptions
from mtl_models.errors import ConfigError
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import load_model, save_model
from mtl_models.networks.model import Model
from mtl_models.networks.surgery import same_answers, shared_fingerprint, with_tasks, without_task
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

TEXTS = ["a good film", "two hours of waste, love the phone!", "", "bad"]
NEW = Task("intent", "single_label", ("ask", "tell", "thank"))
SECTIONS: list[Network] = [
    JointLstm(hidden=4, shared_head=True),
    JointLstm(hidden=4),
    JointLstmAttention(name="joint_lstm_attention", hidden=4),
    Dlnc(name="dlnc", hidden=4),
    LstmLinear(name="lstm_linear", hidden=4),
]


def _of(plain: Model, section: Network) -> Model:
    torch.manual_seed(2)
    network = build_network(section, plain.tasks, plain.network.embeddings.matrices())
    return Model(network.eval(), plain.tasks, plain.vocabularies, section, plain.max_tokens)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_old_tasks_answer_as_before_beside_a_new_one_and_again_without_it(
    made_model: Callable[..., Model], section: Network, tmp_path: Path
) -> None:
    model = _of(made_model("shared"), section)
    before = model.logits(TEXTS)
    more = with_tasks(model, [NEW], {}, {})
    assert [task.name for task in more.tasks] == ["tweets", "type", "cased", "intent"]
    assert more.logits(TEXTS)["intent"].shape == (len(TEXTS), 3)
    after = more.logits(TEXTS, [*before])
    assert all(after[task].equal(logits) for task, logits in before.items())
    assert shared_fingerprint(more.network, ["intent"]) == shared_fingerprint(model.network, [])
    save_model(more, tmp_path / "more")
    assert load_model(tmp_path / "more").logits(TEXTS)["intent"].equal(more.logits(TEXTS)["intent"])
    assert without_task(more, "intent").fingerprint() == model.fingerprint()


def test_a_new_language_brings_its_words(made_model: Callable[..., Model]) -> None:
    model = made_model("shared")
    words = build_vocabulary({"hindi": ["अच्छा बुरा फ़िल्म"]}, {"hindi": TextOptions()}, config.Vocabulary(min_count=1))
    hindi = Task("hindi", "single_label", ("bad", "good"), vocabulary="hi")
    more = with_tasks(model, [hindi], {"hi": words}, {"hi": torch.ones(words.size, 3)})
    assert more.vocabularies["hi"].fingerprint == words.fingerprint
    assert more.network.embeddings.matrices()["hi"][2:].eq(1).all()
    assert shared_fingerprint(more.network, ["hindi"]) == shared_fingerprint(model.network, [])
    assert set(without_task(more, "hindi").vocabularies) == {"shared"}


def test_the_model_that_is_added_to_stays_as_it_is(made_model: Callable[..., Model]) -> None:
    model = made_model("shared")
    before = model.fingerprint()
    more = with_tasks(model, [NEW], {}, {})
    with torch.no_grad():
        for parameter in more.network.parameters():
            parameter.add_(1.0)
    assert model.fingerprint() == before


def test_a_new_dlnc_task_begins_with_the_mean_of_the_others_norms(made_model: Callable[..., Model]) -> None:
    model = _of(made_model("shared"), Dlnc(name="dlnc", hidden=4))
    with torch.no_grad():
        for number, task in enumerate(model.tasks):
            for name, parameter in model.network.heads[task.name].named_parameters():
                if "norm" in name:
                    parameter.fill_(float(number))
    more = with_tasks(model, [NEW], {}, {})
    norms = [parameter for name, parameter in more.network.heads["intent"].named_parameters() if "norm" in name]
    assert norms
    assert all(norm.allclose(torch.ones_like(norm)) for norm in norms)


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (Task("tweets", "single_label", ("bad", "fine")), "labels"),
        (Task("tweets", "single_label", ("bad", "good"), vocabulary="hi"), "vocabulary"),
        (Task("tweets", "ordinal", ("bad", "good")), "kind"),
    ],
)
def test_another_task_of_the_same_name_is_refused(made_model: Callable[..., Model], task: Task, told: str) -> None:
    with pytest.raises(ConfigError, match=rf"tasks\.tweets.*{told}"):
        with_tasks(made_model("shared"), [task], {}, {})


def test_what_cannot_be_taken_out(made_model: Callable[..., Model]) -> None:
    model = made_model("shared", "hi")
    with pytest.raises(ConfigError, match="did you mean 'tweets'"):
        without_task(model, "tweet")
    single = without_task(without_task(without_task(model, "type"), "cased"), "tweets")
    assert [task.name for task in single.tasks] == ["hindi"]
    assert set(single.vocabularies) == {"hi"}
    with pytest.raises(ConfigError, match="only task"):
        without_task(single, "hindi")


def test_changed_answers_are_seen(made_model: Callable[..., Model]) -> None:
    model, other = made_model("shared"), made_model("shared")
    same_answers(model, other, ["tweets", "type"])
    with torch.no_grad():
        other.network.heads["type"].get_parameter("weight").add_(1e-3)
    same_answers(model, other, ["tweets"])
    with pytest.raises(Exception, match="type would change"):
        same_answers(model, other, ["tweets", "type"])


def test_a_known_task_keeps_the_scale_of_its_weights_and_takes_the_settings_told(made_model: Callable[..., Model]) -> None:
    model = made_model("shared")
    known = model.task("tweets")
    told = replace(known, class_weights=(1.0,) * len(known.labels), mean=7.0, deviation=2.0, temperature=3.0)
    after = with_tasks(model, [told], {}, {}).task("tweets")
    assert (after.mean, after.deviation, after.temperature) == (known.mean, known.deviation, known.temperature)
    assert after.class_weights == told.class_weights
