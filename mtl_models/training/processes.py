"""A training in several processes of this machine: started by torch's elastic launcher, with files between them and us."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException, Std
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from mtl_models.config.training import Training
from mtl_models.errors import ConfigError, PolytaskError, WorkerError
from mtl_models.home import home_folder
from mtl_models.networks.model import Model
from mtl_models.progress import say
from mtl_models.tasks.task import Task
from mtl_models.training.devices import chosen_device
from mtl_models.training.distributed import launched
from mtl_models.training.encoding import EncodedCorpus
from mtl_models.training.fit import fit
from mtl_models.training.freezing import FinetuneFreezing
from mtl_models.training.history import History
from mtl_models.training.jobs import Job, Settings, take_result

__all__ = ["fault_file", "fit_model"]

_LAST = 12
"""Lines of a dead process that are shown."""

_ADDRESS, _LOGS = "127.0.0.1", "logs"


def fit_model(
    model: Model,
    tasks: Sequence[Task],
    encoded: Mapping[str, EncodedCorpus],
    training: Training,
    seed: int,
    checkpoints: Path,
    label: str,
    freezing: FinetuneFreezing | None = None,
) -> History:
    """`fit` of the model's network, in `training.processes` processes; in this one where it is one of several already.

    Raises what `fit` raises, and `WorkerError` where a process dies, with what it said last.
    """
    if training.processes == 1 or launched():
        return fit(model.network, tasks, encoded, training, seed, checkpoints, label=label, freezing=freezing)
    _refuse_missing_gpus(training)
    settings = Settings(
        training=training,
        seed=seed,
        label=label,
        checkpoints=checkpoints,
        tasks=[task.name for task in tasks],
        rows={task.name: encoded[task.name].fingerprint for task in tasks},
        finetuning=None if freezing is None else freezing.section,
        new=[] if freezing is None else sorted(freezing.new),
        threads=max(1, torch.get_num_threads() // training.processes),
    )
    say(f"{label}: {training.processes} processes, each with {settings.threads} CPU thread{'s' * (settings.threads > 1)}")
    with TemporaryDirectory(dir=home_folder("cache", "jobs"), prefix=f"{label}-") as name:
        folder = Path(name)
        Job(model, encoded, settings).save(folder)
        _run(folder, training.processes)
        return take_result(folder, model)


def fault_file(folder: Path, rank: int) -> Path:
    """Where process `rank` writes what it was that ended it, if it was a fault with words for it."""
    return folder / f"fault-{rank}.txt"


def _refuse_missing_gpus(training: Training) -> None:
    if chosen_device(training) == "cuda" and torch.cuda.device_count() < training.processes:
        raise ConfigError(
            f"training.processes: {training.processes}, each wants a GPU of its own, and there are {torch.cuda.device_count()} here; "
            "take as many as there are, or `device: cpu`"
        )


def _run(folder: Path, processes: int) -> None:
    """Start the processes on the job in `folder` and wait for them; the first one's lines are shown, indented."""
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=folder.name,
        rdzv_backend="c10d",
        rdzv_endpoint=f"{_ADDRESS}:0",
        local_addr=_ADDRESS,
        max_restarts=0,
        logs_specs=DefaultLogsSpecs(str(folder / _LOGS), redirects=Std.ALL, tee=Std.ALL, local_ranks_filter={0}),
        log_line_prefix_template="  ",
    )
    command = ["-m", "mtl_models.training.worker", "--job", str(folder)]
    try:
        with _our_signals(), _quiet():
            elastic_launch(config, sys.executable)(*command)
    except ChildFailedError as error:
        raise _fault(folder, processes, error.failures) from None
    except SignalException as error:
        signal.raise_signal(error.sigval)
        raise


def _fault(folder: Path, processes: int, failures: Mapping[int, ProcessFailure]) -> PolytaskError:
    """The failure behind the others: a process that has lost another one only says so."""
    said = {rank: fault_file(folder, rank).read_text(encoding="utf-8") for rank in failures if fault_file(folder, rank).exists()}
    causes = {rank: failure for rank, failure in failures.items() if not said.get(rank, "").startswith(WorkerError.__name__)} or failures
    rank, failure = min(causes.items(), key=lambda item: (item[1].timestamp, item[0]))
    if rank in said:
        return PolytaskError(said[rank].partition("\n")[2])
    logs = folder.glob(f"{_LOGS}/*/*/{rank}/stderr.log")  # of the launcher's run and attempt
    last = [line for log in logs for line in log.read_text(encoding="utf-8", errors="replace").splitlines()][-_LAST:]
    lines = "".join(f"\n  {line}" for line in last) or " none"
    died = f"was killed by {failure.signal_name()}" if failure.exitcode < 0 else f"ended with exit code {failure.exitcode}"
    memory = " if memory was short, take fewer training.processes, or a smaller training.batch_size;" * (
        failure.exitcode == -signal.SIGKILL
    )
    return WorkerError(
        f"training.processes: process {rank} of 0 to {processes - 1} {died};{memory} run the same command again, it goes on from the last "
        f"whole epoch. Its last lines:{lines}"
    )


@contextmanager
def _our_signals() -> Iterator[None]:
    """The launcher takes signals over and does not give them back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _quiet() -> Iterator[None]:
    """What the launcher says of a failure is said better by us."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
