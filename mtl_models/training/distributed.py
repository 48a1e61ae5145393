"""Several processes that train one network together: what they add up, and what the first of them says for all.

A batch is shared out row by row (`shards`), every process computes the gradient of its rows, the gradients are summed (`summing`), and
each then takes the same step. On CPUs they talk by gloo, on GPUs by nccl.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from accelerate import Accelerator
from pydantic import BaseModel
from torch import Tensor, distributed, nn

from mtl_models.config.training import Training
from mtl_models.errors import ConfigError, WorkerError
from mtl_models.training.devices import chosen_device

__all__ = ["ALONE", "Workers", "first_here", "joined", "launched", "world_size"]

Record = TypeVar("Record", bound=BaseModel)

_PATIENCE = timedelta(hours=1)
"""How long one waits for the others, who may be reading a corpus; of one that has died they hear at once."""


@dataclass(frozen=True)
class Workers:
    """The processes of a training; this one is number `rank` of `count`. One alone hears what it says, and gets what it has.

    What all of them do must be done by all, in the same order. Raises `WorkerError` where another one has gone.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def of(cls, accelerator: Accelerator) -> Workers:
        """Those that accelerate knows."""
        return cls(accelerator.process_index, accelerator.num_processes)

    @property
    def first(self) -> bool:
        """Whether this process writes, evaluates and speaks."""
        return self.rank == 0

    def add_up(self, tensor: Tensor) -> None:
        """Sum `tensor` over the processes, in place: the same bits for all."""
        if self.count > 1:
            with _in_touch():
                distributed.all_reduce(tensor)

    def any_of(self, marks: Tensor) -> None:
        """The largest of every number of `marks` (uint8) over the processes, in place."""
        if self.count > 1:
            with _in_touch():
                distributed.all_reduce(marks, distributed.ReduceOp.MAX)

    def same(self, module: nn.Module) -> None:
        """Give all processes the weights of the first: other processors round otherwise, and must not drift apart."""
        if self.count > 1:
            for tensor in module.state_dict().values():
                self._from_first(tensor)

    def agreed(self, tensor: Tensor) -> Tensor:
        """What the first process has, on the CPU, where all have a tensor of this shape."""
        found = tensor.cpu().clone()
        if self.count > 1:
            self._from_first(found)
        return found

    def said(self, make: Callable[[], bytes]) -> bytes:
        """What `make` gives in the first process, the only one that calls it."""
        if self.count == 1:
            return make()
        data = make() if self.first else b""
        size = int(self.agreed(torch.tensor(len(data))))
        if size == 0:
            return b""
        buffer = torch.frombuffer(bytearray(data), dtype=torch.uint8) if self.first else torch.empty(size, dtype=torch.uint8)
        return self.agreed(buffer).numpy().tobytes()

    def recorded(self, kind: type[Record], make: Callable[[], Record]) -> Record:
        """The record of kind `kind` that `make` gives in the first process."""
        return make() if self.count == 1 else kind.model_validate_json(self.said(lambda: make().model_dump_json().encode()))

    def _from_first(self, tensor: Tensor) -> None:
        with _in_touch():
            distributed.broadcast(tensor, src=0)


ALONE = Workers()


def launched() -> bool:
    """Whether this process was started by torchrun, accelerate, or a training, as one of several."""
    return world_size() > 1


def world_size() -> int:
    """How many processes they said there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def joined(training: Training) -> Iterator[None]:
    """Within the block this process is one of those that torchrun started; of a single one there is nothing to join.

    Raises `ConfigError` where a machine has fewer GPUs than processes, `WorkerError` where the others cannot be reached.
    """
    if not launched():
        yield
        return
    backend = "gloo"
    if chosen_device(training) == "cuda":
        here, place = torch.cuda.device_count(), int(os.environ["LOCAL_RANK"])
        if place >= here:
            raise ConfigError(
                f"training.processes: every process wants a GPU of its own, and there are {here} here; take {here}, or `device: cpu`"
            )
        torch.cuda.set_device(place)
        backend = "cpu:gloo,cuda:nccl"
    with _in_touch():
        distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield
    finally:
        distributed.destroy_process_group()


@contextmanager
def first_here() -> Iterator[None]:
    """The block is for one process of every machine first; the others then find on disk what it left there."""
    waits = distributed.is_initialized() and os.environ.get("LOCAL_RANK", "0") != "0"
    if waits:
        _meet()
    yield
    if distributed.is_initialized() and not waits:
        _meet()


def _meet() -> None:
    with _in_touch():
        distributed.all_reduce(torch.zeros(1))  # a barrier of nccl would want a GPU to itself


@contextmanager
def _in_touch() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # of gloo, nccl, or the store that they meet at
        reason = str(error).splitlines()[0].split(". ")[0]
        raise WorkerError(
            f"another process of the training has gone, or cannot be reached ({reason}); look at what it said last, "
            "then run the same command again: it goes on from the last whole epoch"
        ) from error
