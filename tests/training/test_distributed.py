"""What a user loses if these fail: one model for any number of processes, and an end with a reason where one of them dies."""

from __future__ import annotations

import json
import os
import random
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from mtl_models import train_experiment
from mtl_models.config.training import Training
from mtl_models.errors import WorkerError
from mtl_models.home import home_folder
from mtl_models.networks.network import Batch
from mtl_models.training import processes
from mtl_models.training.distributed import Workers
from mtl_models.training.history import History
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
    arguments, threads, precision = sys.argv, torch.get_num_threads(), torch.get_default_dtype()
    sys.argv = [str(PROGRAM), str(folder / "alone.json")]
    try:
        runpy.run_path(str(PROGRAM), run_name="__main__")
    finally:  # other tests of this process want what was set before
        sys.argv = arguments
        torch.set_num_threads(threads)
        torch.set_default_dtype(precision)
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


def test_the_process_that_died_is_told_of_and_not_those_that_miss_it(tmp_path: Path) -> None:
    failures = {rank: ProcessFailure(rank, 100, code, "none") for rank, code in ((0, 2), (1, -signal.SIGKILL))}
    log = tmp_path / "logs" / "run" / "attempt_0" / "1" / "stderr.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\nthe last line\n")
    processes.fault_file(tmp_path, 0).write_text("WorkerError\nanother process has gone")
    fault = processes._fault(tmp_path, 2, failures)
    assert isinstance(fault, WorkerError)
    assert "process 1 of 0 to 1 was killed by SIGKILL" in str(fault)
    assert "the last line" in str(fault)
    processes.fault_file(tmp_path, 1).write_text("PolytaskError\ntraining diverged: lower the rate")
    assert str(processes._fault(tmp_path, 2, failures)) == "training diverged: lower the rate"


def made_rows(count: int) -> list[tuple[str, str]]:
    drawn = random.Random(5)
    pairs = [drawn.choice((("bad", "no"), ("good", "yes"))) for _ in range(count)]
    return [(f"{drawn.choice(('red', 'blue'))} {word} sky {place}", label) for place, (word, label) in enumerate(pairs)]


def train_in_two(epochs: int) -> History:
    training = {"epochs": epochs, "batch_size": 8, "processes": 2, "device": "cpu", "learning_rate": 0.01, "patience": None}
    experiment = {"name": "two", "network": {"name": "joint_lstm", "hidden": 8}, "training": training}
    return train_experiment(experiment, {"a": made_rows(200), "b": made_rows(120)}).history


def kill_when(there: Callable[[], bool], rank: int) -> None:
    """SIGKILL process `rank` of the training that this process has started, once `there`."""
    while not there():
        time.sleep(0.02)
    for child in psutil.Process().children(recursive=True):
        if "--job" in child.cmdline() and child.environ().get("RANK") == str(rank):
            child.kill()


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_run_and_the_next_one_gives_the_same_curve(
    rank: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "undisturbed"))
    expected = train_in_two(12)
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "killed"))
    checkpoints = home_folder("checkpoints")
    killer = threading.Thread(target=kill_when, args=(lambda: any(checkpoints.glob("*/phase-1/epoch-0002")), rank), daemon=True)
    killer.start()
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(WorkerError, match=f"process {rank} of 0 to 1 was killed by SIGKILL"):
        train_in_two(12)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert not any("--job" in child.cmdline() for child in psutil.Process().children(recursive=True)), "a process goes on by itself"
    resumed = train_in_two(12)
    assert resumed.resumed_from
    for mine, theirs in zip(resumed.epochs, expected.epochs, strict=True):
        timeless = {"seconds", "examples_per_second"}
        assert mine.model_dump(exclude=timeless) == theirs.model_dump(exclude=timeless)
