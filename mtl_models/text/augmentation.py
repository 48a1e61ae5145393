"""Easy data augmentation (Wei and Zou 2019, arXiv:1901.11196, section 2): a text again, with words swapped, left out or put otherwise.

Words are those of the project's splitter, so that scripts without spaces have them too; what stands between them (spaces, punctuation,
web addresses, @names) stays where it is. Random insertion, the paper's fourth operation, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random

from mtl_models.config.augmentation import Augmentation
from mtl_models.text.normalising import splitter

__all__ = ["Augmenter", "words_of"]

Change = Callable[[list[str], Random], Sequence[str]]

_SPLITTER = splitter()
_APOSTROPHES = str.maketrans("\u2018\u2019\uff07", "'''")
_KEPT = re.compile(r"(?:https?://|www\.)\S+|@\w+", re.IGNORECASE)
_SPACES = re.compile(r"(\s)\s+")


class Augmenter:
    """Makes altered copies of texts by `section`; `neighbours` lower-cased word -> words near it, nearest first or in any other order.

    A copy depends on the seed, the text and the name of the copy alone.
    """

    def __init__(self, section: Augmentation, neighbours: Mapping[str, Sequence[str]], seed: int) -> None:
        self._section = section
        self._neighbours = neighbours
        self._seed = seed
        rates: dict[Change, float] = {self._swapped: section.swap, self._thinned: section.delete, self._reworded: section.synonyms}
        self._changes = [change for change, rate in rates.items() if rate > 0]

    def copy(self, text: str, name: str) -> str:
        """The text, altered in one way; as it is where that way finds nothing to do. Never without a word where the text has one."""
        spans = _spans(text)
        if not spans:
            return text
        random = Random(f"{self._seed} {name}")
        change = random.choice(self._changes)
        changed = change([text[start:end] for start, end in spans], random)
        starts, ends = [start for start, _ in spans], [end for _, end in spans]
        between = [text[end:start] for end, start in zip([0, *ends], [*starts, len(text)], strict=True)]
        found = between[0] + "".join(word + gap for word, gap in zip(changed, between[1:], strict=True))
        return found if all(changed) else _SPACES.sub(r"\1", found).strip()

    def _swapped(self, words: list[str], random: Random) -> list[str]:
        for _ in range(_share(self._section.swap, words) if len(words) > 1 else 0):
            one, other = random.sample(range(len(words)), 2)
            words[one], words[other] = words[other], words[one]
        return words

    def _thinned(self, words: list[str], random: Random) -> list[str]:
        """With nothing in the place of a word that is left out."""
        kept = [word if random.random() >= self._section.delete else "" for word in words]
        if not any(kept):
            place = random.randrange(len(words))
            kept[place] = words[place]
        return kept

    def _reworded(self, words: list[str], random: Random) -> list[str]:
        places = [place for place, word in enumerate(words) if self._neighbours.get(word.lower())]
        for place in random.sample(places, min(_share(self._section.synonyms, words), len(places))):
            words[place] = _cased(random.choice(self._neighbours[words[place].lower()]), words[place])
        return words


def words_of(text: str) -> list[str]:
    """The words of a text, as they stand in it."""
    return [text[start:end] for start, end in _spans(text)]


def _spans(text: str) -> list[tuple[int, int]]:
    """Where the words of a text are; `don't`, which the splitter takes apart, is one."""
    plain = _KEPT.sub(lambda found: " " * len(found[0]), text.translate(_APOSTROPHES))
    spans: list[tuple[int, int]] = []
    for token, (start, end) in _SPLITTER.pre_tokenize_str(plain):
        if spans and spans[-1][1] == start and "'" in token:
            spans[-1] = (spans[-1][0], end)
        elif token[0].isalnum():
            spans.append((start, end))
    return spans


def _share(rate: float, words: Sequence[str]) -> int:
    return max(1, round(rate * len(words)))


def _cased(word: str, like: str) -> str:
    """The word in small or capital letters as `like` is."""
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[0].upper() + word[1:] if like[0].isupper() else word
