"""The layer norms of one task in a DLN-LSTM cell, and those of several tasks side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtl_models.layers.dln.steps import Norms

__all__ = ["DomainNorms", "stacked_norms"]


class DomainNorms(nn.Module):
    """Gain and shift of W_x x and of W_h h (4H each, normalised jointly over the four gates) and of the cell state (H): 18H numbers.

    Gains start at 1, shifts at 0. A cell without an input has none for W_x x.
    """

    def __init__(self, hidden: int, has_input: bool = True) -> None:
        super().__init__()
        self.gain_x = nn.Parameter(torch.ones(4 * hidden)) if has_input else None
        self.shift_x = nn.Parameter(torch.zeros(4 * hidden)) if has_input else None
        self.gain_h = nn.Parameter(torch.ones(4 * hidden))
        self.shift_h = nn.Parameter(torch.zeros(4 * hidden))
        self.gain_c = nn.Parameter(torch.ones(hidden))
        self.shift_c = nn.Parameter(torch.zeros(hidden))

    def start_at_mean(self, others: Sequence[DomainNorms]) -> None:
        """Take the mean of the norms of other tasks, as a new task on a trained model does."""
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.copy_(torch.stack([other.get_parameter(name) for other in others]).mean(0))


def stacked_norms(tasks: Sequence[DomainNorms]) -> Norms:
    """The norms of the tasks, one row each; gradients go to these tasks alone. Without an input `gain_x` is empty."""

    def rows(name: str) -> Tensor:
        return torch.stack([task.get_parameter(name) for task in tasks])

    gain_h = rows("gain_h")
    if tasks[0].gain_x is None:
        return Norms(gain_h.new_empty(len(tasks), 0), gain_h, rows("shift_h"), rows("gain_c"), rows("shift_c"))
    # Added task by task: the gradients of two stacked rows would share their memory, and be clipped twice.
    shift = torch.stack([task.get_parameter("shift_x") + task.get_parameter("shift_h") for task in tasks])
    return Norms(rows("gain_x"), gain_h, shift, rows("gain_c"), rows("shift_c"))
