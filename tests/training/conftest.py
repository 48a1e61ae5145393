"""Small made corpora whose classes can be told apart, and small networks over them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pytest
import torch

from mtl_models.config.network import JointLstm
from mtl_models.networks.build import build_network
from mtl_models.networks.network import Network
from mtl_models.tasks.task import Task
from mtl_models.training.encoding import EncodedCorpus, EncodedSplit

WORDS = 40


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Equal weights need an equal number of threads; one also keeps parallel tests out of each other's way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def made_split() -> Callable[..., EncodedSplit]:
    """Rows of 1 to `longest` random tokens, one of which is 2 in class 0 and 3 in class 1."""

    def make(rows: int, seed: int, longest: int = 9) -> EncodedSplit:
        random = np.random.default_rng(seed)
        lengths = random.integers(1, longest + 1, rows).astype(np.int32)
        starts = np.concatenate([[0], np.cumsum(lengths)])[:-1].astype(np.int64)
        tokens = random.integers(4, WORDS, lengths.sum()).astype(np.int32)
        labels = random.integers(0, 2, rows).astype(np.int32)
        tokens[starts + random.integers(0, lengths)] = 2 + labels
        return EncodedSplit(tokens, starts, lengths, labels)

    return make


@pytest.fixture
def made_corpora(made_split: Callable[..., EncodedSplit]) -> Callable[..., dict[str, EncodedCorpus]]:
    """Task -> corpus with so many train rows, and 40 dev rows unless told otherwise."""

    def make(rows: Mapping[str, int], dev: Mapping[str, int] | None = None) -> dict[str, EncodedCorpus]:
        sizes = {task: {"train": count, "dev": (dev or {}).get(task, 40), "test": 5} for task, count in rows.items()}
        return {
            task: EncodedCorpus(
                task, f"{task}{counts}", {name: made_split(count, 10 * place + at) for at, (name, count) in enumerate(counts.items())}
            )
            for place, (task, counts) in enumerate(sizes.items())
        }

    return make


@pytest.fixture
def tasks_named() -> Callable[..., list[Task]]:
    return lambda *names: [Task(name, "single_label", ("no", "yes")) for name in names]


@pytest.fixture
def made_network() -> Callable[[Sequence[Task]], Network]:
    """A small joint LSTM, the same at every call, with dropout, so that lost random states show."""

    def make(tasks: Sequence[Task]) -> Network:
        torch.manual_seed(3)
        return build_network(JointLstm(hidden=8, dropout=0.1), tasks, {"shared": torch.randn(WORDS, 6)})

    return make


@pytest.fixture
def digest() -> Callable[[Network], str]:
    """sha256 of all weights."""

    def weights(network: Network) -> str:
        found = hashlib.sha256()
        for name, tensor in sorted(network.state_dict().items()):
            found.update(name.encode() + tensor.numpy().tobytes())
        return found.hexdigest()

    return weights
