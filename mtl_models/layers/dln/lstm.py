"""DLN-LSTM (Ghasemi): an LSTM whose weights are shared by all tasks and whose layer norms belong to each task alone."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name it has everywhere

from mtl_models.layers.dln.kernel import recur
from mtl_models.layers.dln.schedule import Schedule
from mtl_models.layers.dln.steps import EPSILON, Norms

__all__ = ["DlnCell", "DlnLstm"]

Activation = Literal["none", "tanh"]


class DlnLstm(nn.Module):
    """A DLN-LSTM over padded texts, in one direction, that padding does not touch.

    z_s = LN_x(W_x x_s) + LN_h(W_h h_{s-1}), split f, i, o, g;  c_s = sigma(f) c_{s-1} + sigma(i) tanh(g);  h_s = sigma(o) LN_c(c_s),
    from h_0 = c_0 = 0. In training what is fed back is dropped with `recurrent_dropout`, by one mask per text. W_x and W_h have no
    biases and are drawn as `nn.LSTM` draws its own.
    """

    def __init__(self, inputs: int, hidden: int, activation: Activation = "none", recurrent_dropout: float = 0.0) -> None:
        super().__init__()
        self.activation: Activation = activation
        self.recurrent_dropout = recurrent_dropout
        self.weight_x = _weight(4 * hidden, inputs, hidden)
        self.weight_h = _weight(4 * hidden, hidden, hidden)

    def forward(self, x: Tensor, lengths: Tensor, norms: Norms, owner: Tensor) -> tuple[Tensor, Tensor]:
        """Last state h and last cell state c, each (B, H), of every text.

        `x` (B, n, E); `lengths` (B,) int64, at least 1, on the CPU; `norms` of T tasks; `owner` (B,) int64 the norms of every text.
        """
        schedule = Schedule.of(lengths, x.shape[1], x.device)
        packed = x.flatten(0, 1).index_select(0, schedule.source)
        sorted_owner = owner[schedule.order]
        # The products may come in half precision; the recurrence itself, whose errors add up, runs in that of the weights.
        products = F.linear(packed, self.weight_x).to(self.weight_h.dtype)
        mask = self._mask(len(owner))
        cell, out = recur(products, self.weight_h, norms, sorted_owner, mask, schedule, self.activation == "tanh")
        state = out * _cell_output(cell, norms, sorted_owner, self.activation)
        rank = schedule.order.argsort()
        return state[rank], cell[rank]

    def _mask(self, rows: int) -> Tensor | None:
        if not self.training or self.recurrent_dropout == 0.0:
            return None
        keep = 1.0 - self.recurrent_dropout
        return torch.empty(rows, self.weight_h.shape[1], dtype=self.weight_h.dtype, device=self.weight_h.device).bernoulli_(keep).div_(keep)

    def extra_repr(self) -> str:
        """Shown by `print(network)`."""
        wide, inputs = self.weight_x.shape
        return f"{inputs}, {wide // 4}, activation={self.activation!r}, recurrent_dropout={self.recurrent_dropout}"


class DlnCell(nn.Module):
    """One step of a DLN-LSTM, from a given state; `inputs` None drops the term of the input."""

    def __init__(self, inputs: int | None, hidden: int, activation: Activation = "none") -> None:
        super().__init__()
        self.activation: Activation = activation
        self.weight_x = None if inputs is None else _weight(4 * hidden, inputs, hidden)
        self.weight_h = _weight(4 * hidden, hidden, hidden)

    def forward(self, x: Tensor | None, h: Tensor, c: Tensor, norms: Norms, owner: Tensor) -> Tensor:
        """The next state h (B, H) from an input (B, E), None for none, and the state before; `norms` and `owner` as in `DlnLstm`."""
        z = torch.addcmul(norms.shift[owner], _normalised(F.linear(h, self.weight_h)), norms.gain_h[owner])
        if self.weight_x is not None and x is not None:
            z = torch.addcmul(z, _normalised(F.linear(x, self.weight_x)), norms.gain_x[owner])
        f, i, o, g = z.chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * _cell_output(c, norms, owner, self.activation)


def _weight(rows: int, columns: int, hidden: int) -> nn.Parameter:
    bound = hidden**-0.5
    return nn.Parameter(torch.empty(rows, columns).uniform_(-bound, bound))


def _normalised(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=EPSILON)


def _cell_output(cell: Tensor, norms: Norms, owner: Tensor, activation: Activation) -> Tensor:
    state = torch.addcmul(norms.shift_c[owner], _normalised(cell), norms.gain_c[owner])
    return state.tanh() if activation == "tanh" else state
