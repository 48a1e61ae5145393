"""A model as a folder that ONNX Runtime can serve: the graph, the tokenizers, and what the numbers mean; checked before it appears."""

from __future__ import annotations

import importlib
import json
import logging
import random
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from mtl_models import __version__
from mtl_models.errors import ConfigError, ModelFolderError
from mtl_models.files import writing_folder
from mtl_models.inference.onnx_graph import Graph, Reading
from mtl_models.inference.onnx_layers import OPSET
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import PAD

__all__ = ["GRAPH", "TOLERANCE", "OnnxModel", "export_onnx", "largest_difference", "sample_texts"]

GRAPH, _ABOUT = "model.onnx", "model.json"

TOLERANCE = 1e-4
"""How far a logit may be from PyTorch's, and as much again for every unit of the logit itself."""

_ACTIVATIONS = {"single_label": "softmax", "multi_label": "sigmoid", "ordinal": "cumulative", "rating": "linear"}
_SENTENCES = (
    "What a waste of two hours.",
    "Love this phone, the battery lasts for days!",
    "@someone have a look: https://example.org/a?b=1 \N{GRINNING FACE} 42",
    "It's not bad, but I wouldn't buy it again...",
    "यह फ़िल्म बहुत अच्छी है।",
    "ছবিটা একদম ভালো লাগেনি",
    "这部电影太好看了",
    "",
)
_ERRORS = 3
"""ONNX Runtime's level of log lines that tell of errors alone."""

_LENGTHS = (1, 2, 3, 5, 8, 13, 21, 34)


class OnnxModel:
    """An exported folder in ONNX Runtime, on one thread by default: texts in, logits out. `ConfigError` without the package."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        runtime = _package("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = _ERRORS
        self.session = runtime.InferenceSession(str(folder / GRAPH), options, providers=["CPUExecutionProvider"])
        self.about: dict[str, Any] = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        files = {reading["tokenizer"] for reading in self.about["inputs"]}
        self._tokenizers = {name: Tokenizer.from_file(str(folder / name)) for name in files}

    def logits(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Task -> logits (N, K), all texts in one batch."""
        feed: dict[str, NDArray[np.int64]] = {}
        for reading in self.about["inputs"]:
            encodings = self._tokenizers[reading["tokenizer"]].encode_batch(list(texts))
            # Texts without a token still need a column; their mask says that there is nothing in it.
            for name, rows in ((reading["ids"], [e.ids for e in encodings]), (reading["mask"], [e.attention_mask for e in encodings])):
                feed[name] = np.array([row or [PAD] for row in rows], dtype=np.int64)
        names = [task["output"] for task in self.about["tasks"].values()]
        return dict(zip(self.about["tasks"], self.session.run(names, feed), strict=True))


