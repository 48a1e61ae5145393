"""The tokenizer that a pre-trained encoder came with: pieces of words, and the marks it puts around a text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path

from tokenizers import Tokenizer

from mtl_models.config.text import TextOptions
from mtl_models.errors import ConfigError, ModelFolderError
from mtl_models.text.vocabulary import Vocabulary, well_formed_batches

__all__ = ["Subwords", "load_vocabulary"]


class Subwords(Vocabulary):
    """A fast tokenizer of Hugging Face as it is: its own normalising, so `TextOptions` play no part, and its special tokens."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__(tokenizer)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._by_length: dict[int | None, Tokenizer] = {None: tokenizer}

    @cached_property
    def unknown(self) -> int:
        """The id of a piece that the tokenizer does not know; -1 where it knows every byte."""
        model = json.loads(self._tokenizer.to_str())["model"]
        if isinstance(model.get("unk_id"), int):
            return int(model["unk_id"])
        found = self._tokenizer.token_to_id(str(model.get("unk_token")))
        return -1 if found is None else found

    @cached_property
    def marks(self) -> tuple[int, int]:
        """The special tokens before and after a text."""
        mask = self._tokenizer.encode("a").special_tokens_mask
        text = [place for place, special in enumerate(mask) if not special]
        return text[0], len(mask) - 1 - text[-1]

    def encode_each(self, texts: Iterable[str], options: TextOptions, max_tokens: int | None = None) -> Iterator[list[int]]:  # noqa: ARG002
        """Token ids with the special tokens around them, which count among `max_tokens` and are never cut off."""
        tokenizer = self._cut_after(max_tokens)
        for batch in well_formed_batches(texts):
            for encoding in tokenizer.encode_batch_fast(batch):
                yield encoding.ids or [max(self.unknown, 0)]

    def pieces(self, words: Sequence[str], options: TextOptions) -> list[list[int]]:  # noqa: ARG002
        """The pieces of every word by itself, without special tokens, at least one."""
        found = self._tokenizer.encode_batch_fast([*chain.from_iterable(well_formed_batches(words))], add_special_tokens=False)
        return [encoding.ids or [max(self.unknown, 0)] for encoding in found]

    @property
    def around(self) -> tuple[list[int], list[int]]:
        """The ids of the special tokens before and after a text."""
        ids, (before, after) = self._tokenizer.encode("a").ids, self.marks
        return ids[:before], ids[len(ids) - after :]

    def tokenizer(self, options: TextOptions) -> Tokenizer:  # noqa: ARG002
        """A tokenizer of its own, to be changed and saved."""
        return Tokenizer.from_str(self._tokenizer.to_str())

    def words(self, text: str, options: TextOptions) -> list[str]:  # noqa: ARG002
        """The pieces of one text, special tokens included: one for every id."""
        return list(self._tokenizer.encode(next(well_formed_batches([text]))[0]).tokens)

    @classmethod
    def load(cls, path: Path) -> Subwords:
        """Read what `save` wrote. Raises `ModelFolderError` where the file is missing or damaged."""
        return cls(_read(path))

    def _cut_after(self, max_tokens: int | None) -> Tokenizer:
        if max_tokens is not None and max_tokens not in self._by_length:
            tokenizer = Tokenizer.from_str(self._tokenizer.to_str())
            marks = tokenizer.num_special_tokens_to_add(is_pair=False)
            if max_tokens <= marks:
                raise ConfigError(f"max_tokens: {max_tokens} leaves no room beside the {marks} special tokens of the backbone; raise it")
            tokenizer.enable_truncation(max_length=max_tokens)
            self._by_length[max_tokens] = tokenizer
        return self._by_length[max_tokens]


def load_vocabulary(path: Path) -> Vocabulary:
    """The vocabulary in a tokenizer.json: whole words, or the pieces of a backbone. Raises `ModelFolderError`."""
    words = json.loads(_read(path).to_str())["model"]["type"] == "WordLevel"
    return Vocabulary.load(path) if words else Subwords.load(path)


def _read(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # tokenizers raises bare Exception for damaged JSON
        raise ModelFolderError(f"{path}: cannot be read as a vocabulary ({error}); save the model again") from error
