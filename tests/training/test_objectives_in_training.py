"""What a user loses if these fail: an objective, sampler or kind of update that can be configured and then does not train."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from mtl_models.config.training import Training
from mtl_models.networks.network import Network
from mtl_models.tasks.kind import kind_of
from mtl_models.training.batches import by_task, collate
from mtl_models.training.devices import accelerator_for
from mtl_models.training.fit import fit
from mtl_models.training.learner import Learner
from mtl_models.training.objectives.build import build_objective
from mtl_models.training.optimizers import build_optimizers

ROWS = {"a": 90, "b": 30, "c": 45}
LEARNS = {"epochs": 3, "batch_size": 15, "learning_rate": 0.03, "device": "cpu", "patience": None, "warmup": 0.0}
AGGREGATE = {"updates": "aggregate", "sampler": {"name": "uniform"}}
GIVEN = {"name": "given", "probabilities": {"a": 1, "b": 1, "c": 2}}
WAYS: list[dict[str, Any]] = [
    {"objective": {"name": "uncertainty"}},
    {"objective": {"name": "dynamic_average"}},
    {"objective": {"name": "fixed", "weights": {"a": 0.5}}, "sampler": GIVEN},
    {"sampler": {"name": "temperature", "draws": "random"}},
    {"sampler": {"name": "annealed"}, "updates": "single_task"},
    {"sampler": {"name": "sequential"}, "updates": "single_task", "successive_regularisation": 0.01},
    {"sampler": {"name": "round_robin"}, "updates": "single_task", "learning_state": "per_task"},
    AGGREGATE,
    *(AGGREGATE | {"objective": {"name": name}} for name in ("uncertainty", "upgrad", "pcgrad", "mgda", "cagrad", "nash_mtl")),
]


def named(options: dict[str, Any]) -> str:
    return "-".join(
        value["name"] if isinstance(value, dict) else str(value) for key, value in options.items() if key != "successive_regularisation"
    )


def learner_of(network: Network, training: Training, tasks: list, accelerator: Any) -> Learner:
    names = [task.name for task in tasks]
    objective = build_objective(training.objective, names)
    optimizers = build_optimizers(network, training, names, objective.parameters())
    return Learner(network, {task.name: kind_of(task) for task in tasks}, training, objective, optimizers, accelerator)


@pytest.mark.parametrize("options", WAYS, ids=named)
def test_every_way_learns_jointly_and_alone_with_its_account(
    options: dict[str, Any],
    tasks_named: Callable[..., list],
    made_corpora: Callable[..., dict],
    made_network: Callable[..., Network],
) -> None:
    """The joint model and a twin, with the same settings."""
    corpora, training = made_corpora(ROWS), Training(**(LEARNS | options))
    for names in (list(ROWS), ["b"]):
        tasks = tasks_named(*names)
        history = fit(made_network(tasks), tasks, corpora, training, 1)
        first, last = history.epochs[0], history.epochs[-1]
        assert set(last.weights) == set(last.train_loss) == set(names)
        assert all(last.train_loss[task] < first.train_loss[task] for task in names)
        assert last.conflicts == {}, "not asked for"
        if len(names) == 1 and options.get("objective", {}).get("name") != "uncertainty":
            assert last.weights == {"b": 1.0}


@pytest.mark.parametrize("name", ["upgrad", "fixed"])
def test_aggregated_gradients_are_the_mean_over_tasks_where_tasks_agree(
    name: str, tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    """Two tasks with the same rows and the same head have one gradient, of which UPGrad and plain weights make the same mean."""
    tasks, split = tasks_named("a", "b"), made_corpora({"a": 40})["a"].splits["train"]
    network = made_network(tasks).eval()
    network.heads["b"].load_state_dict(network.heads["a"].state_dict())
    training = Training(**(LEARNS | AGGREGATE | {"objective": {"name": name}, "clip": None}))
    seen: dict[str, torch.Tensor] = {}
    with accelerator_for(training) as accelerator:
        learner = learner_of(network, training, tasks, accelerator)
        learner.optimizers["a"].register_step_pre_hook(
            lambda *_: seen.update({key: parameter.grad.clone() for key, parameter in network.named_parameters()})
        )
        batch = collate({"a": split, "b": split}, {"a": torch.arange(8).numpy(), "b": torch.arange(8).numpy()})
        learner.update(batch)
        fresh = made_network(tasks).eval()
        fresh.heads["b"].load_state_dict(fresh.heads["a"].state_dict())
        part = by_task(batch)["a"]
        kind_of(tasks[0]).loss(fresh(part).logits["a"], part.labels["a"]).backward()
    shared = {id(parameter) for parameter in fresh.shared_parameters()}
    for key, parameter in fresh.named_parameters():
        if id(parameter) in shared:
            assert torch.allclose(seen[key], parameter.grad, rtol=1e-4, atol=1e-6), key


@pytest.mark.parametrize("name", ["upgrad", "pcgrad", "mgda"])
def test_a_gradient_method_leaves_every_task_its_own_gradient(
    name: str, tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    """Heads get the plain gradient of their task's loss, whatever becomes of the shared ones."""
    tasks, corpora = tasks_named(*ROWS), made_corpora(ROWS)
    training = Training(**(LEARNS | AGGREGATE | {"objective": {"name": name}, "clip": None}))
    network, splits = made_network(tasks).eval(), {task: corpus.splits["train"] for task, corpus in corpora.items()}
    batch = collate(splits, {task: torch.arange(6).numpy() for task in splits})
    expected = {}
    for task, part in by_task(batch).items():
        head = list(network.heads[task].parameters())
        loss = kind_of(tasks[0]).loss(network(part).logits[task], part.labels[task])
        expected[task] = torch.autograd.grad(loss, head)
    seen: dict[str, list] = {}
    with accelerator_for(training) as accelerator:
        learner = learner_of(network, training, tasks, accelerator)
        learner.optimizers["a"].register_step_pre_hook(
            lambda *_: seen.update({task: [parameter.grad.clone() for parameter in network.heads[task].parameters()] for task in splits})
        )
        learner.update(batch)
    for task, gradients in expected.items():
        assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(seen[task], gradients, strict=True))


