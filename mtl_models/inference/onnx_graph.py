"""A model as one graph: token ids and masks in, the logits of every head out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mtl_models.config.text import TextOptions
from mtl_models.errors import ConfigError
from mtl_models.inference.onnx_layers import exportable
from mtl_models.layers.dln.norms import stacked_norms
from mtl_models.layers.masks import text_mask
from mtl_models.layers.pooling import pooled
from mtl_models.networks.dlnc import Dlnc, DlncHead
from mtl_models.networks.joint import Joint
from mtl_models.networks.lstm_linear import LstmLinear
from mtl_models.networks.model import Model
from mtl_models.networks.network import Batch, SharedEncoder
from mtl_models.networks.sentence_encoder import SentenceEncoder
from mtl_models.tasks.task import Task

__all__ = ["Graph", "Reading", "readings_of"]

_EXPORTED = (Joint, LstmLinear, Dlnc, SentenceEncoder)


@dataclass(frozen=True)
class Reading:
    """Tasks that read alike: one vocabulary, one normalising, so one pair of inputs and one tokenizer."""

    vocabulary: str
    options: TextOptions
    tasks: tuple[Task, ...]
    unknown: int
    """The id that a text without a token is read as."""
    suffix: str
    """Of the names of its inputs and of its tokenizer's file; empty where there is only one reading."""

    @property
    def inputs(self) -> tuple[str, str]:
        """Names of the token ids (B, n) and of the mask (B, n), both int64."""
        return f"input_ids{self.suffix}", f"attention_mask{self.suffix}"


def readings_of(model: Model) -> list[Reading]:
    """The model's tasks by how they read, in the order of their first task."""
    groups: dict[tuple[str, TextOptions], list[Task]] = {}
    for task in model.tasks:
        groups.setdefault((task.vocabulary, task.text), []).append(task)
    names = [name for name, _ in groups]
    suffixes = [""] if len(groups) == 1 else [f"_{name}" if names.count(name) == 1 else f"_{place}" for place, name in enumerate(names)]
    return [
        Reading(name, options, tuple(tasks), max(model.vocabularies[name].unknown, 0), suffix)
        for ((name, options), tasks), suffix in zip(groups.items(), suffixes, strict=True)
    ]


class Graph(nn.Module):
    """All heads over a copy of the model's network that exports. Raises `ConfigError` where the network does not."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        if not isinstance(model.network, _EXPORTED):
            raise ConfigError(
                f"network.name: {model.config.name} cannot be exported to ONNX; those that can: joint_lstm, joint_lstm_attention, "
                "joint_transformer_lstm, joint_transformer_lstm_attention, dlnc, lstm_linear, sentence_encoder"
            )
        if isinstance(model.network, SentenceEncoder) and model.network.per_task:
            raise ConfigError("network.lora: adapters per task cannot be exported to ONNX; train with `lora: {shared: true}`, or without")
        self.readings = readings_of(model)
        self.network = exportable(model.network)
        self.outputs = [task.name for reading in self.readings for task in reading.tasks]

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Ids and mask (B, n) of each reading, in order -> logits (B, K) of each of `outputs`.

        The mask is 1 on the text and 0 after it. A text without a token is one unknown word, as everywhere.
        """
        found: list[Tensor] = []
        for place, reading in enumerate(self.readings):
            ids, mask = inputs[2 * place], inputs[2 * place + 1]
            lengths = mask.sum(1)
            empty = (lengths == 0).unsqueeze(1)
            first = torch.where(empty, reading.unknown, ids[:, :1])
            ids = torch.cat([first, ids[:, 1:]], dim=1)
            found += self._logits(ids, lengths.clamp(min=1), reading.tasks)
        return tuple(found)

    def _logits(self, ids: Tensor, lengths: Tensor, tasks: Sequence[Task]) -> list[Tensor]:
        network = self.network
        if isinstance(network, Dlnc):
            return [_dlnc_logits(network, task.name, ids, lengths) for task in tasks]
        assert isinstance(network, SharedEncoder)
        if isinstance(network, SentenceEncoder):
            features = _sentence_vectors(network, ids, lengths)
        else:
            every = torch.arange(ids.shape[0], device=ids.device)
            batch = Batch(ids, lengths, {task.name: every for task in tasks})
            features, _ = network.encode_together(batch) if isinstance(network, Joint) else network.encode(batch)
        shared = network.shared_heads
        return [network.heads[task.name](features) + (0.0 if shared is None else shared(task.name, features)) for task in tasks]


def _dlnc_logits(network: Dlnc, task: str, ids: Tensor, lengths: Tensor) -> Tensor:
    """As `Dlnc.forward`, all rows under the norms of one task."""
    head = network.heads[task]
    assert isinstance(head, DlncHead)
    vectors = network.embeddings(ids, {task: ids})
    h, c = network.encoder(vectors, lengths, stacked_norms([head.encoder_norms]))
    owner = torch.zeros_like(lengths)
    cell = network.classifier_cell if head.cell is None else head.cell
    assert cell is not None
    x = None if head.embedding is None else head.embedding.expand(h.shape[0], -1)
    logits: Tensor = head.output(cell(x, h, c, stacked_norms([head.classifier_norms]), owner))
    return logits


def _sentence_vectors(network: SentenceEncoder, ids: Tensor, lengths: Tensor) -> Tensor:
    """As `SentenceEncoder.pooled` where all tasks share an adapter, or there is none."""
    mask = text_mask(lengths, ids.shape[1]).to(torch.int64)
    states: Tensor = network.backbone(input_ids=ids * mask, attention_mask=mask).last_hidden_state
    return pooled(network.pooling, states, lengths)
