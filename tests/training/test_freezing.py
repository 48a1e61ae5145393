"""What a user loses if these fail: weights would move that were promised to stay, or a policy would train nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from torch import Tensor

from mtl_models.config.finetuning import Finetuning
from mtl_models.config.training import Training
from mtl_models.networks.network import Network
from mtl_models.tasks.task import Task
from mtl_models.training.checkpoints import copied_state
from mtl_models.training.encoding import EncodedCorpus
from mtl_models.training.fit import fit
from mtl_models.training.freezing import FinetuneFreezing

ENCODER, HEADS, WORDS = "lstm.", "heads.", "embeddings."


def _moved(before: Mapping[str, Tensor], network: Network) -> set[str]:
    return {name for name, weight in copied_state(network).items() if not weight.equal(before[name])}


@pytest.fixture
def trained(
    made_network: Callable[[Sequence[Task]], Network],
    tasks_named: Callable[..., list[Task]],
    made_corpora: Callable[..., dict[str, EncodedCorpus]],
) -> Callable[..., set[str]]:
    """Names of the weights that move when task `b` is trained under a policy, on a network of `a` and `b`."""

    def train(section: Finetuning, epochs: int = 3, **options: object) -> set[str]:
        network = made_network(tasks_named("a", "b"))
        before = copied_state(network)
        training = Training.model_validate({"epochs": epochs, "batch_size": 16, "patience": None, **options})
        freezing = FinetuneFreezing(section, ["b"], network)
        fit(network, tasks_named("b"), made_corpora({"b": 60}, {"b": 0}), training, 1, freezing=freezing)
        return _moved(before, network)

    return train


def test_all_but_new_moves_the_new_head_alone(trained: Callable[..., set[str]]) -> None:
    assert {name.split(".")[1] for name in trained(Finetuning(freeze="all_but_new"))} == {"b"}


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_weight_decay_does_not_reach_what_is_frozen(trained: Callable[..., set[str]], optimizer: str) -> None:
    moved = trained(Finetuning(freeze="all_but_new"), optimizer=optimizer, weight_decay=0.5)
    assert all(name.startswith("heads.b.") for name in moved)


def test_encoder_frozen_lets_words_move(trained: Callable[..., set[str]]) -> None:
    moved = trained(Finetuning(freeze="encoder"))
    assert any(name.startswith(WORDS) for name in moved)
    assert not any(name.startswith(ENCODER) for name in moved)


def test_none_moves_everything_that_the_new_task_reaches(trained: Callable[..., set[str]]) -> None:
    moved = trained(Finetuning(freeze="none"))
    assert {name.split(".")[0] for name in moved} == {"embeddings", "lstm", "heads"}
    assert not any(name.startswith("heads.a.") for name in moved)


def test_gradual_thaws_from_the_top(trained: Callable[..., set[str]]) -> None:
    assert {name.split(".")[0] for name in trained(Finetuning(freeze="gradual"), epochs=1)} == {"heads"}
    assert {name.split(".")[0] for name in trained(Finetuning(freeze="gradual"), epochs=2)} == {"heads", "lstm"}
    assert {name.split(".")[0] for name in trained(Finetuning(freeze="gradual"), epochs=3)} == {"heads", "lstm", "embeddings"}
    assert {name.split(".")[0] for name in trained(Finetuning(freeze="gradual", thaw_every=2), epochs=3)} == {"heads", "lstm"}


def test_the_parts_of_an_encoder_from_the_heads_down(
    made_network: Callable[[Sequence[Task]], Network], tasks_named: Callable[..., list[Task]]
) -> None:
    network = made_network(tasks_named("a"))
    assert network.encoder_parts() == [network.get_submodule("lstm"), network.get_submodule("embeddings")]


def test_words_that_the_network_keeps_frozen_stay_so(
    made_network: Callable[[Sequence[Task]], Network], tasks_named: Callable[..., list[Task]]
) -> None:
    network = made_network(tasks_named("a"))
    network.embeddings.requires_grad_(False)
    FinetuneFreezing(Finetuning(freeze="none"), [], network).apply(network, 1)
    assert not any(parameter.requires_grad for parameter in network.embeddings.parameters())
    assert all(parameter.requires_grad for parameter in network.heads.parameters())
