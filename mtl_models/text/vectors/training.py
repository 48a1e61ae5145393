"""Vectors trained on the train splits, for experiments that bring none: fastText's skip-gram (Bojanowski et al. 2017, arXiv:1607.04606)
with n-grams of 5 characters only (as Grave et al. 2018, arXiv:1802.06893; half the time of 3 to 6), by gensim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from mtl_models.config.text import TextOptions, Vectors
from mtl_models.progress import progress
from mtl_models.text.vectors.found import Found
from mtl_models.text.vocabulary import UNKNOWN, Vocabulary

__all__ = ["train_vectors"]

_NGRAM = 5
_BUCKETS_PER_WORD = 5
_FEWEST_BUCKETS = 10_000


def train_vectors(
    vocabulary: Vocabulary, config: Vectors, texts: Mapping[str, Iterable[str]], options: Mapping[str, TextOptions], seed: int
) -> Found:
    """Train on the texts as the network will see them, `<unk>` for rare words included, so that `<unk>` has a vector as well.

    The texts are read once per epoch. One worker thread: the same seed and texts give the same vectors in any process.
    """
    from gensim.models import FastText

    sentences = _Sentences(vocabulary, texts, options)
    model = FastText(
        vector_size=config.dimension,
        sg=1,
        min_count=1,
        min_n=_NGRAM,
        max_n=_NGRAM,
        bucket=max(_FEWEST_BUCKETS, _BUCKETS_PER_WORD * vocabulary.size),
        epochs=config.epochs,
        seed=seed,
        workers=1,
    )
    model.build_vocab(corpus_iterable=sentences)
    model.train(corpus_iterable=sentences, total_examples=model.corpus_count, epochs=config.epochs)
    ids = [index for index, token in enumerate(vocabulary.tokens) if index >= UNKNOWN and token in model.wv.key_to_index]
    values = np.stack([model.wv[vocabulary.tokens[index]] for index in ids]).astype(np.float32)
    return Found(np.asarray(ids, np.int64), values)


class _Sentences:
    """The train texts as lists of tokens, read anew whenever somebody iterates."""

    def __init__(self, vocabulary: Vocabulary, texts: Mapping[str, Iterable[str]], options: Mapping[str, TextOptions]) -> None:
        self._vocabulary = vocabulary
        self._texts = texts
        self._options = options

    def __iter__(self) -> Iterator[list[str]]:
        tokens = self._vocabulary.tokens
        for task, rows in self._texts.items():
            encoded = self._vocabulary.encode_each(rows, self._options[task])
            for ids in progress(encoded, f"training vectors, texts of {task}", unit="texts"):
                yield [tokens[index] for index in ids]
