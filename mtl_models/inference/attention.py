"""What a model looks at in a text: the weights of its attention, and what becomes of an answer when a word is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl_models.config.hierarchical import Hierarchical
from mtl_models.config.text import TextOptions
from mtl_models.errors import ConfigError
from mtl_models.inference.predictor import Prediction, Predictor
from mtl_models.networks.joint import AttentiveReader, Joint
from mtl_models.networks.model import Model
from mtl_models.networks.network import Batch, Network, evaluating
from mtl_models.tasks.kind import text_kind_of
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import Vocabulary

__all__ = ["Reading", "can_explain", "explain", "has_attention"]

Weights = NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """How a model read one text for the tasks that share a vocabulary and a normalising; n words."""

    index: int
    """Place of the text among those asked about."""
    text: str
    words: tuple[str, ...]
    """As they were read, at most `max_tokens` of the text."""
    unknown: tuple[bool, ...]
    """True for a word that the vocabulary lacks: the network saw `<unk>` in its place."""
    answers: tuple[Prediction, ...]
    """One for every task."""
    hops: Weights | None = None
    """Structured self-attention (hops, n); every row adds up to 1. None where the network has none."""
    heads: tuple[Weights, ...] = ()
    """Multi-head attention, for every transformer layer (heads, n, n): how much a word (second axis) takes from another (third)."""
    left_out: dict[str, Weights] = field(default_factory=dict)
    """Task -> (n,) how much the probability of the most probable label falls (of a rating: the rating itself) without the word."""


def has_attention(model: Model) -> bool:
    """Whether the network has attention to look at."""
    network = model.network
    return isinstance(network, Joint) and (network.transformer is not None or isinstance(network.reader, AttentiveReader))


def can_explain(model: Model) -> bool:
    """Whether `explain` takes it: a network that reads word by word, and marks words itself, has no one answer that a word adds to."""
    return not isinstance(model.config, Hierarchical)


def explain(
    model: Model, texts: Iterable[str], tasks: Sequence[str] | None = None, leave_out: bool | None = None
) -> Iterator[list[Reading]]:
    """For every text its readings: one for each vocabulary and normalising among `tasks` (default: all of the model's).

    With `leave_out` every word is left out once, which costs a pass per word and works for every network; by default it is done where
    there is no attention. The numbers of a text do not depend on the others. Raises `ConfigError` for a task the model does not have, and
    for a model that `can_explain` does not take.
    """
    if not can_explain(model):
        raise ConfigError(
            f"network.name: the answers of {model.config.name} cannot be explained; it has no attention, and marks words itself: "
            "`polytask predict` shows where what it found lies, and how sure it is"
        )
    wanted = [model.task(name) for name in (tasks if tasks is not None else [task.name for task in model.tasks])]
    alike: dict[tuple[str, TextOptions], list[Task]] = {}
    for task in wanted:
        alike.setdefault((task.vocabulary, task.text), []).append(task)
    wish = not has_attention(model) if leave_out is None else leave_out
    return ([_reading(model, index, text, readers, wish) for readers in alike.values()] for index, text in enumerate(texts))


def _reading(model: Model, index: int, text: str, tasks: Sequence[Task], leave_out: bool) -> Reading:
    vocabulary, options = model.vocabularies[tasks[0].vocabulary], tasks[0].text
    ids = vocabulary.encode([text], options, model.max_tokens)[0]
    answers = Predictor(model).predict([text], [task.name for task in tasks])
    batch = _batch(torch.tensor([ids]), tasks).to(model.network.device)
    with evaluating(model.network):
        hops, heads = _attention(model.network, batch)
        left_out = _left_out(model.network, ids, vocabulary, tasks) if leave_out else {}
    return Reading(
        index=index,
        text=text,
        words=_words(vocabulary, text, options, len(ids)),
        unknown=tuple(ids[place] == vocabulary.unknown for place in _places(vocabulary, ids)),
        answers=tuple(replace(answer, index=index) for answer in answers),
        hops=hops,
        heads=heads,
        left_out=left_out,
    )


def _places(vocabulary: Vocabulary, ids: Sequence[int]) -> range:
    """Where the text is among the ids, without the marks around it."""
    before, after = vocabulary.marks
    return range(before, len(ids) - after)


def _words(vocabulary: Vocabulary, text: str, options: TextOptions, count: int) -> tuple[str, ...]:
    """The words, or pieces of words, of a text of `count` ids; where a text has none, what stands for them."""
    before, after = vocabulary.marks
    words = tuple(vocabulary.words(text, options)[before : count - after])
    return words if words or before else (vocabulary.tokens[vocabulary.unknown],)


def _attention(network: Network, batch: Batch) -> tuple[Weights | None, tuple[Weights, ...]]:
    """Of a batch of one text: the hops, and the heads of every layer."""
    if not isinstance(network, Joint):
        return None, ()
    lengths = batch.lengths.to(batch.ids.device)
    words = network.words(batch)
    heads = [] if network.transformer is None else network.transformer.attention(words, lengths)
    hops = None
    if isinstance(network.reader, AttentiveReader):
        hops = _numbers(network.reader.attention(network.states(words, lengths), lengths)[1])
    return hops, tuple(_numbers(layer) for layer in heads)


def _left_out(network: Network, ids: Sequence[int], vocabulary: Vocabulary, tasks: Sequence[Task]) -> dict[str, Weights]:
    """Task -> what the answer loses with each word; without its only word a text is one `<unk>`."""
    places = _places(vocabulary, ids)
    if not places:
        return {task.name: np.empty(0, np.float32) for task in tasks}
    whole = torch.tensor([ids])
    shorter = torch.tensor([[*ids[:place], *ids[place + 1 :]] or [vocabulary.unknown] for place in places])
    full = network(_batch(whole, tasks).to(network.device)).logits
    less = network(_batch(shorter, tasks).to(network.device)).logits
    found = {}
    for task in tasks:
        before, after = text_kind_of(task).probabilities(full[task.name])[0], text_kind_of(task).probabilities(less[task.name])
        leading = int(before.argmax())
        found[task.name] = (before[leading] - after[:, leading]).float().cpu().numpy()
    return found


def _batch(ids: Tensor, tasks: Sequence[Task]) -> Batch:
    """Texts of one length (B, n), of which every task wants every row."""
    every = torch.arange(len(ids))
    return Batch(ids, torch.full((len(ids),), ids.shape[1]), {task.name: every for task in tasks})


def _numbers(weights: Tensor) -> Weights:
    """Of the one text of a batch."""
    numbers: Weights = weights[0].float().cpu().numpy()
    return numbers
