"""The words of one group of tasks, and texts as their ids: a word-level tokenizer of Hugging Face `tokenizers`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from mtl_models.config import text as config
from mtl_models.config.text import TextOptions
from mtl_models.errors import ConfigError, ModelFolderError
from mtl_models.files import writing_file
from mtl_models.text.normalising import normalizer, splitter

__all__ = ["PAD", "UNKNOWN", "Vocabulary", "build_vocabulary", "well_formed_batches"]

PAD, UNKNOWN = 0, 1
_SPECIAL = ("<pad>", "<unk>")
_BATCH = 2048
_APART = "\x1f"
"""Between words that are split already: no word holds it."""
_SURROGATE = re.compile("[\ud800-\udfff]")


class Vocabulary:
    """Words and their ids: `<pad>` is 0, `<unk>` is 1, then the words from the most to the least frequent.

    The splitter never forms `<pad>` or `<unk>`, so that no text can hold them as words: whoever types `<pad>` gets three tokens.
    tokenizer.json alone turns texts into ids as `encode` does for the options that all tasks of the group share (for the default
    options where the tasks differ); `encode` puts the normalizer of the given options in its place.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._by_options: dict[TextOptions, Tokenizer] = {}

    @property
    def size(self) -> int:
        """Number of ids, the two special ones included."""
        return int(self._tokenizer.get_vocab_size())

    @property
    def unknown(self) -> int:
        """The id of a word that is not in the vocabulary."""
        return UNKNOWN

    @property
    def marks(self) -> tuple[int, int]:
        """How many ids of every text are no part of it: before it, after it."""
        return 0, 0

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The token of every id, in the order of the ids."""
        ids: dict[str, int] = self._tokenizer.get_vocab()
        return tuple(sorted(ids, key=ids.__getitem__))

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of tokenizer.json; equal words in equal order, split by the same rules, have an equal fingerprint."""
        return hashlib.sha256(self._tokenizer.to_str().encode()).hexdigest()

    def encode(self, texts: Iterable[str], options: TextOptions, max_tokens: int | None = None) -> list[list[int]]:
        """Token ids of every text, cut after `max_tokens`. Never empty: a text without a token is one `<unk>`."""
        return list(self.encode_each(texts, options, max_tokens))

    def encode_each(self, texts: Iterable[str], options: TextOptions, max_tokens: int | None = None) -> Iterator[list[int]]:
        """As `encode`, one text after the other, for corpora that are better not held as a whole."""
        tokenizer = self._with(options)
        for batch in well_formed_batches(texts):
            for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
                yield encoding.ids[:max_tokens] or [UNKNOWN]

    def words(self, text: str, options: TextOptions) -> list[str]:
        """The tokens of one text as words, known or not, before they become ids."""
        tokenizer = self._with(options)
        normalised = tokenizer.normalizer.normalize_str(_well_formed(text))
        return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normalised)]

    def pieces(self, words: Sequence[str], options: TextOptions) -> list[list[int]]:
        """The ids of every word by itself, at least one: here its own, whatever the splitter would make of it."""
        return [ids[:1] for ids in self.encode(words, options.model_copy(update={"words": "spaces"}))]

    def tokenizer(self, options: TextOptions) -> Tokenizer:
        """A tokenizer of its own, to be changed and saved, that turns texts into ids as `encode` does for these options."""
        return Tokenizer.from_str(self._with(options).to_str())

    def save(self, path: Path) -> None:
        """Write tokenizer.json; it appears whole or not at all."""
        with writing_file(path) as draft:
            draft.write_text(self._tokenizer.to_str(pretty=True), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read what `save` wrote. Raises `ModelFolderError` where the file is missing, damaged or of another kind."""
        try:
            tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except Exception as error:  # tokenizers raises bare Exception for damaged JSON
            raise ModelFolderError(f"{path}: cannot be read as a vocabulary ({error}); save the model again") from error
        ids = tokenizer.get_vocab()
        if [ids.get(token) for token in _SPECIAL] != [PAD, UNKNOWN] or set(ids.values()) != set(range(len(ids))):
            raise ModelFolderError(f"{path}: not a vocabulary of Polytask: <pad> must be id 0, <unk> id 1, and no id may be missing")
        return cls(tokenizer)

    def _with(self, options: TextOptions) -> Tokenizer:
        """The same words and splitter (shared, not copied) behind the normalizer of `options`."""
        if options not in self._by_options:
            tokenizer = Tokenizer(self._tokenizer.model)
            tokenizer.normalizer = normalizer(options)
            tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit() if options.words == "spaces" else self._tokenizer.pre_tokenizer
            self._by_options[options] = tokenizer
        return self._by_options[options]


def build_vocabulary(
    texts: Mapping[str, Iterable[str]], options: Mapping[str, TextOptions], config: config.Vocabulary, extra: Iterable[str] = ()
) -> Vocabulary:
    """Count the words of the given train texts, by task, and keep the most frequent; then the words `extra`, in their order.

    The order of the ids follows the counts and, among equals, the words themselves: it does not depend on the order of tasks or texts.
    An extra word that no task's normalising gives as it stands is left out: no text would ever have it.
    `options` has the same keys as `texts`. Raises `ConfigError` where no word is frequent enough.
    """
    counter = Tokenizer(models.WordLevel(unk_token=_SPECIAL[UNKNOWN]))
    apart = any(wish.words == "spaces" for wish in options.values())
    counter.pre_tokenizer = pre_tokenizers.Split(Regex(_APART), behavior="removed") if apart else splitter()
    trainer = trainers.WordLevelTrainer(
        vocab_size=config.max_size, min_frequency=config.min_count, special_tokens=list(_SPECIAL), show_progress=False
    )
    counter.train_from_iterator(_words_apart(texts, options) if apart else _normalised(texts, options), trainer)
    ids = counter.get_vocab()
    if len(ids) == len(_SPECIAL):
        raise ConfigError(
            f"min_count: no word occurs {config.min_count} times in the train texts of {', '.join(texts)}; lower min_count or add texts"
        )
    for word in _reachable(extra, options):
        ids.setdefault(word, len(ids))
    # A fresh tokenizer: the trainer has registered the special tokens as ones to be found in texts, which must not happen.
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=_SPECIAL[UNKNOWN]))
    tokenizer.pre_tokenizer = splitter()
    shared = set(options.values())
    tokenizer.normalizer = normalizer(shared.pop() if len(shared) == 1 else TextOptions())
    return Vocabulary(tokenizer)


def _reachable(words: Iterable[str], options: Mapping[str, TextOptions]) -> Iterator[str]:
    ways = [normalizer(wish) for wish in dict.fromkeys(options.values())]
    return (word for word in words if word and any(way.normalize_str(word) == word for way in ways))


def _normalised(texts: Mapping[str, Iterable[str]], options: Mapping[str, TextOptions]) -> Iterator[str]:
    for task, rows in texts.items():
        normalise = normalizer(options[task]).normalize_str
        for batch in well_formed_batches(rows):
            yield from map(normalise, batch)


def _words_apart(texts: Mapping[str, Iterable[str]], options: Mapping[str, TextOptions]) -> Iterator[str]:
    """The same, split already: each text by the way of its task."""
    for task, rows in texts.items():
        split = pre_tokenizers.WhitespaceSplit() if options[task].words == "spaces" else splitter()
        for text in _normalised({task: rows}, options):
            yield _APART.join(word for word, _ in split.pre_tokenize_str(text))


def well_formed_batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts in lists, as UTF-8 can express them."""
    rest = iter(texts)
    while batch := list(islice(rest, _BATCH)):
        yield [_well_formed(text) for text in batch]


def _well_formed(text: str) -> str:
    """The text without lone surrogates, which UTF-8 cannot express; they come from broken JSON escapes only."""
    return text if text.isascii() else _SURROGATE.sub(" ", text)
