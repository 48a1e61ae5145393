"""What a user loses if these fail: a text's answer would depend on its neighbours, or a task would not learn at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mtl_models.config import network as config
from mtl_models.config.text import TextOptions
from mtl_models.config.text import Vocabulary as VocabularySection
from mtl_models.errors import ConfigError
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import save_model
from mtl_models.networks.joint import Joint
from mtl_models.networks.model import Model
from mtl_models.networks.network import Batch, Network, evaluating
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

from batches import SIZES, THREE_TASKS, check_each_text_stands_alone, mixed_batch, mixed_texts, stirred

POOLED = {"pooling": ("last", "max", "mean")}
ATTENTIVE = {"attention": {"hops": 3, "hidden": 4, "fc": 8}}
TRANSFORMED = {"transformer": {"heads": 3, "feedforward": 5}}
NETWORKS: dict[str, dict[str, object]] = {
    "joint_lstm": POOLED,
    "joint_lstm_attention": ATTENTIVE,
    "joint_transformer_lstm": {**TRANSFORMED, **POOLED},
    "joint_transformer_lstm_attention": {**TRANSFORMED, **ATTENTIVE},
}
NGRAMS = {"max_n": 3, "buckets": 64, "dimension": 5}
every_network = pytest.mark.parametrize("name", NETWORKS)
attentive_networks = pytest.mark.parametrize("name", [name for name in NETWORKS if name.endswith("_attention")])


def _section(name: str, **options: object) -> config.Network:
    return TypeAdapter(config.Network).validate_python({"name": name, "hidden": 4, **NETWORKS[name], **options})


def _network(name: str = "joint_lstm", tasks: tuple[Task, ...] = THREE_TASKS, **options: object) -> Network:
    torch.manual_seed(5)
    return stirred(build_network(_section(name, **options), tasks, {group: torch.randn(size, 6) for group, size in SIZES.items()}))


@given(mixed_texts(), st.integers(0, 4), st.integers(1, 2), st.booleans(), st.sampled_from([None, NGRAMS]))
@settings(deadline=None, max_examples=20)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@every_network
def test_a_text_alone_and_among_others_and_behind_padding(
    name: str,
    dtype: torch.dtype,
    tolerance: float,
    mixed: tuple[list[list[int]], list[str]],
    extra: int,
    layers: int,
    bidirectional: bool,
    ngrams: dict[str, int] | None,
) -> None:
    network = _network(name, layers=layers, bidirectional=bidirectional, ngrams=ngrams).to(dtype).eval()
    check_each_text_stands_alone(network, *mixed, extra, tolerance)


@given(st.sets(st.sampled_from(THREE_TASKS), min_size=1), st.booleans())
@settings(deadline=None, max_examples=20)
@every_network
def test_the_tasks_of_a_batch_learn_and_the_absent_do_not(name: str, present: set[Task], bidirectional: bool) -> None:
    network = _network(name, layers=2, bidirectional=bidirectional, dropout=0.0, ngrams={**NGRAMS, "dropout": 0.0})
    names = sorted(task.name for task in present)
    output = network(mixed_batch([[1, 2, 3]] * len(names), names))
    losses = [kind_of(task).loss(output.logits[task.name], torch.tensor([1])) for task in present]
    torch.stack(losses + ([] if output.penalty is None else [output.penalty])).sum().backward()
    for parameter_name, parameter in network.named_parameters():
        part, _, rest = parameter_name.partition(".")
        owners = {"heads": {task.name for task in present}, "embeddings": {task.vocabulary for task in present}}
        learns = part not in owners or rest.split(".")[0 if part == "heads" else 1] in owners[part]
        assert learns == (parameter.grad is not None and bool(parameter.grad.ne(0).any())), parameter_name


@every_network
def test_everything_a_task_owns_is_saved(name: str) -> None:
    names = set(_network(name).state_dict())
    assert {f"heads.{task.name}.weight" for task in THREE_TASKS} <= names
    assert {f"embeddings.tables.{group}.weight" for group in SIZES} <= names


def test_models_saved_before_the_other_networks_came_still_load() -> None:
    names = set(_network(tasks=THREE_TASKS[:1]).state_dict())
    cells = {f"lstm.{way}.0.{kind}_{part}_l0" for way in ("ahead", "back") for kind in ("weight", "bias") for part in ("ih", "hh")}
    assert names == {"embeddings.tables.shared.weight", "heads.tweets.weight", "heads.tweets.bias", *cells}


def test_a_fresh_process_computes_the_same_bits(tmp_path: Path) -> None:
    words = build_vocabulary({"tweets": ["a bad good film"]}, {"tweets": TextOptions()}, VocabularySection(min_count=1))
    batch = Batch(torch.tensor([[2, 3, 4], [5, 0, 0]]), torch.tensor([3, 1]), {task.name: torch.arange(2) for task in THREE_TASKS[:2]})
    here = {}
    for name in NETWORKS:
        section = _section(name, ngrams=NGRAMS)
        network = stirred(build_network(section, THREE_TASKS[:2], {"shared": torch.randn(words.size, 6)})).eval()
        save_model(Model(network, THREE_TASKS[:2], {"shared": words}, section, max_tokens=12), tmp_path / name)
        with torch.inference_mode():
            here[name] = {task: logits.numpy().tobytes().hex() for task, logits in network(batch).logits.items()}
    script = (
        "import json, sys, torch\nfrom pathlib import Path\n"
        "from mtl_models.networks.folder import load_model\nfrom mtl_models.networks.network import Batch\n"
        f"torch.set_num_threads({torch.get_num_threads()})\n"
        "batch = Batch(torch.tensor([[2, 3, 4], [5, 0, 0]]), torch.tensor([3, 1]), dict(tweets=torch.arange(2), type=torch.arange(2)))\n"
        "with torch.inference_mode():\n"
        "    found = {name: load_model(Path(sys.argv[1]) / name).network(batch).logits for name in sys.argv[2:]}\n"
        "print(json.dumps({name: {task: one.numpy().tobytes().hex() for task, one in logits.items()} for name, logits in found.items()}))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path), *NETWORKS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert json.loads(done.stdout) == here


@every_network
def test_frozen_embeddings_stay(name: str) -> None:
    network = _network(name, trainable_embeddings=False)
    network(mixed_batch([[1, 2]], ["tweets"])).logits["tweets"].sum().backward()
    assert all(parameter.grad is None for name, parameter in network.named_parameters() if name.startswith("embeddings"))


@every_network
def test_equal_seeds_give_equal_weights_and_only_the_vocabularies_in_use(name: str) -> None:
    first, second = (_network(name, THREE_TASKS[:2], ngrams=NGRAMS).state_dict() for _ in range(2))
    assert all(first[weight].equal(second[weight]) for weight in first)
    assert "embeddings.tables.hi.weight" not in first


@every_network
def test_the_penalty_is_there_in_training_and_where_there_is_attention(name: str) -> None:
    network, batch = _network(name), mixed_batch([[1, 2], [3]], ["tweets", "hindi"])
    assert (network(batch).penalty is not None) == name.endswith("_attention")
    assert network.eval()(batch).penalty is None


@attentive_networks
def test_the_penalty_is_weighted_and_can_be_left_out(name: str) -> None:
    def penalty(**options: object) -> float | None:
        network = _network(name, dropout=0.0, attention={"hops": 3, "hidden": 4, "fc": 8, **options})
        found = network(mixed_batch([[1, 2]], ["tweets"])).penalty
        return None if found is None else found.item()

    once, squared = penalty(penalty=1.0, squared=False), penalty(penalty=1.0)
    assert once is not None
    assert squared == pytest.approx(once**2, rel=1e-5)
    assert penalty(penalty=0.5) == pytest.approx(squared / 2, rel=1e-5)
    assert penalty(penalty=0.0) is None


@attentive_networks
def test_without_an_activation_the_fully_connected_layer_is_as_the_original_has_it(name: str) -> None:
    batch = mixed_batch([[1, 2, 3], [4, 5]], ["tweets", "tweets"])
    plain = _network(name, dropout=0.0, attention={**ATTENTIVE["attention"], "activation": "none"})
    usual = _network(name, dropout=0.0)
    assert isinstance(plain, Joint)
    assert isinstance(usual, Joint)
    features = plain.encode(batch)[0]
    assert features.lt(0).any()
    torch.testing.assert_close(usual.encode(batch)[0], features.clamp(min=0))


@given(st.lists(st.tuples(st.integers(1, 140), st.sampled_from([task.name for task in THREE_TASKS])), min_size=2, max_size=7))
@settings(deadline=None, max_examples=12)
@every_network
def test_texts_of_very_different_lengths_go_through_in_groups_to_the_same_end(name: str, texts: list[tuple[int, str]]) -> None:
    network = _network(name, dropout=0.0, ngrams={**NGRAMS, "dropout": 0.0}).double()
    assert isinstance(network, Joint)
    batch = mixed_batch([[1 + (place * place) % 6 for place in range(length)] for length, _ in texts], [task for _, task in texts])
    gradients = []
    for features, penalty in (network.encode(batch), network.encode_together(batch)):
        network.zero_grad()
        (features.square().sum() + (0.0 if penalty is None else penalty)).backward()
        gradients.append([parameter.grad for parameter in network.parameters() if parameter.grad is not None])
    for grouped, together in zip(*gradients, strict=True):
        torch.testing.assert_close(grouped, together, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(network.encode(batch), network.encode_together(batch), atol=1e-10, rtol=0)


def test_a_part_of_a_batch_holds_the_chosen_texts_and_what_the_tasks_want_of_them() -> None:
    batch = mixed_batch([[1, 2, 3], [4], [5, 6]], ["tweets", "hindi", "tweets"])
    labelled = Batch(batch.ids, batch.lengths, batch.rows, {"tweets": torch.tensor([1, 0]), "hindi": torch.tensor([1])})
    part = labelled.part(torch.tensor([2, 1]))
    assert part.ids.tolist() == [[5, 6], [4, 0]]
    assert part.lengths.tolist() == [2, 1]
    assert {task: rows.tolist() for task, rows in part.rows.items()} == {"tweets": [0], "hindi": [1]}
    assert {task: labels.tolist() for task, labels in part.labels.items()} == {"tweets": [0], "hindi": [1]}
    assert set(labelled.part(torch.tensor([0])).rows) == {"tweets"}


def test_equal_ids_of_two_languages_are_not_one_ngram() -> None:
    network = _network(ngrams=NGRAMS)
    assert isinstance(network, Joint)
    bags = [network.eval().encode(mixed_batch([[1, 2]], [task]))[0][0, -5:] for task in ("tweets", "type", "hindi")]
    assert bags[0].equal(bags[1])
    assert not bags[0].allclose(bags[2])


def test_heads_that_do_not_divide_the_word_vectors_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"network\.transformer\.heads: 4 heads .* word vectors of 6 numbers"):
        _network("joint_transformer_lstm", transformer={"heads": 4})


@every_network
def test_settings_that_leave_the_weights_alone_tell_trainings_apart(name: str) -> None:
    """A checkpoint is for the network it says it is for, and the network is known by how it prints."""
    variants: list[dict[str, object]] = [{"dropout": 0.1}, {"ngrams": NGRAMS}, {"ngrams": {**NGRAMS, "max_n": 1}}]
    if "transformer" in name:
        variants.append({"transformer": {"heads": 2, "feedforward": 5}})
    if name.endswith("_attention"):
        variants += [{"attention": {**ATTENTIVE["attention"], **changed}} for changed in ({"penalty": 1.0}, {"squared": False})]
        variants.append({"attention": {**ATTENTIVE["attention"], "activation": "none"}})
    printed = [repr(_network(name, **variant)) for variant in [{}, *variants]]
    assert len(set(printed)) == len(printed)


NEEDS_GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]


@pytest.mark.parametrize("device", ["meta", pytest.param("cuda", marks=NEEDS_GPU)])
@every_network
def test_the_whole_network_moves_to_a_device(name: str, device: str) -> None:
    network = _network(name, ngrams=NGRAMS).to(device)
    assert all(tensor.device.type == device for tensor in network.state_dict().values())
    output = network(mixed_batch([[1, 2], [3]], ["tweets", "hindi"]).to(network.device))
    assert {task: (tuple(rows.shape), rows.device.type) for task, rows in output.logits.items()} == {
        "tweets": ((1, 2), device),
        "hindi": ((1, 2), device),
    }
    assert output.penalty is None or output.penalty.device.type == device


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@every_network
def test_a_gpu_computes_what_the_cpu_does(name: str) -> None:
    network = _network(name, layers=2, dropout=0.0, ngrams={**NGRAMS, "dropout": 0.0}).double()
    batch = mixed_batch([[1, 2, 3], [4, 5]], ["tweets", "hindi"])
    here = network(batch)
    there = network.to("cuda")(batch.to(torch.device("cuda")))
    for task, logits in here.logits.items():
        torch.testing.assert_close(there.logits[task].cpu(), logits, atol=1e-10, rtol=0)
    with torch.autocast("cuda", torch.bfloat16):
        mixed = network.float()(batch.to(torch.device("cuda")))
    for task, logits in here.logits.items():
        torch.testing.assert_close(mixed.logits[task].cpu().double(), logits, atol=0.05, rtol=0)


@every_network
def test_evaluating_drops_nothing_and_puts_every_module_back(name: str) -> None:
    network = _network(name, ngrams=NGRAMS).train()
    network.lstm.eval()
    batch = mixed_batch([[1, 2, 3]], ["tweets"])
    with evaluating(network):
        first, second = network(batch).logits["tweets"], network(batch).logits["tweets"]
        assert first.equal(second)
        assert not first.requires_grad
    assert network.training
    assert not network.lstm.training
    assert not network(batch).logits["tweets"].equal(network(batch).logits["tweets"])
