"""What a user loses if these fail: a DLNC whose tasks disturb one another, or whose answers change with the batch or with saving."""

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
from torch import Tensor

from mtl_models.config import network as config
from mtl_models.config.text import TextOptions
from mtl_models.config.text import Vocabulary as VocabularySection
from mtl_models.networks.build import build_network
from mtl_models.networks.dlnc import Dlnc, DlncHead
from mtl_models.networks.folder import load_model, save_model
from mtl_models.networks.model import Model
from mtl_models.networks.network import Batch, evaluating
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

from batches import SIZES, THREE_TASKS, check_each_text_stands_alone, mixed_batch, mixed_texts

VARIANTS: dict[str, dict[str, object]] = {
    "as published": {"task_embedding": 6},
    "no task embedding": {"task_embedding": None},
    "separate cell": {"task_embedding": 6, "separate_classifier_cell": True},
    "separate cell, no task embedding": {"task_embedding": None, "separate_classifier_cell": True},
    "tanh": {"task_embedding": 6, "cell_activation": "tanh"},
}
every_variant = pytest.mark.parametrize("variant", VARIANTS)


def _section(variant: str, **options: object) -> config.Dlnc:
    section = TypeAdapter(config.Network).validate_python({"name": "dlnc", "hidden": 4, **VARIANTS[variant], **options})
    assert isinstance(section, config.Dlnc)
    return section


def _network(variant: str, tasks: tuple[Task, ...] = THREE_TASKS, **options: object) -> Dlnc:
    """With norms that differ from task to task, so that a mix-up shows."""
    torch.manual_seed(5)
    network = build_network(_section(variant, **options), tasks, {name: torch.randn(size, 3) for name, size in SIZES.items()})
    assert isinstance(network, Dlnc)
    for name, parameter in network.heads.named_parameters():
        if "_norms" in name:
            torch.nn.init.normal_(parameter, mean=1.0 if "gain" in name else 0.0, std=0.5)
    return network


@given(mixed_texts(), st.integers(0, 4))
@settings(deadline=None, max_examples=15)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@every_variant
def test_a_text_alone_and_among_others_and_behind_padding(
    variant: str, dtype: torch.dtype, tolerance: float, mixed: tuple[list[list[int]], list[str]], extra: int
) -> None:
    network = _network(variant).to(dtype).eval()
    check_each_text_stands_alone(network, *mixed, extra, tolerance)


@every_variant
def test_equals_a_slow_obvious_reference(variant: str) -> None:
    network = _network(variant).double().eval()
    texts = [[1, 2, 3, 4], [5], [6, 1]]
    logits = network(mixed_batch(texts, [task.name for task in THREE_TASKS])).logits
    for text, task in zip(texts, THREE_TASKS, strict=True):
        torch.testing.assert_close(logits[task.name][0], _reference(network, text, task), atol=1e-12, rtol=0)


def _reference(network: Dlnc, text: list[int], task: Task) -> Tensor:
    """The formulas, for one text."""
    w, own = dict(network.state_dict()), f"heads.{task.name}"
    tanh = network.encoder.activation == "tanh"
    h = c = torch.zeros(4, dtype=torch.float64)
    for token in text:
        x = w[f"embeddings.tables.{task.vocabulary}.weight"][token]
        h, c = _step(w, "encoder", f"{own}.encoder_norms", x, h, c, tanh)
    cell = f"{own}.cell" if f"{own}.cell.weight_h" in w else "classifier_cell"
    h, _ = _step(w, cell, f"{own}.classifier_norms", w.get(f"{own}.embedding"), h, c, tanh)
    return w[f"{own}.output.weight"] @ h + w[f"{own}.output.bias"]