def export_onnx(model: Model, folder: Path, texts: Sequence[str] = (), tolerance: float = TOLERANCE) -> float:
    """Write `model.onnx`, a tokenizer.json (one for each way to read) and model.json to `folder`; the largest difference of a logit.

    The graph takes, for each way to read, token ids and a mask (batch and length are free), and gives the logits of each head under
    the name of its task. Before the folder appears, ONNX Runtime answers `texts`, a few sentences, and texts of the model's own words
    of every length, one by one and together, with the graph and the tokenizers that were written.

    Raises `ConfigError` for a network that does not export or where `polytask[onnx]` is not installed; `ModelFolderError` where a logit
    differs by more than `tolerance` (and as much again per unit of it). Nothing is written then.
    """
    for name in ("onnx", "onnxscript", "onnxruntime"):
        _package(name)
    if folder.exists() and not (folder / GRAPH).is_file() and any(folder.iterdir()):
        raise ConfigError(f"{folder}: holds something else than an exported model, which would be lost; give another folder")
    graph = Graph(model)
    with writing_folder(folder) as draft:
        _write_graph(graph, draft / GRAPH)
        for reading in graph.readings:
            _tokenizer(model, reading).save(str(draft / _tokenizer_file(reading)))
        (draft / _ABOUT).write_text(json.dumps(_about(model, graph.readings), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return largest_difference(model, OnnxModel(draft), [*texts, *sample_texts(model)], tolerance)


def largest_difference(model: Model, exported: OnnxModel, texts: Sequence[str], tolerance: float = TOLERANCE) -> float:
    """Between PyTorch's logits and ONNX Runtime's, for texts alone and together. `ModelFolderError` where one is too large."""
    expected = {name: logits.numpy() for name, logits in model.logits(texts).items()}
    together = exported.logits(texts)
    alone = [exported.logits([text]) for text in texts]
    largest = 0.0
    for task, wanted in expected.items():
        for found in (together[task], np.concatenate([one[task] for one in alone])):
            differences = np.abs(found - wanted)
            allowed = tolerance * (1.0 + np.abs(wanted))
            if not (differences <= allowed).all():
                row = int(np.argmax((~(differences <= allowed)).reshape(len(texts), -1).any(1)))
                raise ModelFolderError(
                    f"task '{task}': ONNX Runtime's logits differ from PyTorch's by {np.nanmax(differences):.3g}, more than the tolerance "
                    f"{tolerance:g}, for instance for the text {texts[row][:60]!r}; nothing was written"
                )
            largest = max(largest, float(differences.max()))
    return largest


def sample_texts(model: Model, seed: int = 0) -> list[str]:
    """Sentences in several scripts, an empty text, and random texts of each vocabulary's words, from one word to more than are read."""
    drawn = random.Random(seed)
    lengths = [*_LENGTHS, model.max_tokens, model.max_tokens + 5]
    words = [vocabulary.tokens[2:] for vocabulary in model.vocabularies.values()]
    return [*_SENTENCES, *(" ".join(drawn.choices(known, k=length)) for known in words for length in lengths)]


def _write_graph(graph: Graph, path: Path) -> None:
    """By PyTorch's exporter, with batch and length of each reading left open."""
    inputs: list[torch.Tensor] = []
    shapes: list[dict[int, Any]] = []
    names: list[str] = []
    for reading in graph.readings:
        axes = {0: torch.export.Dim(f"batch{reading.suffix}"), 1: torch.export.Dim(f"tokens{reading.suffix}")}
        ids = torch.randint(1, 3, (3, 7), generator=torch.Generator().manual_seed(0))
        inputs += [ids, torch.tensor([[1] * 7, [1] * 4 + [0] * 3, [1] + [0] * 6])]
        shapes += [axes, axes]
        names += reading.inputs
    with _quiet():
        program = torch.onnx.export(
            graph,
            tuple(inputs),
            dynamo=True,
            dynamic_shapes=(tuple(shapes),),
            input_names=names,
            output_names=graph.outputs,
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # the places in our code that it comes from: half of the file, and nobody else's business
    program.save(str(path))


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter speaks of torchvision, deprecations and constants; what matters comes as an exception."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _tokenizer(model: Model, reading: Reading) -> Tokenizer:
    """The vocabulary's tokenizer, normalising as the tasks want it, that cuts and pads by itself."""
    tokenizer = model.vocabularies[reading.vocabulary].tokenizer(reading.options)
    tokenizer.enable_truncation(max_length=model.max_tokens)
    tokenizer.enable_padding(pad_id=PAD, pad_token=tokenizer.id_to_token(PAD))  # which id does not matter: the mask hides it
    return tokenizer


def _tokenizer_file(reading: Reading) -> str:
    return f"tokenizer{reading.suffix}.json"


def _about(model: Model, readings: Sequence[Reading]) -> dict[str, Any]:
    """model.json: what to feed, and what comes out."""
    return {
        "library": __version__,
        "network": model.config.name,
        "fingerprint": model.fingerprint(),
        "max_tokens": model.max_tokens,
        "inputs": [{"ids": reading.inputs[0], "mask": reading.inputs[1], "tokenizer": _tokenizer_file(reading)} for reading in readings],
        "tasks": {task.name: _task(task, reading) for reading in readings for task in reading.tasks},
    }


def _task(task: Task, reading: Reading) -> dict[str, Any]:
    rating = {"mean": task.mean, "deviation": task.deviation} if task.kind == "rating" else {"temperature": task.temperature}
    return {
        "output": task.name,
        "inputs": list(reading.inputs),
        "kind": task.kind,
        "labels": list(task.labels),
        "activation": _ACTIVATIONS[task.kind],
        **rating,
    }


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(f"ONNX wants the package {name}, which is not installed; pip install 'polytask[onnx]'") from error
