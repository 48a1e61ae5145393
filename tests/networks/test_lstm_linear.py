"""What a user loses if these fail: a baseline that is not the one DLNC is compared with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtl_models.config.network import LstmLinear as Section
from mtl_models.config.text import TextOptions
from mtl_models.config.text import Vocabulary as VocabularySection
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import load_model, save_model
from mtl_models.networks.lstm_linear import LstmLinear
from mtl_models.networks.model import Model
from mtl_models.networks.network import Network, evaluating
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

from batches import batch_of

TASKS = (Task("tweets", "single_label", ("bad", "good")), Task("type", "single_label", ("a", "b", "c")))
HIDDEN = 4


def _network(**options: object) -> Network:
    torch.manual_seed(5)
    section = Section.model_validate({"name": "lstm_linear", "hidden": HIDDEN, **options})
    return build_network(section, TASKS, {"shared": torch.randn(11, 3)})


@given(st.lists(st.lists(st.integers(1, 10), min_size=1, max_size=6), min_size=1, max_size=5), st.integers(0, 3))
@settings(deadline=None, max_examples=30)
def test_equals_a_slow_obvious_reference_whatever_the_padding(texts: list[list[int]], extra: int) -> None:
    network = _network().double().eval()
    every = list(range(len(texts)))
    logits = network(batch_of(texts, {task.name: every for task in TASKS}, extra)).logits
    weights = network.state_dict()
    for row, text in enumerate(texts):
        for task in TASKS:
            expected = weights[f"heads.{task.name}.weight"] @ _last(weights, text) + weights[f"heads.{task.name}.bias"]
            torch.testing.assert_close(logits[task.name][row], expected, atol=1e-12, rtol=0)


def _last(w: dict[str, Tensor], text: list[int]) -> Tensor:
    h = c = torch.zeros(HIDDEN, dtype=torch.float64)
    cell = "lstm.ahead.0"
    for token in text:
        x = w["embeddings.tables.shared.weight"][token]
        z = w[f"{cell}.weight_ih_l0"] @ x + w[f"{cell}.bias_ih_l0"] + w[f"{cell}.weight_hh_l0"] @ h + w[f"{cell}.bias_hh_l0"]
        i, f, g, o = z.chunk(4)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    return h


@pytest.mark.parametrize("present", [{"tweets"}, {"type"}, {"tweets", "type"}])
def test_the_tasks_of_a_batch_learn_and_the_absent_do_not(present: set[str]) -> None:
    network = _network(dropout=0.0)
    assert isinstance(network, LstmLinear)
    logits = network(batch_of([[1, 2, 3]], {task: [0] for task in sorted(present)})).logits
    torch.stack([kind_of(task).loss(logits[task.name], torch.tensor([1])) for task in TASKS if task.name in present]).sum().backward()
    for name, parameter in network.named_parameters():
        learns = not name.startswith("heads") or name.split(".")[1] in present
        assert learns == (parameter.grad is not None and bool(parameter.grad.ne(0).any())), name


def test_dropout_acts_in_training_only() -> None:
    network, batch = _network(dropout=0.5), batch_of([[1, 2]], {"tweets": [0]})
    assert not network(batch).logits["tweets"].equal(network(batch).logits["tweets"])
    with evaluating(network):
        assert network(batch).logits["tweets"].equal(network(batch).logits["tweets"])


def test_a_saved_model_answers_the_same_bits(tmp_path: Path) -> None:
    words = build_vocabulary({"tweets": ["a bad good film"]}, {"tweets": TextOptions()}, VocabularySection(min_count=1))
    section = Section(name="lstm_linear", hidden=HIDDEN)
    model = Model(build_network(section, TASKS, {"shared": torch.randn(words.size, 6)}).eval(), TASKS, {"shared": words}, section, 12)
    save_model(model, tmp_path / "model")
    before, after = model.probabilities(["a good film", ""]), load_model(tmp_path / "model").probabilities(["a good film", ""])
    assert all((before[task] == after[task]).all() for task in before)


NEEDS_GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]


@pytest.mark.parametrize("device", ["meta", pytest.param("cuda", marks=NEEDS_GPU)])
def test_the_whole_network_moves_to_a_device(device: str) -> None:
    network = _network().to(device)
    assert all(tensor.device.type == device for tensor in network.state_dict().values())
    assert network(batch_of([[1, 2]], {"type": [0]}).to(network.device)).logits["type"].device.type == device
