"""What turns texts into token ids: a vocabulary of words, or the tokenizer of a backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from mtl_models.config.text import TextOptions

__all__ = ["Encoder"]


class Encoder(Protocol):
    """What encoding wants of a vocabulary."""

    @property
    def fingerprint(self) -> str:
        """Equal for equal vocabularies only."""

    @property
    def unknown(self) -> int:
        """The id of what the vocabulary does not know."""

    def encode(self, texts: Any, options: TextOptions, max_tokens: int | None) -> list[list[int]]:
        """The token ids of each text, at least one."""

    def pieces(self, words: Sequence[str], options: TextOptions) -> list[list[int]]:
        """The ids of every word by itself, at least one."""