def _step(w: dict[str, Tensor], cell: str, norms: str, x: Tensor | None, h: Tensor, c: Tensor, tanh: bool) -> tuple[Tensor, Tensor]:
    def norm(place: str, z: Tensor) -> Tensor:
        return (z - z.mean()) / (z.var(unbiased=False) + 1e-5).sqrt() * w[f"{norms}.gain_{place}"] + w[f"{norms}.shift_{place}"]

    z = norm("h", w[f"{cell}.weight_h"] @ h)
    if x is not None:
        z = z + norm("x", w[f"{cell}.weight_x"] @ x)
    f, i, o, g = z.chunk(4)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    state = norm("c", c)
    return o.sigmoid() * (state.tanh() if tanh else state), c


@pytest.mark.parametrize("seed", range(3))
def test_a_text_that_several_tasks_ask_for_is_read_for_each(seed: int) -> None:
    network = _network("as published").double().eval()
    ids = torch.randint(1, 11, (4, 5), generator=torch.Generator().manual_seed(seed))
    rows = {"type": torch.tensor([3, 0, 1]), "tweets": torch.tensor([1, 3])}
    logits = network(Batch(ids, torch.tensor([5, 2, 1, 4]), rows)).logits
    for task, index in rows.items():
        for place, row in enumerate(index.tolist()):
            alone = network(mixed_batch([ids[row, : [5, 2, 1, 4][row]].tolist()], [task])).logits[task][0]
            torch.testing.assert_close(logits[task][place], alone, atol=1e-12, rtol=0)


@given(st.sets(st.sampled_from(THREE_TASKS), min_size=1))
@settings(deadline=None, max_examples=15)
@every_variant
def test_the_tasks_of_a_batch_learn_and_the_absent_have_no_gradient_at_all(variant: str, present: set[Task]) -> None:
    network = _network(variant, dropout=0.0, logit_dropout=0.0, recurrent_dropout=0.0)
    names = sorted(task.name for task in present)
    logits = network(mixed_batch([[1, 2, 3]] * len(names), names)).logits
    torch.stack([kind_of(task).loss(logits[task.name], torch.tensor([1])) for task in present]).sum().backward()
    for name, parameter in network.named_parameters():
        part, _, rest = name.partition(".")
        owners = {"heads": {task.name for task in present}, "embeddings": {task.vocabulary for task in present}}
        learns = part not in owners or rest.split(".")[0 if part == "heads" else 1] in owners[part]
        assert learns == (parameter.grad is not None), name
        assert not learns or parameter.grad.ne(0).any(), name


@every_variant
def test_what_a_task_owns_is_its_head(variant: str) -> None:
    network = _network(variant)
    section = _section(variant)
    own = 18 * 4 + (10 if section.task_embedding is None else 18) * 4 + (section.task_embedding or 0) + 2 * 4 + 2
    if section.separate_classifier_cell:
        own += 16 * (4 + (section.task_embedding or 0))
    assert sum(parameter.numel() for parameter in network.heads["tweets"].parameters()) == own
    shared = {id(parameter) for parameter in network.shared_parameters()}
    expected = [network.embeddings.tables["shared"].weight, *network.encoder.parameters()]
    expected += list(network.classifier_cell.parameters()) if network.classifier_cell is not None else []
    assert shared == {id(parameter) for parameter in expected}


