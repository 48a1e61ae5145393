"""What a user loses if these fail: tasks that forget what came before, though the experiment says that they are held."""

from __future__ import annotations

from collections.abc import Callable

import torch

from mtl_models.networks.network import Network
from mtl_models.training.regularisation import SuccessiveRegularisation


def test_the_pull_is_the_gradient_of_the_published_term(tasks_named: Callable[..., list], made_network: Callable[..., Network]) -> None:
    """delta ||theta - theta'||^2 over the shared parameters, by autograd."""
    network = made_network(tasks_named("a", "b"))
    held, shared = SuccessiveRegularisation(network, 0.3), network.shared_parameters()
    start = [parameter.detach().clone() for parameter in shared]
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    held.pull("a")
    assert all((parameter.grad == 1).all() for parameter in network.parameters()), "nothing pulls as a pass begins"
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += torch.randn_like(parameter)
            parameter.grad.zero_()
    held.pull("a")
    term = 0.3 * sum(((parameter - before) ** 2).sum() for parameter, before in zip(shared, start, strict=True))
    expected = torch.autograd.grad(term, shared)
    assert all(torch.allclose(parameter.grad, gradient, atol=1e-6) for parameter, gradient in zip(shared, expected, strict=True))
    assert all((parameter.grad == 0).all() for parameter in network.heads.parameters()), "what a task owns is free"


def test_every_pass_has_its_own_beginning(tasks_named: Callable[..., list], made_network: Callable[..., Network]) -> None:
    network = made_network(tasks_named("a", "b"))
    held, weight = SuccessiveRegularisation(network, 0.5), network.shared_parameters()[0]

    def pull_after_a_step(task: str) -> float:
        weight.grad = torch.zeros_like(weight)
        with torch.no_grad():
            weight.add_(1.0)
        held.pull(task)
        return float(weight.grad.mean())

    assert [round(pull_after_a_step(task), 4) for task in ("a", "a", "a", "b", "b", "a")] == [0.0, 1.0, 2.0, 0.0, 1.0, 0.0]
    held.begin_epoch()
    assert round(pull_after_a_step("a"), 4) == 0.0, "an epoch begins a pass, or one taken up again would be another"


def test_a_twin_is_not_held(tasks_named: Callable[..., list], made_network: Callable[..., Network]) -> None:
    network = made_network(tasks_named("a"))
    held = SuccessiveRegularisation(network, 0.5)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    held.pull("a")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    held.pull("a")
    assert all((parameter.grad == 0).all() for parameter in network.parameters())
