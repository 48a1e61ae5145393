"""Checkpoints: the whole state after an epoch in one folder that appears by rename; safetensors and JSON, no pickle.

`epoch-0007/state.safetensors` holds the weights (`network.*`), what the objective has learned (`objective.*`), the state of every
optimizer (`optimizer.<number>.<parameter>.*`) and the best weights so far (`best.*`); `epoch-0007/state.json` the records of the epochs,
the sha256 of the former and the fingerprint of the training. Random states are not saved, as every epoch seeds its own. A new checkpoint
is whole before the one before it goes.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save, save_file
from torch import Tensor, nn

from mtl_models.errors import PolytaskError
from mtl_models.files import sha256_of, writing_folder
from mtl_models.progress import say
from mtl_models.training.history import EpochRecord

__all__ = ["Checkpoint", "Checkpoints", "copied_state", "restore_optimizers"]

_TENSORS, _VALUES = "state.safetensors", "state.json"
_FORMAT = 2

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """The state after the last of `records`; all tensors on the CPU."""

    records: list[EpochRecord]
    network: Tensors
    objective: Tensors
    optimizer: Tensors
    """Of all optimizers, `<number>.<parameter>.<key>`."""
    best: Tensors

    @classmethod
    def of(cls, records: list[EpochRecord], tensors: Mapping[str, Tensor]) -> Checkpoint:
        """From tensors that are named as in the file."""
        # Into memory of their own: a mapped file has another alignment than PyTorch's memory, which may round otherwise.
        return cls(records, **{part: _below(part, tensors) for part in ("network", "objective", "optimizer", "best")})

    def packed(self) -> bytes:
        """All of it as bytes, to be sent to another process: the length of the records, the records, the tensors."""
        records = _Records(records=self.records).model_dump_json().encode()
        parts = {"network": self.network, "objective": self.objective, "optimizer": self.optimizer, "best": self.best}
        tensors = {f"{part}.{name}": tensor for part, named in parts.items() for name, tensor in named.items()}
        return len(records).to_bytes(8, "big") + records + save(tensors)

    @classmethod
    def unpacked(cls, data: bytes) -> Checkpoint:
        """What `packed` made bytes of."""
        end = 8 + int.from_bytes(data[:8], "big")
        return cls.of(_Records.model_validate_json(data[8:end]).records, load(data[end:]))


class _Records(BaseModel):
    records: list[EpochRecord]


class _Values(BaseModel):
    format: int
    fingerprint: str
    sha256: str
    records: list[EpochRecord]


class Checkpoints:
    """The checkpoints of one training, of which the last is kept; `folder` is for this training alone.

    `fingerprint` says which training it is: a checkpoint with another one is not used.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder = folder
        self._fingerprint = fingerprint

    def load(self) -> Checkpoint | None:
        """The newest whole checkpoint of this training; None, and a line that says why, if there is none to use."""
        for path in sorted(self._folder.glob("epoch-*"), reverse=True):
            try:
                values = _Values.model_validate_json((path / _VALUES).read_text(encoding="utf-8"))
                if (values.format, values.fingerprint) != (_FORMAT, self._fingerprint):
                    say(f"{path}: the checkpoint is of another configuration, corpus or version; it is not used")
                    continue
                if sha256_of(path / _TENSORS) != values.sha256:
                    raise ValueError(f"the sha256 of {_TENSORS} is not the one it was written with")
                tensors = load_file(path / _TENSORS)
            except (OSError, ValueError, ValidationError, SafetensorError) as error:
                say(f"{path}: the checkpoint is damaged and not used: {error}")
                continue
            return Checkpoint.of(values.records, tensors)
        return None

    def save(
        self,
        records: list[EpochRecord],
        network: nn.Module,
        objective: nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
        best: Tensors,
    ) -> None:
        """Write the state after the last of `records`, then remove what it replaces.

        Raises `PolytaskError` if it cannot be written (a full disk); the checkpoint before it is then still there.
        """
        epoch = records[-1].epoch
        path = self._folder / f"epoch-{epoch:04d}"
        tensors = {
            **{f"network.{name}": tensor for name, tensor in copied_state(network).items()},
            **{f"objective.{name}": tensor for name, tensor in copied_state(objective).items()},
            **{f"optimizer.{number}.{name}": tensor for number, one in enumerate(optimizers) for name, tensor in _flat(one).items()},
            **{f"best.{name}": tensor for name, tensor in best.items()},
        }
        try:
            with writing_folder(path) as draft:
                save_file(tensors, draft / _TENSORS)
                sha256 = sha256_of(draft / _TENSORS)
                values = _Values(format=_FORMAT, fingerprint=self._fingerprint, sha256=sha256, records=records)
                (draft / _VALUES).write_text(values.model_dump_json(indent=2), encoding="utf-8")
        except (OSError, SafetensorError) as error:
            kept = f"after epoch {epoch - 1}" if epoch > 1 else "from the start"
            raise PolytaskError(
                f"{path}: the checkpoint cannot be written: {error}; make room there and run the same command again, it goes on {kept}"
            ) from error
        for old in [*self._folder.glob("epoch-*"), *self._folder.glob(".epoch-*")]:
            if old != path:
                shutil.rmtree(old, ignore_errors=True)


def copied_state(module: nn.Module) -> Tensors:
    """A copy of the weights and buffers, on the CPU."""
    return {name: _copied(tensor) for name, tensor in module.state_dict().items()}


def restore_optimizers(optimizers: Sequence[torch.optim.Optimizer], state: Mapping[str, Tensor]) -> None:
    """Give `optimizers`, built over the same parameters in the same order, the states that a checkpoint holds."""
    nested: list[dict[int, Tensors]] = [{} for _ in optimizers]
    for name, tensor in state.items():
        number, parameter, key = name.split(".", 2)
        nested[int(number)].setdefault(int(parameter), {})[key] = tensor
    for optimizer, its in zip(optimizers, nested, strict=True):
        optimizer.load_state_dict({"state": its, "param_groups": optimizer.state_dict()["param_groups"]})


def _flat(optimizer: torch.optim.Optimizer) -> Tensors:
    state = optimizer.state_dict()["state"]
    return {f"{parameter}.{key}": _copied(tensor) for parameter, part in state.items() for key, tensor in part.items()}


def _copied(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)


def _below(part: str, tensors: Mapping[str, Tensor]) -> Tensors:
    return {name.removeprefix(f"{part}."): tensor.clone() for name, tensor in tensors.items() if name.startswith(f"{part}.")}
