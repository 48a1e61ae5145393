"""What a user loses if these fail: weights that move though `training.freeze` or a phase holds them, or rates nobody asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mtl_models.config.backbone import SentenceEncoder as Section
from mtl_models.config.experiment import Experiment
from mtl_models.config.freezing import Freeze
from mtl_models.config.network import JointLstm
from mtl_models.config.training import Training
from mtl_models.errors import ConfigError
from mtl_models.home import home_folder
from mtl_models.networks.backbone import parts_of, read_backbone
from mtl_models.networks.build import build_network
from mtl_models.networks.network import Network
from mtl_models.networks.sentence_encoder import SentenceEncoder
from mtl_models.tasks.task import Task
from mtl_models.training.checkpoints import copied_state
from mtl_models.training.encoding import EncodedCorpus
from mtl_models.training.fit import fit
from mtl_models.training.freezing import TrainingFreezing
from mtl_models.training.history import History
from mtl_models.training.optimizers import build_optimizer

from histories import epoch_record, history

Trained = Callable[..., set[str]]


@pytest.fixture
def encoder(backbones: Callable[..., Path]) -> Callable[..., Network]:
    """A sentence encoder for tasks `a` and `b` over the tiny encoder of three layers."""

    def make(**options: object) -> Network:
        folder = backbones("bert")
        torch.manual_seed(1)
        section = Section.model_validate({"name": "sentence_encoder", "backbone": str(folder), **options})
        tasks = [Task(name, "single_label", ("no", "yes")) for name in ("a", "b")]
        return build_network(section, tasks, {"shared": read_backbone(folder)})

    return make


def _moved(before: Mapping[str, Tensor], network: Network) -> set[str]:
    return {name for name, weight in copied_state(network).items() if not weight.equal(before[name])}


@pytest.fixture
def trained(
    encoder: Callable[..., Network], tasks_named: Callable[..., list[Task]], made_corpora: Callable[..., dict[str, EncodedCorpus]]
) -> Trained:
    """Beginnings of the names of what moves in a training with these settings: `layer.2`, `embeddings`, `heads.a` ..."""

    def train(epochs: int = 1, network: Mapping[str, object] | None = None, **options: object) -> set[str]:
        built = encoder(**(network or {}))
        before = copied_state(built)
        training = Training.model_validate({"epochs": epochs, "batch_size": 16, "patience": None, "conflicts_every": None, **options})
        fit(built, tasks_named("a", "b"), made_corpora({"a": 40, "b": 40}), training, 1)
        return {_part(name) for name in _moved(before, built)}

    return train


def _part(name: str) -> str:
    words = name.removeprefix("backbone.encoder.").removeprefix("backbone.").split(".")
    return ".".join(words[:2]) if words[0] in ("layer", "heads") else words[0]


LAYERS = {"layer.0", "layer.1", "layer.2"}
HEADS = {"heads.a", "heads.b"}


def test_everything_moves_by_default(trained: Trained) -> None:
    assert trained() == {"embeddings", *LAYERS, *HEADS}


def test_encoder_frozen_moves_heads_alone(trained: Trained) -> None:
    assert trained(freeze={"encoder": True}) == HEADS


@pytest.mark.parametrize(("lowest", "still"), [(1, {"embeddings", "layer.0"}), (2, {"embeddings", "layer.0", "layer.1"})])
def test_lowest_layers_and_embeddings_stay(trained: Trained, lowest: int, still: set[str]) -> None:
    assert trained(freeze={"lowest": lowest}) == {"embeddings", *LAYERS, *HEADS} - still


def test_one_head_stays_while_all_else_moves(trained: Trained) -> None:
    assert trained(freeze={"heads": ["b"]}) == {"embeddings", *LAYERS, "heads.a"}


@pytest.mark.parametrize(("epochs", "moving"), [(1, set()), (2, {"layer.2"}), (4, LAYERS), (5, {*LAYERS, "embeddings"})])
def test_gradual_thaws_a_layer_an_epoch_from_the_top(trained: Trained, epochs: int, moving: set[str]) -> None:
    assert trained(epochs=epochs, metric="accuracy", freeze={"thaw_every": 1}) - HEADS <= moving
    built_last = trained(epochs=epochs, metric="accuracy", freeze={"thaw_every": 1}, decay="none", warmup=0.0, learning_rate=0.05)
    assert built_last - HEADS <= moving


def test_adapters_leave_the_backbone_to_the_bit(trained: Trained, encoder: Callable[..., Network]) -> None:
    built = encoder(lora={"rank": 2})
    names = {name for name, _ in built.named_parameters() if "lora" in name}
    assert names
    moved = trained(network={"lora": {"rank": 2}})
    assert moved <= {*LAYERS, *HEADS}


def test_weights_that_adapters_stand_beside_never_move(
    encoder: Callable[..., Network], tasks_named: Callable[..., list[Task]], made_corpora: Callable[..., dict[str, EncodedCorpus]]
) -> None:
    built = encoder(lora={"rank": 2})
    before = copied_state(built)
    fit(built, tasks_named("b"), made_corpora({"b": 60}), Training(epochs=2, batch_size=16), 1)
    moved = _moved(before, built)
    own = built.owned_by(["b"])
    assert moved
    assert all(name.startswith(own) for name in moved), "what task a reads is as it was, its adapter too"


def test_a_frozen_network_of_words_trains_heads(
    made_network: Callable[[Sequence[Task]], Network],
    tasks_named: Callable[..., list[Task]],
    made_corpora: Callable[..., dict[str, EncodedCorpus]],
) -> None:
    built = made_network(tasks_named("a", "b"))
    before = copied_state(built)
    fit(built, tasks_named("a", "b"), made_corpora({"a": 40, "b": 40}), Training(epochs=1, freeze=Freeze(encoder=True)), 1)
    assert {name.split(".")[0] for name in _moved(before, built)} == {"heads"}
    assert all(parameter.requires_grad for parameter in built.parameters()), "freezing ends with the training"


def test_a_frozen_encoder_reads_a_text_once(
    encoder: Callable[..., Network], tasks_named: Callable[..., list[Task]], made_corpora: Callable[..., dict[str, EncodedCorpus]]
) -> None:
    """The vectors are kept, other weights get others; and a training from kept vectors ends at the same weights, to the bit."""
    corpora, tasks = made_corpora({"a": 43, "b": 37}, {"a": 17, "b": 19}), tasks_named("a", "b")  # rows that no other test has
    folder = home_folder("cache", "features")
    known = set(folder.iterdir())

    def weights(network: Network) -> dict[str, Tensor]:
        fit(network, tasks, corpora, Training(epochs=2, freeze=Freeze(encoder=True)), 1)
        return copied_state(network)

    first = weights(encoder())
    kept = set(folder.iterdir()) - known
    assert len(kept) == 4, "train and dev of two tasks"
    again = weights(encoder())
    assert set(folder.iterdir()) - known == kept
    assert all(weight.equal(again[name]) for name, weight in first.items())
    other = encoder()
    with torch.no_grad():
        other.get_parameter("backbone.embeddings.word_embeddings.weight").add_(0.1)
    weights(other)
    assert len(set(folder.iterdir()) - known) == 8


def test_layers_learn_slower_the_lower_they_are(encoder: Callable[..., Network]) -> None:
    network = encoder()
    optimizer = build_optimizer(network, Training(layer_decay=0.5))
    names = {id(parameter): _part(name) for name, parameter in network.named_parameters()}
    scales = {names[id(parameter)]: group["scale"] for group in optimizer.param_groups for parameter in group["params"]}
    assert scales == {"heads.a": 1.0, "heads.b": 1.0, "layer.2": 0.5, "layer.1": 0.25, "layer.0": 0.125, "embeddings": 0.0625}


def test_what_moved_is_told(
    encoder: Callable[..., Network],
    tasks_named: Callable[..., list[Task]],
    made_corpora: Callable[..., dict[str, EncodedCorpus]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    network = encoder()
    whole = sum(weight.numel() for weight in network.state_dict().values())
    settings = Training(epochs=1, freeze=Freeze(encoder=True, heads=("b",)), conflicts_every=None)
    fit(network, tasks_named("a", "b"), made_corpora({"a": 40, "b": 40}), settings, 1)
    assert f"34 of {whole:,} numbers moved, in heads.a; the others are as they were" in capsys.readouterr().err


def test_nothing_left_to_move_is_a_clear_error(encoder: Callable[..., Network]) -> None:
    with pytest.raises(ConfigError, match=r"training\.freeze: nothing is left that moves"):
        TrainingFreezing(Freeze(encoder=True, heads=("a", "b")), encoder())
    with pytest.raises(ConfigError, match=r"training\.freeze\.lowest: 9, but the network has 3 layers"):
        TrainingFreezing(Freeze(lowest=9), encoder())


def _history(epochs: int, best: int) -> History:
    return history([epoch_record(number, updates=10 * number) for number in range(1, epochs + 1)], best_epoch=best, parameters=5)


@pytest.mark.parametrize(("resumed", "told"), [((None, None), None), ((1, None), 1), ((2, None), 2), ((2, 1), 3), ((None, 2), 4)], ids=str)
def test_the_account_of_phases_says_where_the_last_checkpoint_was(resumed: tuple[int | None, ...], told: int | None) -> None:
    phases = [_history(epochs, 1).model_copy(update={"resumed_from": at}) for epochs, at in zip((2, 3), resumed, strict=True)]
    assert History.of_phases(phases).resumed_from == told


def test_the_account_of_phases_counts_on() -> None:
    joined = History.of_phases([_history(2, 1), _history(3, 2)])
    assert [record.epoch for record in joined.epochs] == [1, 2, 3, 4, 5]
    assert [record.updates for record in joined.epochs] == [10, 20, 30, 40, 50]
    assert (joined.best_epoch, joined.seconds) == (4, 5.0)


def _experiment(**training: object) -> Experiment:
    return Experiment.model_validate({"name": "x", "tasks": {"a": "a.csv", "b": "b.csv"}, "training": training})


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"freeze": {"heads": ["c"]}}, r"training\.freeze\.heads names 'c'"),
        ({"phases": [{"tasks": ["c"], "epochs": 1}]}, r"training\.phases\[0\]\.tasks names 'c'"),
        ({"phases": [{"tasks": ["a"], "epochs": 1}]}, "no phase of training.phases trains the task 'b'"),
        ({"phases": [{"epochs": 1}], "epochs": 3}, "leave out `training.epochs`"),
        ({"freeze": {"encoder": True, "lowest": 2}}, "encoder: true freezes all"),
    ],
)
def test_impossible_settings_are_refused_with_their_key(training: Mapping[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _experiment(**training)


def test_phases_give_each_its_own_settings() -> None:
    experiment = _experiment(
        learning_rate=0.01,
        phases=[{"tasks": ["a"], "epochs": 2}, {"tasks": ["b"], "epochs": 5, "learning_rate": 0.1, "freeze": {"heads": ["a"]}}],
    )
    (first, one), (second, two) = experiment.training.in_phases()
    assert (first, one.epochs, one.learning_rate, one.freeze) == (("a",), 2, 0.01, Freeze())
    assert (second, two.epochs, two.learning_rate, two.freeze) == (("b",), 5, 0.1, Freeze(heads=("a",)))


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "xlm-roberta", "mpnet"])
def test_every_weight_of_an_encoder_is_in_one_of_its_parts(architecture: str, backbones: Callable[..., Path]) -> None:
    encoder = read_backbone(backbones(architecture)).build(0.0, 0.0)
    found = [id(parameter) for part in parts_of(encoder) for parameter in part.parameters()]
    assert sorted(found) == sorted(id(parameter) for parameter in encoder.parameters())


def test_a_weight_that_lies_in_no_module_of_its_own_is_in_the_lowest_part() -> None:
    encoder = nn.Module()
    encoder.register_parameter("mask", nn.Parameter(torch.zeros(3)))
    encoder.stack = nn.Module()
    encoder.stack.register_parameter("bias", nn.Parameter(torch.zeros(2)))
    encoder.stack.layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    upper, lower, rest = parts_of(encoder)
    assert [upper, lower] == [encoder.stack.layers[1], encoder.stack.layers[0]]
    assert {id(parameter) for parameter in rest.parameters()} == {id(encoder.mask), id(encoder.stack.bias)}


def test_an_encoder_with_weights_beside_its_layers_is_frozen_whole(backbones: Callable[..., Path]) -> None:
    folder = backbones("mpnet")
    section = Section.model_validate({"name": "sentence_encoder", "backbone": str(folder)})
    network = SentenceEncoder(section, [Task("a", "single_label", ("no", "yes"))], {"shared": read_backbone(folder)})
    TrainingFreezing(Freeze(encoder=True), network).apply(network, 1)
    assert network.features_fixed


@pytest.mark.parametrize(("options", "more"), [({"shared_head": True}, {"shared_heads"}), ({"lora": {"rank": 2}}, LAYERS)])
def test_a_frozen_encoder_leaves_shared_output_layers_and_adapters_free(
    trained: Trained, options: Mapping[str, object], more: set[str]
) -> None:
    assert trained(network=options, freeze={"encoder": True}, epochs=2, learning_rate=0.05) == HEADS | more


def test_a_shared_output_layer_is_no_part_of_a_network_of_word_vectors_either(tasks_named: Callable[..., list[Task]]) -> None:
    section = JointLstm(name="joint_lstm", hidden=4, shared_head=True)
    network = build_network(section, tasks_named("a", "b"), {"shared": torch.randn(9, 4)})
    assert network.encoder_parts() == [network.lstm, network.embeddings]


def test_a_shared_output_layer_is_no_layer_of_the_encoder(encoder: Callable[..., Network]) -> None:
    TrainingFreezing(Freeze(lowest=3), encoder(shared_head=True))
    with pytest.raises(ConfigError, match="the network has 3 layers"):
        TrainingFreezing(Freeze(lowest=4), encoder(shared_head=True))


@pytest.mark.parametrize("updates", [{"updates": "single_task"}, {"updates": "aggregate", "objective": {"name": "upgrad"}}])
def test_a_task_of_which_nothing_moves_yet_waits(trained: Trained, updates: Mapping[str, object]) -> None:
    assert "heads.a" not in trained(freeze={"thaw_every": 1, "heads": ["a"]}, epochs=1, **updates)
