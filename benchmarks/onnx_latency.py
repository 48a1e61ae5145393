"""Exported models: size and latency of ONNX Runtime against PyTorch, for every network that exports.

    python benchmarks/onnx_latency.py [EXPERIMENT] [--networks NAME ...] [--repeats N] [--threads N] [--json FILE]

Takes the corpora and the vocabulary of an experiment (the demo's by default, fetched as the pipeline fetches it), builds each network at
its default size over word vectors of 50 numbers (weights are random: they do not matter for speed), exports it, and asks both for all
tasks of single texts and of batches of 32, tokenizing included. Prints the largest difference of a logit on the corpora's own texts,
megabytes of the model folder and of the exported one, and the median milliseconds of a call, in processor time.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter
from untrained import arguments_for, corpora_of, untrained_model, vocabularies_of

from mtl_models.config import load_experiment
from mtl_models.config.network import Network as NetworkSection
from mtl_models.inference.onnx_export import OnnxModel, export_onnx
from mtl_models.networks.folder import save_model
from mtl_models.networks.model import Model
from mtl_models.progress import say
from mtl_models.tasks.task import Task

_BATCH = 32
_TOLERANCE = 1e-3
"""Of a logit: random weights let rounding add up over a long text, in dlnc to a little more than the usual tolerance."""
_NETWORKS: dict[str, dict[str, Any]] = {
    "lstm_linear": {},
    "joint_lstm": {},
    "joint_lstm_attention": {},
    "joint_transformer_lstm": {"transformer": {"heads": 5}},
    "joint_transformer_lstm_attention": {"transformer": {"heads": 5}},
    "dlnc": {},
}


@dataclass(frozen=True)
class Measured:
    """One network in both forms; times in milliseconds of a call."""

    network: str
    difference: float
    torch_mb: float
    onnx_mb: float
    torch_one: float
    onnx_one: float
    torch_batch: float
    onnx_batch: float


def main() -> None:
    """Measure and print the table."""
    parser = arguments_for(__doc__)
    parser.add_argument("--networks", nargs="+", choices=list(_NETWORKS), default=list(_NETWORKS))
    parser.add_argument("--repeats", type=int, default=100, help="single texts timed; a tenth as many batches")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    experiment = load_experiment(arguments.experiment)
    corpora = corpora_of(experiment)
    vocabularies = vocabularies_of(experiment, corpora)
    tasks = tuple(Task.of(task.settings, corpora[name]) for name, task in experiment.tasks.items())
    train = [text for corpus in corpora.values() for text in corpus.texts("train")]
    texts = random.Random(0).sample(train, arguments.repeats * _BATCH // 10)
    measured = []
    for name in arguments.networks:
        say(f"exporting {name}")
        section = TypeAdapter(NetworkSection).validate_python({"name": name, **_NETWORKS[name]})
        model = untrained_model(section, tasks, vocabularies, experiment.training.max_tokens)
        measured.append(_measured(model, texts, arguments.repeats, arguments.threads))
    words = sum(vocabulary.size for vocabulary in vocabularies.values())
    print(f"\n{len(tasks)} tasks, {words} words, {arguments.threads} thread(s); milliseconds of a call, PyTorch / ONNX Runtime\n")
    print(f"{'network':<34}{'difference':>11}{'MB':>13}{'1 text':>15}{f'{_BATCH} texts':>17}")
    for row in measured:
        sizes, one = f"{row.torch_mb:.1f} / {row.onnx_mb:.1f}", f"{row.torch_one:.2f} / {row.onnx_one:.2f}"
        batch = f"{row.torch_batch:.1f} / {row.onnx_batch:.1f}"
        print(f"{row.network:<34}{row.difference:>11.1g}{sizes:>13}{one:>15}{batch:>17}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(row) for row in measured], indent=2))


def _measured(model: Model, texts: list[str], repeats: int, threads: int) -> Measured:
    with tempfile.TemporaryDirectory() as scratch:
        plain, exported = Path(scratch) / "plain", Path(scratch) / "exported"
        save_model(model, plain)
        difference = export_onnx(model, exported, texts[:200], _TOLERANCE)
        runtime = OnnxModel(exported, threads)
        batches = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
        return Measured(
            model.config.name,
            difference,
            _megabytes(plain),
            _megabytes(exported),
            _median(model.logits, [[text] for text in texts[:repeats]]),
            _median(runtime.logits, [[text] for text in texts[:repeats]]),
            _median(model.logits, batches),
            _median(runtime.logits, batches),
        )


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def _median(answer: Callable[[list[str]], object], questions: list[list[str]]) -> float:
    """Milliseconds of processor time, which other work on the machine hardly changes; the first questions warm up."""
    for question in questions[:3]:
        answer(question)
    took = []
    for question in questions:
        began = time.process_time()
        answer(question)
        took.append(1000.0 * (time.process_time() - began))
    return statistics.median(took)


if __name__ == "__main__":
    main()
