"""Layers with the weights and the numbers of their twins in `mtl_models.layers`, in operations that ONNX has for texts of any length.

PyTorch's exporter unrolls an LSTM over the length it sees; here an LSTM is ONNX's own operator, and a DLN-LSTM a Scan over positions.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan
from torch.nn import functional as F  # noqa: N812  # the name it has everywhere

from mtl_models.layers.by_name import ModulesByName
from mtl_models.layers.dln.lstm import DlnLstm
from mtl_models.layers.dln.steps import EPSILON, Norms
from mtl_models.layers.lstm import MaskedLstm
from mtl_models.layers.masks import text_mask
from mtl_models.layers.ngrams import NgramBag, ngram_hashes

__all__ = ["OPSET", "OnnxLstm", "OnnxNgramBag", "ScannedDlnLstm", "exportable"]

OPSET = 18

_LSTM_VERSION = 14
"""The opset in which ONNX last changed its LSTM."""


def exportable(network: nn.Module) -> nn.Module:
    """A copy of `network` whose layers export; it runs in PyTorch only while it is exported."""
    copied = copy.deepcopy(network).eval()
    for parent in list(copied.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, MaskedLstm):
                setattr(parent, name, OnnxLstm(child))
            elif isinstance(child, NgramBag):
                setattr(parent, name, OnnxNgramBag(child))
            elif isinstance(child, DlnLstm):
                setattr(parent, name, ScannedDlnLstm(child))
            elif isinstance(child, ModulesByName):
                setattr(parent, name, _NumberedModules(child))
    return copied


class OnnxLstm(nn.Module):
    """`MaskedLstm` as ONNX's LSTM, which reads every text to its own length, in one direction or both, and gives zeros on padding."""

    def __init__(self, lstm: MaskedLstm) -> None:
        super().__init__()
        self.features, self.directions = lstm.features, lstm.directions
        self.hidden = lstm.features // lstm.directions
        self.depth = len(lstm.ahead)
        for depth in range(self.depth):
            layers = [lstm.ahead[depth], *([lstm.back[depth]] if lstm.directions == 2 else [])]
            for name, parts in (("weight", ("weight_ih_l0",)), ("recurrence", ("weight_hh_l0",)), ("bias", ("bias_ih_l0", "bias_hh_l0"))):
                stacked = [torch.cat([_reordered(layer.get_parameter(part)) for part in parts]) for layer in layers]
                self.register_buffer(f"{name}_{depth}", torch.stack(stacked))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """As `MaskedLstm.forward`."""
        for depth in range(self.depth):
            x = self._layer(depth, x, lengths)
        return x

    def _layer(self, depth: int, x: Tensor, lengths: Tensor) -> Tensor:
        weights = [self.get_buffer(f"{name}_{depth}") for name in ("weight", "recurrence", "bias")]
        states = torch.onnx.ops.symbolic(
            "LSTM",
            (x.transpose(0, 1), *weights, lengths.to(torch.int32)),
            attrs={"hidden_size": self.hidden, "direction": "bidirectional" if self.directions == 2 else "forward"},
            dtype=x.dtype,
            shape=(x.shape[1], self.directions, x.shape[0], self.hidden),
            version=_LSTM_VERSION,
        )
        return states.permute(2, 0, 1, 3).flatten(2)


class OnnxNgramBag(nn.Module):
    """`NgramBag` as a sum of looked-up vectors; room for `max_n` words after the longest text takes the place of a look at the length."""

    def __init__(self, bag: NgramBag) -> None:
        super().__init__()
        self.max_n, self.features = bag.max_n, bag.features
        self.buckets = bag.table.num_embeddings
        self.weight = bag.table.weight

    def forward(self, ids: Tensor, lengths: Tensor, salts: Tensor) -> Tensor:
        """As `NgramBag.forward`."""
        hashes, there = ngram_hashes(F.pad(ids, (0, self.max_n - 1)), lengths, salts, self.max_n)
        buckets = (hashes % self.buckets).masked_fill(~there, 0)
        counted = there.to(self.weight.dtype)
        scaled = counted / counted.sum(1, keepdim=True).sqrt()
        return (scaled.unsqueeze(1) @ F.embedding(buckets, self.weight)).squeeze(1)


class ScannedDlnLstm(nn.Module):
    """`DlnLstm` for texts of one task, as a loop over positions in which a text that has ended keeps its state."""

    def __init__(self, lstm: DlnLstm) -> None:
        super().__init__()
        self.weight_x, self.weight_h = lstm.weight_x, lstm.weight_h
        self.tanh = lstm.activation == "tanh"

    def forward(self, x: Tensor, lengths: Tensor, norms: Norms) -> tuple[Tensor, Tensor]:
        """Last state h and last cell state c, each (B, H); `norms` are those of the one task, (1, ...) each."""
        hidden = self.weight_h.shape[1]
        products = torch.addcmul(norms.shift, _normalised(F.linear(x, self.weight_x)), norms.gain_x).transpose(0, 1)
        alive = text_mask(lengths, x.shape[1]).transpose(0, 1).unsqueeze(2)
        start = x.new_zeros(x.shape[0], 2 * hidden)

        def step(state: Tensor, place: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            product, here = place
            h, c = state.chunk(2, dim=1)
            # At the first position W_h h is 0, and so is its norm: what is added is 0 as well.
            z = torch.addcmul(product, _normalised(F.linear(h, self.weight_h)), norms.gain_h)
            f, i, o, g = z.chunk(4, dim=1)
            cell = f.sigmoid() * c + i.sigmoid() * g.tanh()
            out = torch.addcmul(norms.shift_c, _normalised(cell), norms.gain_c)
            state = torch.where(here, torch.cat([o.sigmoid() * (out.tanh() if self.tanh else out), cell], 1), state)
            return state, state.new_zeros(1)

        last, _ = scan(step, start, (products, alive))
        h, c = last.chunk(2, dim=1)
        return h, c


class _NumberedModules(nn.Module):
    """`ModulesByName` under names that the exporter can look up as attributes, which `type` or `half` are not."""

    def __init__(self, modules: ModulesByName) -> None:
        super().__init__()
        self.place = {name: number for number, name in enumerate(modules)}
        self.numbered = nn.ModuleList(modules.values())

    def __getitem__(self, name: str) -> nn.Module:
        return self.numbered[self.place[name]]

    def __len__(self) -> int:
        return len(self.numbered)

    def values(self) -> Iterator[nn.Module]:
        """The modules, in their order."""
        return iter(self.numbered)


def _normalised(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=EPSILON)


def _reordered(weight: Tensor) -> Tensor:
    """PyTorch's gates i, f, g, o in ONNX's order i, o, f, g."""
    i, f, g, o = weight.detach().chunk(4)
    return torch.cat([i, o, f, g])
