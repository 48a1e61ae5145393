"""Which weights may move, epoch by epoch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence

from torch import Tensor, nn

from mtl_models.config.finetuning import Finetuning
from mtl_models.config.freezing import Freeze
from mtl_models.config.training import Training
from mtl_models.errors import ConfigError
from mtl_models.networks.network import Network

__all__ = ["FinetuneFreezing", "Freezing", "TrainingFreezing", "moved", "moving_sizes"]


_ADAPTER = "lora_"
"""In the name of every weight of an adapter, as `peft` has it."""


class Freezing(ABC):
    """A policy: parameters that may not move get no gradient, and so no update. What the network itself keeps frozen never moves."""

    def __init__(self, network: Network) -> None:
        self._able = {id(parameter) for parameter in network.parameters() if parameter.requires_grad}

    def apply(self, network: Network, epoch: int) -> None:
        """Let move what may in `epoch`, counted from 1, and nothing else."""
        moving = {id(parameter) for parameter in self.moving(network, epoch)} & self._able
        for parameter in network.parameters():
            parameter.requires_grad_(id(parameter) in moving)

    def lift(self, network: Network) -> None:
        """Let everything move again that could before."""
        for parameter in network.parameters():
            parameter.requires_grad_(id(parameter) in self._able)

    @abstractmethod
    def moving(self, network: Network, epoch: int) -> Iterable[nn.Parameter]:
        """What may move in `epoch`."""


class TrainingFreezing(Freezing):
    """What `training.freeze`, or a phase of it, says. `ConfigError` where nothing would be left that moves."""

    def __init__(self, section: Freeze, network: Network) -> None:
        super().__init__(network)
        self.section = section
        parts = network.encoder_parts()
        if section.lowest > len(parts) - 1:
            raise ConfigError(f"training.freeze.lowest: {section.lowest}, but the network has {len(parts) - 1} layers above its embeddings")
        if not self._able & {id(parameter) for parameter in self.moving(network, 10**9)}:
            raise ConfigError("training.freeze: nothing is left that moves; to answer texts with a model as it is, no training is needed")

    def moving(self, network: Network, epoch: int) -> list[nn.Parameter]:
        """Heads, and of the rest what is above the lowest layers and has thawed (Howard and Ruder 2018, section 3.3)."""
        section, parts = self.section, network.encoder_parts()
        thawed = len(parts) if section.thaw_every is None else (epoch - 1) // section.thaw_every
        kept = len(parts) - (section.lowest + 1 if section.lowest else 0)
        frozen = parts if section.encoder else parts[min(thawed, kept) :]
        still = {
            id(parameter) for part in frozen for name, parameter in part.named_parameters() if not (section.encoder and _ADAPTER in name)
        }
        held = tuple(f"heads.{task}." for task in section.heads)
        return [
            parameter
            for name, parameter in network.named_parameters()
            if id(parameter) not in still and not (held and name.startswith(held))
        ]

    def __repr__(self) -> str:
        return f"TrainingFreezing({self.section!r})"


class FinetuneFreezing(Freezing):
    """The policy for a trained network that learns `new` tasks.

    What a new task owns (`Network.owned_by`) always moves. `gradual` is that of Howard and Ruder (2018, section 3.3): the parts of the
    network thaw one by one, the one nearest to the heads first, the words last.
    """

    def __init__(self, section: Finetuning, new: Collection[str], network: Network) -> None:
        super().__init__(network)
        self.section = section
        self.new = frozenset(new)

    def moving(self, network: Network, epoch: int) -> list[nn.Parameter]:
        """What the new tasks own, and what the policy lets move beside it."""
        mine = network.owned_by(self.new)
        own = [parameter for name, parameter in network.named_parameters() if name.startswith(mine)]
        heads = [parameter for name, parameter in network.named_parameters() if name.startswith(("heads.", "shared_heads."))]
        words = [] if network.embeddings is None else [*network.embeddings.parameters()]
        match self.section.freeze:
            case "all_but_new":
                return own
            case "encoder":
                return [*own, *heads, *words]
            case "none":
                return [*network.parameters()]
            case "gradual":
                thawed = network.encoder_parts()[: (epoch - 1) // self.section.thaw_every]
                return [*own, *heads, *(parameter for part in thawed for parameter in part.parameters())]

    def __repr__(self) -> str:
        return f"FinetuneFreezing({self.section!r}, {sorted(self.new)})"


def moving_sizes(network: Network, training: Training, tasks: Sequence[str]) -> dict[str, int]:
    """Name -> size of every parameter that moves in some phase of a training of `tasks`.

    `ConfigError` for a task of which nothing would move while others learn: it would learn nothing, and a twin of it could not be trained.
    """
    sizes: dict[str, int] = {}
    for named, phase in training.in_phases():
        learning = [task for task in tasks if named is None or task in named]
        if not learning:
            continue
        freezing = TrainingFreezing(phase.freeze, network)
        freezing.apply(network, phase.epochs)  # in its last epoch all moves that ever does
        moving = {name: parameter.numel() for name, parameter in network.named_parameters() if parameter.requires_grad}
        freezing.lift(network)
        for task in learning:
            if all(name.startswith(network.owned_by({*tasks} - {task})) for name in moving):
                raise ConfigError(
                    f"training.freeze: nothing that answers for task '{task}' moves, and its twin could not be trained; "
                    f"take '{task}' from freeze.heads, or let the encoder move"
                )
        sizes |= moving
    return sizes


def moved(before: Mapping[str, Tensor], network: Network) -> str:
    """What really moved, in words: numbers, and the parts of the network they are in. `before` is the state at the start."""
    after = network.state_dict()
    changed = [name for name, weight in before.items() if not weight.equal(after[name].cpu())]
    parts = dict.fromkeys(".".join(name.split(".")[:2]) for name in changed)
    count, whole = sum(before[name].numel() for name in changed), sum(weight.numel() for weight in before.values())
    return f"{count:,} of {whole:,} numbers moved, in {', '.join(parts) or 'no part'}; the others are as they were, to the bit"
