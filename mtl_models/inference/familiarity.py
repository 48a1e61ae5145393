"""Whether a model can read texts at all: the script they are written in, and how many of their words it knows."""

from __future__ import annotations

import functools
import random
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence

from mtl_models.config.text import TextOptions
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.subwords import Subwords
from mtl_models.text.vocabulary import Vocabulary
from mtl_models.text.words import places_of_words

__all__ = ["CutTexts", "UnfamiliarTexts", "cut_texts", "unfamiliar"]

_LOOKED_AT = 256
"""Texts of a call that are looked at, drawn with a fixed seed: enough to see another language, and next to no time."""

_TOLD_FROM = 0.1
"""Share of the texts from which on something is said: a stray quotation in another language is nothing to speak of."""

_KNOWN_SCRIPT = 0.01
"""Share of a vocabulary's words from which on their script is one that the model was trained on."""


class UnfamiliarTexts(UserWarning):
    """Texts that the model can hardly have learned to read. It answers all the same."""


class CutTexts(UserWarning):
    """Texts with words to be marked behind the last that the model reads. Those before are."""


def cut_texts(model: Model, texts: Sequence[str], tasks: Collection[str] | None = None) -> list[str]:
    """A line, the same whatever the texts, where a text has more words than the model reads for a task among `tasks` (default: all) whose
    labels lie on words.
    """
    readers = [task.name for task in model.tasks if task.on_words and (tasks is None or task.name in tasks)]
    most = model.max_tokens
    # A word takes a character at least.
    if not readers or not any(len(text) > most and len(places_of_words(text)) > most for text in texts):
        return []
    return [f"{', '.join(readers)}: the first {most} words of a text are read, and nothing behind them; cut longer texts in parts"]


def unfamiliar(model: Model, texts: Sequence[str], tasks: Collection[str] | None = None) -> list[str]:
    """A line for each vocabulary among `tasks` (default: all) that does not fit the texts; the same words for the same fault.

    Said where at least a tenth of the texts are mostly in a script that fewer than one in a hundred of its words have, or have more
    unknown words than known ones. Texts without letters do not count.
    """
    looked_at = random.Random(0).sample(texts, min(len(texts), _LOOKED_AT))
    sample = [text for text in looked_at if any(map(str.isalpha, text))]
    groups: dict[tuple[str, TextOptions], list[Task]] = {}
    for task in model.tasks:
        if tasks is None or task.name in tasks:
            options = task.text.model_copy(update={"words": "split"}) if task.on_words else task.text  # as people write them
            groups.setdefault((task.vocabulary, options), []).append(task)
    lines = []
    for (name, options), readers in groups.items():
        fault = _fault(model.vocabularies[name], options, sample, model.max_tokens)
        if fault:
            lines.append(f"{', '.join(task.name for task in readers)}: {fault}; do not rely on these answers")
    return lines


def _fault(vocabulary: Vocabulary, options: TextOptions, texts: Sequence[str], max_tokens: int) -> str | None:
    if not texts:
        return None
    if not isinstance(vocabulary, Subwords):  # pieces of bytes have no script
        known = _scripts(vocabulary)
        foreign = Counter(script for script in map(_main_script, texts) if script not in known)
        if foreign.total() >= _TOLD_FROM * len(texts):
            return f"texts in {foreign.most_common(1)[0][0]} script, but the words that the model knows are in {', '.join(known) or 'none'}"
    unknown = [ids.count(vocabulary.unknown) > len(ids) / 2 for ids in vocabulary.encode(texts, options, max_tokens)]
    if sum(unknown) >= _TOLD_FROM * len(texts):
        return "texts of which the model does not know most words"
    return None


@functools.lru_cache(maxsize=8)
def _scripts(vocabulary: Vocabulary) -> tuple[str, ...]:
    """The scripts of its words, the most frequent first."""
    words = (token for token in vocabulary.tokens if not (token.startswith("<") and token.endswith(">")))  # no <unk>, no <url>
    found = Counter(_script(letter) for word in words if (letter := next(filter(str.isalpha, word), None)))
    return tuple(script for script, count in found.most_common() if count >= _KNOWN_SCRIPT * found.total())


def _main_script(text: str) -> str:
    return Counter(_script(letter) for letter in text if letter.isalpha()).most_common(1)[0][0]


@functools.cache
def _script(letter: str) -> str:
    """The script of a letter by its Unicode name, which begins with it: DEVANAGARI LETTER KA."""
    word = unicodedata.name(letter, "unknown").split(" ")[0].split("-")[0].capitalize()
    return "Han" if word == "Cjk" else word
