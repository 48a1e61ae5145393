"""What a user loses if these fail: one model for any number of processes, and an end with a reason where one of them dies."""

from __future__ import annotations

import json
import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.config.training import Training
from mtl_models.networks.network import Batch
from mtl_models.training.distributed import Workers
from mtl_models.training.shards import shard_of

PROGRAM = Path(__file__).with_name("parallel_training.py")
PROCESSES = 2


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Training -> its curve by one process; and the same as each of two processes has it."""
    folder, port = tmp_path_factory.mktemp("curves"), free_port()
    common = {"WORLD_SIZE": str(PROCESSES), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), str(folder / f"{rank}.json")],
            env={**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(PROCESSES)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(PROCESSES)
    ]
    arguments, sys.argv = sys.argv, [str(PROGRAM), str(folder / "alone.json")]
    runpy.run_path(str(PROGRAM), run_name="__main__")
    sys.argv = arguments
    for process in started:
        said = process.communicate(timeout=300)[1]
        assert process.returncode == 0, said
    alone, *others = [json.loads((folder / f"{name}.json").read_text()) for name in ("alone", *range(PROCESSES))]
    return alone, others


@pytest.mark.parametrize("name", runpy.run_path(str(PROGRAM))["TRAININGS"])
def test_two_processes_give_the_curve_of_one(name: str, curves: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    alone, (first, *others) = curves
    assert all(other[name] == first[name] for other in others), "the processes do not agree on what happened"
    assert len(first[name]) == len(alone[name])
    for mine, theirs in zip(first[name], alone[name], strict=True):
        for key in ("updates", "examples", "learning_rate", "padded"):
            assert mine[key] == theirs[key]
        for key in ("train_loss", "weights", "conflicts"):
            assert mine[key] == pytest.approx(theirs[key], rel=1e-4, abs=1e-5)
        losses, expected = ({task: found["loss"] for task, found in one["dev"].items()} for one in (mine, theirs))
        assert losses == pytest.approx(expected, rel=1e-4)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    count=st.integers(1, 6),
    both=st.booleans(),
)
def test_shards_cover_a_batch_and_do_not_overlap(sizes: list[int], count: int, both: bool) -> None:
    total = sum(sizes)
    lengths = torch.from_numpy(np.random.default_rng(0).integers(1, 7, total))
    ends = np.cumsum(sizes).tolist()
    rows = {f"t{place}": torch.arange(end - size, end) for place, (size, end) in enumerate(zip(sizes, ends, strict=True))}
    if both:
        rows["every"] = torch.arange(total)  # texts that two tasks ask for
    ids = torch.arange(total)[:, None].expand(total, int(lengths.max())).contiguous()
    shards = [shard_of(Batch(ids, lengths, rows), Workers(rank, count)) for rank in range(count)]
    if count > 1:
        for task, chosen in rows.items():
            placed = torch.cat([shard.places[task] for shard in shards])
            assert sorted(placed.tolist()) == list(range(len(chosen))), "every row of a task is one process's"
            for shard in shards:
                mine = shard.batch.ids[shard.batch.rows[task], 0][: len(shard.places[task])]
                assert mine.tolist() == chosen[shard.places[task]].tolist(), "and it is that row"
    read = [text for shard in shards if shard.weight for text in shard.batch.ids[:, 0].tolist()]
    assert sorted(read) == list(range(total))
    assert sum(shard.weight for shard in shards) == pytest.approx(1.0)
    assert all(len(shard.batch.ids) and list(shard.batch.rows) == list(rows) for shard in shards), "nobody stands by"
    parts = [len(shard.batch.ids) for shard in shards if shard.weight]
    assert max(parts) - min(parts) <= 1


def test_more_processes_than_rows_in_a_batch_are_refused() -> None:
    with pytest.raises(ValueError, match=r"processes: 8.*batch_size: 4"):
        Training(batch_size=4, processes=8)
