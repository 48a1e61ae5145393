"""The hierarchical network: levels of one encoder over words, with tasks on each."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from mtl_models.config.backbone import BackboneSource, name_to_model
from mtl_models.config.base import Section

__all__ = ["BASE", "CharactersSection", "Hierarchical", "Level"]

BASE = "base"
"""The parent of a level that reads no other level."""


class CharactersSection(Section):
    """A convolution over the letters of a word (Chiu and Nichols 2016); letters are bytes of UTF-8, so that every script has them."""

    dimension: int = Field(16, ge=1, description="numbers per byte")
    filters: int = Field(64, ge=1, description="numbers a word gets")
    width: int = Field(3, ge=1, description="bytes a filter sees")
    longest: int = Field(24, ge=1, description="bytes of a word that are read")


class Level(Section):
    """One level: an LSTM in both directions over the base and the states of the level below it."""

    tasks: tuple[str, ...] = Field((), description="the tasks that read its states")
    parent: str | None = Field(None, description="the level it stands on; default: the one written before it; `base`: none")
    hidden: int = Field(128, ge=1, description="units per direction and layer")
    layers: int = Field(1, ge=1)


class Hierarchical(Section):
    """Levels of one encoder, simple tasks on low ones and hard tasks on high ones (Sanh, Wolf and Ruder 2019).

    The base of a word is its vector and what a convolution makes of its letters; or its state in a pre-trained encoder and that, with its
    vector where `word_vectors` names some.
    """

    name: Literal["hierarchical"]
    levels: dict[str, Level] = Field({}, description="name -> level, from the lowest up; default: a level per task, in their order")
    characters: CharactersSection | None = Field(CharactersSection(), description="convolution over the letters of a word; null is none")
    backbone: Annotated[BackboneSource | None, BeforeValidator(name_to_model)] = Field(
        None, description="a pre-trained encoder in place of the word vectors"
    )
    word_vectors: str | None = Field(None, description="beside a backbone: the key of `vocabularies` whose vectors words have too")
    shortcut: bool = Field(True, description="a level reads the base beside the level below it")
    pooling: tuple[Literal["last", "max", "mean"], ...] = Field(
        ("max", "mean"), min_length=1, description="states given to a task that labels whole texts, concatenated"
    )
    dropout: float = Field(0.3, ge=0.0, lt=1.0, description="on the base, between layers and on the states that heads read")
    backbone_dropout: float = Field(0.1, ge=0.0, lt=1.0, description="inside the backbone, where it moves")
    trainable_embeddings: bool = Field(True, description="train the embedding matrix, or keep it frozen")

    @model_validator(mode="after")
    def _vectors_stand_beside(self) -> Hierarchical:
        if self.word_vectors is not None and self.backbone is None:
            raise ValueError("word_vectors: names vectors beside a backbone, and there is none; without one words have theirs anyhow")
        return self

    @model_validator(mode="after")
    def _levels_stand(self) -> Hierarchical:
        tasks: set[str] = set()
        for name, level in self.levels.items():
            if name == BASE:
                raise ValueError(f"levels: '{BASE}' names what every level stands on; call the level otherwise")
            if level.parent not in (None, BASE, *self.levels):
                raise ValueError(f"levels.{name}.parent: there is no level '{level.parent}'; there are {', '.join(self.levels)}")
            twice = tasks & set(level.tasks)
            if twice:
                raise ValueError(f"levels.{name}.tasks: '{min(twice)}' hangs on a level already")
            tasks |= set(level.tasks)
        try:
            self._upwards(self._with_parents(self.levels))
        except CycleError as error:
            raise ValueError(f"levels: {' stands on '.join(error.args[1])}; no level can stand on itself") from None
        return self

    def over(self, tasks: tuple[str, ...]) -> dict[str, Level]:
        """The levels that `tasks` need, from the lowest up, each with its parent by name: their own and those these stand on."""
        whole = self._with_parents(self.levels or {task: Level(tasks=(task,)) for task in tasks})
        upwards = self._upwards(whole)
        needed = {name for name, level in whole.items() if set(level.tasks) & set(tasks)}
        for name in reversed(upwards):
            if name in needed and whole[name].parent != BASE:
                needed.add(str(whole[name].parent))
        return {name: whole[name] for name in upwards if name in needed}

    @staticmethod
    def _with_parents(levels: dict[str, Level]) -> dict[str, Level]:
        before = dict(zip(levels, [BASE, *levels], strict=False))
        return {name: level.model_copy(update={"parent": level.parent or before[name]}) for name, level in levels.items()}

    @staticmethod
    def _upwards(levels: dict[str, Level]) -> list[str]:
        """From the lowest up; `CycleError` where none is."""
        order = TopologicalSorter({name: {str(level.parent)} for name, level in levels.items()}).static_order()
        return [name for name in order if name != BASE]
