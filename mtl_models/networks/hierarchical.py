"""The hierarchical network: levels of one encoder over words, each with tasks of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from mtl_models.config.hierarchical import BASE
from mtl_models.config.hierarchical import Hierarchical as HierarchicalSection
from mtl_models.config.hierarchical import Level as LevelSection
from mtl_models.layers.by_name import ModulesByName
from mtl_models.layers.dropout import Dropout, LockedDropout
from mtl_models.layers.embeddings import Embeddings
from mtl_models.layers.letters import LetterConvolution
from mtl_models.layers.lstm import MaskedLstm
from mtl_models.layers.masks import text_mask
from mtl_models.layers.pooling import Pooling
from mtl_models.networks.backbone import Backbone, parts_of
from mtl_models.networks.network import Batch, Network, Output
from mtl_models.networks.windowed import WindowedBackbone
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.structure import structure_of
from mtl_models.tasks.task import Task

__all__ = ["Hierarchical", "TextHead"]


class TextHead(nn.Module):
    """The states of a level, pooled, and the head of a task that labels whole texts."""

    def __init__(self, config: HierarchicalSection, states: int, task: Task) -> None:
        super().__init__()
        self.pooling = Pooling(config.pooling, directions=2)
        self.dropout = Dropout(config.dropout)
        self.head = kind_of(task).head(states * len(config.pooling))

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """States (B, n, D) and lengths (B,) -> logits (B, K)."""
        logits: Tensor = self.head(self.dropout(self.pooling(states, lengths)))
        return logits


class Hierarchical(Network):
    """S_1 = Enc_1(g), S_l = Enc_l([g ; S_parent]) over a base g of words (Sanh, Wolf and Ruder 2019, section 3).

    A task reads the states of its level, and moves that level, those below it, and the base. A batch goes through the levels its tasks
    need, and each level reads the rows of the tasks on it or above it. A level that one task alone needs belongs to that task.
    """

    def __init__(self, config: HierarchicalSection, tasks: Sequence[Task], start: Mapping[str, Tensor | Backbone]) -> None:
        super().__init__(tasks)
        self.vocabulary = next((name for name, found in start.items() if isinstance(found, Backbone)), None)
        self.backbone: WindowedBackbone | None = None
        matrices = {name: found for name, found in start.items() if isinstance(found, Tensor)}
        words = 0
        if matrices:
            vocabulary_of = {task.name: config.word_vectors or task.vocabulary for task in tasks}
            self.embeddings = Embeddings(matrices, vocabulary_of, config.trainable_embeddings)
            words = self.embeddings.dimension
        if self.vocabulary is not None:
            self.backbone = _windowed(start[self.vocabulary], config.backbone_dropout)
            words += self.backbone.features
        letters = config.characters
        self.letters = None if letters is None else LetterConvolution(letters.dimension, letters.filters, letters.width, config.dropout / 2)
        self.base_features = words + (0 if self.letters is None else self.letters.features)
        self.sections = config.over(tuple(task.name for task in tasks))
        self.shortcut = config.shortcut
        self.levels = ModulesByName()
        for name, level in self.sections.items():
            inputs = self._inputs(level)
            self.levels[name] = MaskedLstm(inputs, level.hidden, level.layers, bidirectional=True, dropout=config.dropout)
        self.dropout = LockedDropout(config.dropout)
        self.level_of = {task: name for name, level in self.sections.items() for task in level.tasks}
        for task in tasks:
            states = 2 * self.sections[self.level_of[task.name]].hidden
            self.heads[task.name] = structure_of(task).head(states) if task.on_words else TextHead(config, states, task)
        self._on_words = {task.name for task in tasks if task.on_words}

    def forward(self, batch: Batch) -> Output:
        """One pass of the levels that the tasks of the batch need, then every head on its rows."""
        return Output({task: self._read(task, *found) for task, found in self._states(batch).items()})

    def base(self, batch: Batch) -> Tensor:
        """The vectors (B, n, F) of the words of every text; whatever on padding."""
        assert batch.words is not None, "a hierarchical network reads word by word"
        parts = [] if self.backbone is None else [self._in_backbone(batch) if batch.words.states is None else batch.words.states]
        if self.embeddings is not None:
            parts.append(self.embeddings(batch.ids if batch.words.beside is None else batch.words.beside, batch.rows))
        if self.letters is not None and batch.words.letters is not None:
            parts.append(self.letters(batch.words.letters))
        dropped: Tensor = self.dropout(torch.cat(parts, dim=2))
        return dropped

    def train(self, mode: bool = True) -> Hierarchical:
        """A backbone that does not move stays in evaluation mode."""
        super().train(mode)
        if self.backbone is not None and self.features_fixed:
            self.backbone.train(False)
        return self

    @property
    def features_fixed(self) -> bool:
        """Whether a backbone has one state for a word of a text as long as the trainable weights stay those that are trainable now."""
        return self.backbone is not None and not any(parameter.requires_grad for parameter in self.backbone.parameters())

    def features_named(self, task: str) -> str:  # noqa: ARG002  # others read the texts of each task in a way of its own
        """All tasks alike, in windows between the same special tokens."""
        return f"words {self.backbone.before} {self.backbone.after}" if self.backbone is not None else "words"

    def features_of(self, batch: Batch, task: str) -> Tensor:  # noqa: ARG002
        """The states (words, F) in the backbone of all running words, one text after another."""
        assert batch.words is not None
        states = self._in_backbone(batch)
        return states[text_mask(batch.words.lengths.to(states.device), states.shape[1])]

    def states(self, batch: Batch) -> dict[str, Tensor]:
        """Level -> the states (B, n, D) of every row, zero on padding, whichever tasks ask for it; before them `base`, whatever on padding.

        What probing looks at.
        """
        assert batch.words is not None
        lengths, every = batch.words.lengths.to(batch.ids.device), torch.arange(len(batch.ids), device=batch.ids.device)
        base = self.base(batch)
        found = self._levels(base, lengths, dict.fromkeys(self.sections, every))
        return {BASE: base} | {name: states for name, (_, states) in found.items()}

    def encoder_parts(self) -> list[nn.Module]:
        """The levels from the highest down, then the letters, the layers of a backbone, or the words."""
        words = [part for part in (self.letters, self.embeddings) if part is not None]
        backbone = [] if self.backbone is None else parts_of(self.backbone.encoder)
        return [*reversed([*self.levels.values()]), *words, *backbone]

    def starting_weights(self) -> Mapping[str, Tensor | Backbone]:
        """The word vectors and the architecture of the backbone, what there is of them."""
        words: dict[str, Tensor | Backbone] = {} if self.embeddings is None else {**self.embeddings.matrices()}
        if self.backbone is not None and self.vocabulary is not None:
            words[self.vocabulary] = self.backbone.origin
        return words

    def owned_by(self, tasks: Collection[str]) -> tuple[str, ...]:
        """With the levels that no other task needs."""
        others = [task.name for task in self.tasks if task.name not in tasks]
        kept = {name for task in others for name in self._below(self.level_of[task])}
        return (*super().owned_by(tasks), *(f"levels.{name}." for name in self.sections if name not in kept))

    def _in_backbone(self, batch: Batch) -> Tensor:
        """The states (B, n, F) of the words' first pieces."""
        assert self.backbone is not None
        assert batch.words is not None
        pieces: Tensor = self.backbone(batch.ids, batch.lengths.to(batch.ids.device, non_blocking=True))
        return pieces.gather(1, batch.words.first.unsqueeze(2).expand(-1, -1, pieces.shape[2]))

    def _states(self, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Task -> the states (B_t, n, D) of its rows in its level, and their lengths in words."""
        assert batch.words is not None
        lengths = batch.words.lengths.to(batch.ids.device, non_blocking=True)
        wanted: dict[str, list[Tensor]] = {}
        for task, rows in batch.rows.items():
            for level in self._below(self.level_of[task]):
                wanted.setdefault(level, []).append(rows)
        needed = {name: _distinct(wanted[name]) for name in self.sections if name in wanted}
        found = self._levels(self.base(batch), lengths, needed)
        states = {}
        for task, rows in batch.rows.items():
            read, of_level = found[self.level_of[task]]
            own = self.dropout(of_level[torch.searchsorted(read, rows)])
            longest = int(batch.words.lengths[rows.to(batch.words.lengths.device)].max()) if len(rows) else 1
            states[task] = own[:, :longest], lengths[rows]
        return states

    def _levels(self, base: Tensor, lengths: Tensor, rows: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
        """Level -> the rows it reads, rising, and their states; a level reads no row that its parent does not."""
        found: dict[str, tuple[Tensor, Tensor]] = {}
        for name, chosen in rows.items():
            parent = str(self.sections[name].parent)
            inputs = [base[chosen]] if self.shortcut or parent == BASE else []
            if parent != BASE:
                read, states = found[parent]
                inputs.append(self.dropout(states[torch.searchsorted(read, chosen)]))
            found[name] = chosen, self.levels[name](torch.cat(inputs, dim=2), lengths[chosen])
        return found

    def _read(self, task: str, states: Tensor, lengths: Tensor) -> object:
        head = self.heads[task]
        return head(states, text_mask(lengths, states.shape[1]) if task in self._on_words else lengths)

    def _inputs(self, level: LevelSection) -> int:
        if level.parent == BASE:
            return self.base_features
        return 2 * self.sections[str(level.parent)].hidden + (self.base_features if self.shortcut else 0)

    def _below(self, level: str) -> Iterable[str]:
        """The level and those it stands on, from the top down."""
        while level != BASE:
            yield level
            level = str(self.sections[level].parent)


def _windowed(start: Tensor | Backbone, dropout: float) -> WindowedBackbone:
    assert isinstance(start, Backbone)
    return WindowedBackbone(start, dropout)


def _distinct(rows: Sequence[Tensor]) -> Tensor:
    found: Tensor = torch.cat([*rows]).unique()  # type: ignore[no-untyped-call]
    return found
