"""Gradients summed over the processes of a training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from mtl_models.networks.network import Network
from mtl_models.training.distributed import Workers
from mtl_models.training.gradients import Gradients, tables_of

__all__ = ["GradientSum"]


class GradientSum:
    """Sums over `workers`, in two messages: which gradients, and which rows of tables of words, anyone has; and then the numbers.

    Every process may have gradients on other parameters than the others, or none: they all send the same.
    """

    def __init__(self, network: Network, workers: Workers) -> None:
        self._tables = tables_of(network)
        self._workers = workers

    def add_up(self, parameters: Iterable[nn.Parameter]) -> None:
        """Sum the `.grad` of `parameters`."""
        if self._workers.count > 1:
            moving = [parameter for parameter in parameters if parameter.requires_grad]
            for parameter, gradient in zip(moving, self.of(moving, [parameter.grad for parameter in moving]), strict=True):
                parameter.grad = gradient

    def of(self, parameters: Sequence[nn.Parameter], gradients: Gradients) -> Gradients:
        """The sums of `gradients`, one for each of `parameters`; None where no process has one."""
        if self._workers.count == 1 or not parameters:
            return gradients
        marks = [self._marks(parameter, gradient) for parameter, gradient in zip(parameters, gradients, strict=True)]
        together = torch.cat(marks)
        self._workers.any_of(together)
        found = torch.split(together, [len(mark) for mark in marks])
        sent = [self._sent(*one) for one in zip(parameters, gradients, found, strict=True)]
        numbers = torch.cat([part.flatten() for part in sent])
        self._workers.add_up(numbers)
        sums = torch.split(numbers, [part.numel() for part in sent])
        return [self._received(*one) for one in zip(parameters, found, sums, strict=True)]

    def _marks(self, parameter: nn.Parameter, gradient: Tensor | None) -> Tensor:
        """Whether there is a gradient; of a table then also which rows of it are not zero."""
        rows = len(parameter) if id(parameter) in self._tables else 0
        marks = torch.zeros(1 + rows, dtype=torch.uint8, device=parameter.device)
        if gradient is not None:
            marks[0] = 1
            if rows:
                marks[1:] = gradient.flatten(1).ne(0).any(1)
        return marks

    def _sent(self, parameter: nn.Parameter, gradient: Tensor | None, marks: Tensor) -> Tensor:
        if not marks[0]:
            return parameter.new_zeros(0)
        whole = torch.zeros_like(parameter) if gradient is None else gradient
        return whole[marks[1:].bool()] if id(parameter) in self._tables else whole

    def _received(self, parameter: nn.Parameter, marks: Tensor, numbers: Tensor) -> Tensor | None:
        if not marks[0]:
            return None
        if id(parameter) not in self._tables:
            return numbers.view_as(parameter).clone()
        whole = torch.zeros_like(parameter)
        whole[marks[1:].bool()] = numbers.view(-1, *parameter.shape[1:])
        return whole