def test_a_fresh_process_computes_the_same_bits(tmp_path: Path) -> None:
    words = build_vocabulary({"tweets": ["a bad good film"]}, {"tweets": TextOptions()}, VocabularySection(min_count=1))
    batch = Batch(torch.tensor([[2, 3, 4], [5, 0, 0]]), torch.tensor([3, 1]), {task.name: torch.arange(2) for task in THREE_TASKS[:2]})
    here = {}
    for variant in VARIANTS:
        section = _section(variant, hidden=20)
        network = build_network(section, THREE_TASKS[:2], {"shared": torch.randn(words.size, 6)}).eval()
        save_model(Model(network, THREE_TASKS[:2], {"shared": words}, section, max_tokens=12), tmp_path / variant)
        with torch.inference_mode():
            here[variant] = {task: logits.numpy().tobytes().hex() for task, logits in network(batch).logits.items()}
        assert load_model(tmp_path / variant).config == section
    script = (
        "import json, sys, torch\nfrom pathlib import Path\n"
        "from mtl_models.networks.folder import load_model\nfrom mtl_models.networks.network import Batch\n"
        f"torch.set_num_threads({torch.get_num_threads()})\n"
        "rows = dict(tweets=torch.arange(2), type=torch.arange(2))\n"
        "batch = Batch(torch.tensor([[2, 3, 4], [5, 0, 0]]), torch.tensor([3, 1]), rows)\n"
        "with torch.inference_mode():\n"
        "    found = {folder.name: load_model(folder).network(batch).logits for folder in Path(sys.argv[1]).iterdir()}\n"
        "print(json.dumps({name: {task: one.numpy().tobytes().hex() for task, one in logits.items()} for name, logits in found.items()}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert json.loads(done.stdout) == here


def test_dropout_and_logit_dropout_act_in_training_only() -> None:
    quiet = {"dropout": 0.0, "logit_dropout": 0.0, "recurrent_dropout": 0.0}
    batch = mixed_batch([[1, 2, 3]] * 40, ["type"] * 40)
    for which in quiet:
        network = _network("as published", **{**quiet, which: 0.5})
        first, second = network(batch).logits["type"], network(batch).logits["type"]
        assert not first.equal(second), which
        assert (which == "logit_dropout") == bool(first.eq(0).any())
        with evaluating(network):
            assert network(batch).logits["type"].equal(network(batch).logits["type"])


@every_variant
def test_a_new_task_starts_like_the_others_and_leaves_them_alone(variant: str) -> None:
    network = _network(variant).eval()
    batch = mixed_batch([[1, 2, 3], [4]], ["tweets", "type"])
    before = network(batch).logits
    embedding = network.heads["hindi"].embedding
    drawn = None if embedding is None else embedding.detach().clone()
    network.start_like_others("hindi")
    new, others = network.heads["hindi"], [network.heads["tweets"], network.heads["type"]]
    assert isinstance(new, DlncHead)
    for part in ("encoder_norms", "classifier_norms"):
        for name, parameter in new.get_submodule(part).named_parameters():
            mean = torch.stack([other.get_submodule(part).get_parameter(name) for other in others]).mean(0)
            assert parameter.equal(mean), name
    assert drawn is None or drawn.equal(new.embedding)
    after = network(batch).logits
    assert all(before[task].equal(after[task]) for task in before)


def test_old_tasks_answer_the_same_bits_after_a_new_ones_training() -> None:
    network = _network("as published", trainable_embeddings=False)
    old = mixed_batch([[1, 2, 3], [4], [5, 6]], ["tweets", "type", "tweets"])
    with evaluating(network):
        before = network(old).logits
    optimizer = torch.optim.Adam(network.heads["hindi"].parameters(), lr=0.1)
    for _ in range(3):
        loss = kind_of(THREE_TASKS[2]).loss(network(mixed_batch([[1, 2], [3]], ["hindi", "hindi"])).logits["hindi"], torch.tensor([0, 1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with evaluating(network):
        after = network(old).logits
    assert all(before[task].equal(after[task]) for task in before)


def test_a_batch_that_asks_for_nothing_gets_nothing() -> None:
    assert _network("as published")(Batch(torch.ones(2, 3, dtype=torch.int64), torch.tensor([3, 1]), {})).logits == {}


NEEDS_GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]


@pytest.mark.parametrize("device", ["meta", pytest.param("cuda", marks=NEEDS_GPU)])
@every_variant
def test_the_whole_network_moves_to_a_device(variant: str, device: str) -> None:
    network = _network(variant).to(device)
    assert all(tensor.device.type == device for tensor in network.state_dict().values())
    if device == "cuda":
        logits = network(mixed_batch([[1, 2], [3]], ["tweets", "hindi"]).to(network.device)).logits
        assert {task: (tuple(rows.shape), rows.device.type) for task, rows in logits.items()} == {
            "tweets": ((1, 2), device),
            "hindi": ((1, 2), device),
        }
