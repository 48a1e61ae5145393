"""What a user loses if these fail: synonyms that are none, or a file of vectors that serves networks and not synonyms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gensim.models import FastText

from mtl_models.errors import VectorsError
from mtl_models.text.vectors.neighbours import nearest_words

LEAST = -1.0


def everything(words: list[str]) -> list[bool]:
    return [True] * len(words)


@pytest.mark.parametrize("kind", ["glove", "word2vec", "word2vec-binary", "fasttext"])
def test_the_nearest_are_those_that_gensim_finds(kind: str, files: dict[str, Path], model: FastText) -> None:
    words = ["cat", "word7", "फिल्म"]
    found = nearest_words(files[kind], words, everything, 4, LEAST)
    texts = [word for word in model.wv.index_to_key if word[0].isalnum() and word == word.lower()]
    for word in words:
        others = [other for other in texts if other != word]
        cosines = model.wv.cosine_similarities(model.wv[word], np.stack([model.wv[other] for other in others]))
        assert list(found[word]) == [others[place] for place in np.argsort(-cosines)[:4]]


def test_a_compressed_file_and_words_without_a_vector(
    files: dict[str, Path], tmp_path: Path, compress: Callable[[Path, str, Path], Path]
) -> None:
    found = nearest_words(compress(files["glove"], ".zip", tmp_path), ["cat", "unheard"], everything, 2, LEAST)
    assert set(found) == {"cat"}
    assert found == nearest_words(files["glove"], ["cat"], everything, 2, LEAST)


def test_a_bin_of_fasttext_gives_neighbours_among_the_words_asked_for(files: dict[str, Path]) -> None:
    found = nearest_words(files["fasttext-binary"], ["cat", "mat", "unheard"], everything, 2, LEAST)
    assert {word: set(near) for word, near in found.items()} == {
        "cat": {"mat", "unheard"},
        "mat": {"cat", "unheard"},
        "unheard": {"cat", "mat"},
    }


def test_only_known_words_are_neighbours(files: dict[str, Path]) -> None:
    found = nearest_words(files["glove"], ["cat", "dog"], lambda words: [word in ("dog", "mat") for word in words], 5, LEAST)
    assert set(found["cat"]) == {"dog", "mat"}
    assert found["dog"] == ("mat",)
    assert nearest_words(files["glove"], ["cat"], lambda words: [False] * len(words), 5, LEAST) == {}


def test_what_is_not_near_enough_is_no_neighbour(files: dict[str, Path], model: FastText) -> None:
    cosines = [model.wv.similarity("cat", word) for word in nearest_words(files["glove"], ["cat"], everything, 50, LEAST)["cat"]]
    near = nearest_words(files["glove"], ["cat"], everything, 50, float(np.median(cosines)))["cat"]
    assert len(near) == 25


def test_a_file_of_another_language_says_so(files: dict[str, Path]) -> None:
    with pytest.raises(VectorsError, match=r"has none of the 1 words; is it of the same language"):
        nearest_words(files["glove"], ["unheard"], everything, 2, LEAST)