def test_a_batch_without_any_label_of_one_task_is_no_trouble(
    tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    corpora = made_corpora({"a": 40, "b": 40})
    corpora["b"].splits["train"].labels[:] = -100
    for objective in ("upgrad", "nash_mtl", "uncertainty", "fixed"):
        tasks = tasks_named("a", "b")
        training = Training(**(LEARNS | AGGREGATE | {"objective": {"name": objective}, "conflicts_every": 1}))
        history = fit(made_network(tasks), tasks, corpora, training, 1)
        assert history.epochs[-1].train_loss["b"] == 0.0
        assert history.epochs[-1].train_loss["a"] < history.epochs[0].train_loss["a"]
        assert history.epochs[-1].conflicts == {}, "a gradient of zero has no direction"


@pytest.mark.parametrize("objective", ["upgrad", "fixed"])
def test_tasks_whose_shared_weights_are_frozen_still_learn_their_heads(
    objective: str, tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    """Two new tasks on a trained model of which nothing else may move: there is nothing to combine, and nothing to measure."""
    tasks, corpora = tasks_named("a", "b"), made_corpora({"a": 40, "b": 40})
    network = made_network(tasks)
    for parameter in network.shared_parameters():
        parameter.requires_grad_(False)
    training = Training(**(LEARNS | AGGREGATE | {"objective": {"name": objective}, "conflicts_every": 1}))
    history = fit(network, tasks, corpora, training, 1)
    assert history.epochs[-1].conflicts == {}
    assert all(history.epochs[-1].train_loss[task] < history.epochs[0].train_loss[task] for task in ("a", "b"))


def test_the_objective_s_own_numbers_are_learned_without_decay(
    tasks_named: Callable[..., list], made_network: Callable[..., Network]
) -> None:
    tasks = tasks_named("a", "b")
    objective = build_objective(Training(objective={"name": "uncertainty"}).objective, ["a", "b"])
    (optimizer,) = set(build_optimizers(made_network(tasks), Training(weight_decay=0.5), ["a", "b"], objective.parameters()).values())
    (group,) = [group for group in optimizer.param_groups if any(p is objective.log_variances[0] for p in group["params"])]
    assert group["weight_decay"] == 0.0


def test_moments_per_task_are_of_that_task_s_gradients(tasks_named: Callable[..., list], made_network: Callable[..., Network]) -> None:
    """Against two Adams written side by side; with one state the second task's step would be another."""
    tasks = tasks_named("a", "b")
    network = made_network(tasks)
    training = Training(learning_state="per_task", updates="single_task", learning_rate=0.1, optimizer="adam", weight_decay=0.0)
    optimizers = build_optimizers(network, training, ["a", "b"])
    assert optimizers["a"] is not optimizers["b"]
    weight = next(parameter for parameter in network.parameters() if parameter.ndim == 2)
    start = weight.detach().clone()
    for task, gradient in (("a", 5.0), ("b", -1.0)):
        weight.grad = torch.full_like(weight, gradient)
        optimizers[task].step()
        network.zero_grad(set_to_none=True)
    assert torch.allclose(weight, start, atol=1e-6), "each task's first step is one learning rate long, in its own direction"
    assert len(optimizers["a"].state) == 1, "nothing is kept of parameters it never saw a gradient of"
    shared = build_optimizers(network, training.model_copy(update={"learning_state": "shared"}), ["a", "b"])
    assert shared["a"] is shared["b"]


def test_a_word_table_takes_part_with_the_words_of_the_batch_only(
    tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    """The inner products are those of the whole gradients, though only the rows that are not zero are kept."""
    tasks, corpora = tasks_named(*ROWS), made_corpora(ROWS)
    training, network = Training(**LEARNS), made_network(tasks).eval()
    splits = {task: corpus.splits["train"] for task, corpus in corpora.items()}
    batch = collate(splits, {task: torch.arange(5).numpy() for task in splits})
    with accelerator_for(training) as accelerator:
        names, gramian = learner_of(network, training, tasks, accelerator).gramian(batch)
    whole = []
    for task, part in by_task(batch).items():
        loss = kind_of(tasks[0]).loss(network(part).logits[task], part.labels[task])
        whole.append(torch.cat([found.flatten() for found in torch.autograd.grad(loss, network.shared_parameters())]))
    rows = torch.stack(whole).double()
    assert names == list(ROWS)
    assert any(isinstance(module, nn.Embedding) for module in network.modules())
    assert torch.allclose(gramian, rows @ rows.T, rtol=1e-4)
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.gpu
@pytest.mark.parametrize("options", WAYS, ids=named)
def test_every_way_on_a_gpu_gives_the_same_weights_twice_and_when_measured(
    options: dict[str, Any],
    tasks_named: Callable[..., list],
    made_corpora: Callable[..., dict],
    made_network: Callable[..., Network],
    digest: Callable[[Network], str],
) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    tasks, corpora, found = tasks_named(*ROWS), made_corpora(ROWS), set()
    for every in (None, None, 2):
        network = made_network(tasks)
        fit(network, tasks, corpora, Training(**(LEARNS | options | {"device": "cuda", "conflicts_every": every})), 1)
        found.add(digest(network))
    assert len(found) == 1
