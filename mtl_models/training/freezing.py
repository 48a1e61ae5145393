"""Which weights may move, epoch by epoch."""

from __future__ import annotations

from collections.abc import Collection

from torch import nn

from mtl_models.config.finetuning import Finetuning
from mtl_models.networks.network import Network

__all__ = ["Freezing", "encoder_parts"]


class Freezing:
    """A policy for a trained network that learns `new` tasks: parameters that may not move get no gradient, and so no update.

    What a new task owns (`Network.owned_by`) always moves; what the network itself keeps frozen never does. `gradual`
    is that of Howard and Ruder (2018, section 3.3): the parts of the network thaw one by one, the one nearest to the heads first, the
    words last.
    """

    def __init__(self, section: Finetuning, new: Collection[str], network: Network) -> None:
        self.section = section
        self._new = frozenset(new)
        self._able = {id(parameter) for parameter in network.parameters() if parameter.requires_grad}

    def apply(self, network: Network, epoch: int) -> None:
        """Let move what may in `epoch`, counted from 1, and nothing else."""
        moving = {id(parameter) for parameter in self._moving(network, epoch)} & self._able
        for parameter in network.parameters():
            parameter.requires_grad_(id(parameter) in moving)

    def __repr__(self) -> str:
        return f"Freezing({self.section!r}, {sorted(self._new)})"

    def _moving(self, network: Network, epoch: int) -> list[nn.Parameter]:
        mine = network.owned_by(self._new)
        own = [parameter for name, parameter in network.named_parameters() if name.startswith(mine)]
        heads, words = [*network.heads.parameters()], [*network.embeddings.parameters()]
        match self.section.freeze:
            case "all_but_new":
                return own
            case "encoder":
                return [*own, *heads, *words]
            case "none":
                return [*network.parameters()]
            case "gradual":
                thawed = encoder_parts(network)[: (epoch - 1) // self.section.thaw_every]
                return [*own, *heads, *(parameter for part in thawed for parameter in part.parameters())]


def encoder_parts(network: Network) -> list[nn.Module]:
    """The parts with weights that are no heads, from the one nearest to the heads down to the words."""
    parts = [module for name, module in network.named_children() if name != "heads" and any(True for _ in module.parameters())]
    return parts[::-1]
