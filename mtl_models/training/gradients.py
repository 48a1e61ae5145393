"""The tasks' gradients on the parameters they share, side by side: their inner products, and one combination of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mtl_models.networks.network import Network

__all__ = ["Gradients", "SharedGradients", "gradients_of", "tables_of"]

Gradients = list[Tensor | None]


@dataclass(frozen=True)
class _Rows:
    """The rows of a table's gradient that are not zero: those of the words in the batch, few of many."""

    places: Tensor
    values: Tensor


def gradients_of(loss: Tensor, parameters: Sequence[nn.Parameter]) -> Gradients:
    """The gradient of `loss` on each of `parameters`, None where it does not depend on one; nothing is accumulated in `.grad`."""
    if not loss.requires_grad:  # rows of a task of which nothing moves
        return [None] * len(parameters)
    return list(torch.autograd.grad(loss, list(parameters), allow_unused=True)) if parameters else []


def tables_of(network: Network) -> frozenset[int]:
    """The ids of all parameters that are tables, of words or of n-grams: of their rows a gradient touches few."""
    tables = (module for module in network.modules() if isinstance(module, nn.Embedding | nn.EmbeddingBag))
    return frozenset(id(parameter) for table in tables for parameter in table.parameters(recurse=False))


class SharedGradients:
    """One gradient per task on `network.shared_parameters()`.

    Of the tables of words only the rows that a gradient touches are kept, so that T gradients do not take T times the tables.
    """

    def __init__(self, network: Network) -> None:
        self.parameters = network.shared_parameters()
        self._tables = tables_of(network)
        self._found: list[list[Tensor | _Rows | None]] = []

    def append(self, gradients: Gradients) -> None:
        """The next task's gradients, one for each of `parameters`."""
        pairs = zip(self.parameters, gradients, strict=True)
        self._found.append([self._kept(parameter, gradient) for parameter, gradient in pairs])

    def gramian(self) -> Tensor:
        """Inner products (T, T) in float64, on the device."""
        tasks = len(self._found)
        total = torch.zeros(tasks, tasks, dtype=torch.float64, device=self.parameters[0].device if self.parameters else None)
        for place in range(len(self.parameters)):
            matrix = self._matrix(place)[0]
            total += (matrix @ matrix.T).double()
        return total

    def accumulate(self, weights: Tensor) -> None:
        """Add sum_t w_t g_t to the `.grad` of every shared parameter that some task has a gradient on; `weights` (T,)."""
        for place, parameter in enumerate(self.parameters):
            matrix, rows = self._matrix(place)
            if matrix.shape[1] == 0:
                continue
            combined = weights.to(matrix) @ matrix
            if rows is not None:
                whole = torch.zeros_like(parameter)
                whole[rows] = combined.view(len(rows), *parameter.shape[1:])
                combined = whole
            combined = combined.view_as(parameter)
            parameter.grad = combined if parameter.grad is None else parameter.grad + combined

    def _kept(self, parameter: nn.Parameter, gradient: Tensor | None) -> Tensor | _Rows | None:
        if gradient is None or id(parameter) not in self._tables:
            return gradient
        places = gradient.flatten(1).ne(0).any(1).nonzero().squeeze(1)
        return _Rows(places, gradient[places])

    def _matrix(self, place: int) -> tuple[Tensor, Tensor | None]:
        """The tasks' gradients on one parameter as rows, (T, n), and for a table which of its rows they are about."""
        parameter, found = self.parameters[place], [gradients[place] for gradients in self._found]
        touched = [gradient.places for gradient in found if isinstance(gradient, _Rows)]
        if touched:
            rows = torch.unique(torch.cat(touched))
            return torch.stack([_spread(gradient, rows, parameter) for gradient in found]), rows
        if all(gradient is None for gradient in found):
            return parameter.new_zeros(len(found), 0), None
        return torch.stack([_flat(gradient, parameter) for gradient in found]), None


def _spread(gradient: Tensor | _Rows | None, rows: Tensor, parameter: nn.Parameter) -> Tensor:
    spread = parameter.new_zeros(len(rows), *parameter.shape[1:])
    if isinstance(gradient, _Rows):
        spread[torch.searchsorted(rows, gradient.places)] = gradient.values
    return spread.flatten()


def _flat(gradient: Tensor | _Rows | None, parameter: nn.Parameter) -> Tensor:
    return gradient.flatten() if isinstance(gradient, Tensor) else torch.zeros_like(parameter).flatten()
