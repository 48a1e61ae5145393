r"""One process of a training: what torchrun starts, on one machine or on several.

    torchrun --nnodes 2 --nproc-per-node 1 --node-rank NUMBER --master-addr HOST --master-port 29400 \
        -m mtl_models.training.worker CONFIG --out FOLDER

trains the joint model of an experiment; the first process writes the model folder, with the history of the training beside it.
`--job` is for the processes that a training with `training.processes` starts by itself.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from contextlib import nullcontext, redirect_stderr
from pathlib import Path

import torch

from mtl_models.config import load_experiment
from mtl_models.config.experiment import Experiment
from mtl_models.errors import PolytaskError
from mtl_models.files import writing_file
from mtl_models.networks.folder import save_model
from mtl_models.progress import say
from mtl_models.training.distributed import first_here, joined, world_size
from mtl_models.training.jobs import Job
from mtl_models.training.prepared import prepare_experiment
from mtl_models.training.processes import fault_file
from mtl_models.training.train import train

__all__ = ["main"]

_RANK = int(os.environ.get("RANK", "0"))


def main() -> None:
    """Train as the command line says; a fault that a user can mend is told in one line, with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m mtl_models.training.worker", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path, nargs="?", help="the experiment")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the experiment")
    parser.add_argument("--out", type=Path, help="the model folder to write")
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job is None and (options.config is None or options.out is None):
        parser.error("give an experiment, and with --out the model folder to write")
    try:
        # The others say the same as the first.
        with nullcontext() if _RANK == 0 else redirect_stderr(Path(os.devnull).open("w")):
            if options.job is None:
                _train_experiment(load_experiment(options.config, options.set), options.out)
            else:
                _train_job(options.job)
    except PolytaskError as error:
        print(f"process {_RANK}: {error}", file=sys.stderr)
        if options.job is not None:
            fault_file(options.job, _RANK).write_text(f"{type(error).__name__}\n{error}", encoding="utf-8")
        sys.exit(2)


def _train_experiment(experiment: Experiment, out: Path) -> None:
    """Prepare on every machine, train together; `training.processes` is as many as torchrun started."""
    training = type(experiment.training).model_validate({**experiment.training.model_dump(exclude_unset=True), "processes": world_size()})
    with joined(training):
        with first_here():
            prepared = prepare_experiment(experiment)
        model, history = train(
            prepared.tasks, prepared.corpora, prepared.vocabularies, prepared.matrices, experiment.network, training, experiment.seed
        )
    if _RANK == 0:
        save_model(model, out, {"experiment": experiment.model_dump(mode="json"), "processes": world_size()})
        with writing_file(out.with_name(f"{out.name}.history.json")) as draft:
            draft.write_text(history.model_dump_json(indent=2) + "\n", encoding="utf-8")
        say(f"{out}: the model; {out.name}.history.json: its training, in {world_size()} processes")


def _train_job(folder: Path) -> None:
    """Train what the folder holds; it was started by this machine's launcher, which it does not outlive."""
    threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    job = Job.load(folder)
    os.environ["OMP_NUM_THREADS"] = str(job.settings.threads)
    torch.set_num_threads(job.settings.threads)
    with joined(job.settings.training):
        history = job.train()
    if _RANK == 0:
        job.leave(folder, history)


def _leave_with(parent: int) -> None:
    """End this process when `parent` has: nobody would read what it trains, and the next run wants its place."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


if __name__ == "__main__":
    main()
