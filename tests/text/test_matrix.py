"""The embedding matrix: what a user loses is rows that belong to other words, draws that change, and a coverage that flatters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.config.text import TextOptions, Vectors
from mtl_models.config.text import Vocabulary as VocabularyConfig
from mtl_models.errors import ModelFolderError, VectorsError
from mtl_models.text.matrix import EmbeddingMatrix, build_matrix
from mtl_models.text.vocabulary import PAD, UNKNOWN, build_vocabulary

PLAIN = TextOptions()
CASED = TextOptions(lowercase=False)
TEXTS = {"news": ["the cat sat", "the dog sat zzz"], "tweets": ["The Cat qqq qqq", "rare"]}
OPTIONS = {"news": PLAIN, "tweets": CASED}
GLOVE = {"the": [1.0, 10.0], "cat": [3.0, 30.0], "sat": [5.0, 50.0], "Cat": [7.0, 70.0]}


@pytest.fixture
def vocabulary():
    return build_vocabulary(TEXTS, OPTIONS, VocabularyConfig(min_count=1, max_size=10))


@pytest.fixture
def glove(tmp_path):
    path = tmp_path / "glove.2d.txt"
    path.write_text("".join(f"{word} {' '.join(map(str, numbers))}\n" for word, numbers in GLOVE.items()))
    return path


def test_every_row_is_its_words(vocabulary, glove):
    matrix = build_matrix(vocabulary, Vectors(), glove, TEXTS, OPTIONS, 1)
    rows = dict(zip(vocabulary.tokens, matrix.values, strict=True))
    assert matrix.values.dtype == np.float32
    assert matrix.values.shape == (vocabulary.size, 2)
    assert not rows["<pad>"].any()
    for word, numbers in GLOVE.items():
        assert rows[word].tolist() == numbers
    assert rows["The"].tolist() == GLOVE["the"]
    assert rows["Cat"].tolist() != rows["cat"].tolist()
    assert rows["<unk>"].any()
    assert rows["qqq"].any()
    assert "glove.2d.txt: 5 of 8 words" in matrix.origin


def test_coverage_counts_every_running_word(vocabulary, glove):
    coverage = build_matrix(vocabulary, Vectors(), glove, TEXTS, OPTIONS, 1).coverage
    # By count, then by word, 8 fit: qqq sat the, Cat The cat dog rare; zzz is unknown.
    assert vocabulary.tokens[2:] == ("qqq", "sat", "the", "Cat", "The", "cat", "dog", "rare")
    assert coverage["news"].types == pytest.approx(3 / 4)
    assert coverage["news"].tokens == pytest.approx(5 / 7)
    assert coverage["news"].unknown == pytest.approx(1 / 7)
    assert coverage["tweets"].types == pytest.approx(2 / 4)
    assert coverage["tweets"].tokens == pytest.approx(2 / 5)
    assert coverage["tweets"].unknown == 0


def test_a_vector_of_unknown_in_the_file_is_used(vocabulary, glove):
    with glove.open("a") as file:
        file.write("<unk> 8 8\n<pad> 9 9\n")
    matrix = build_matrix(vocabulary, Vectors(), glove, TEXTS, OPTIONS, 1)
    assert matrix.values[UNKNOWN].tolist() == [8, 8]
    assert not matrix.values[PAD].any()
    assert matrix.coverage["news"].tokens == pytest.approx(6 / 7)


def test_missing_words_are_drawn_like_the_words_with_vectors(tmp_path):
    rng = np.random.default_rng(0)
    known = [f"a{number}" for number in range(1500)]
    missing = [f"b{number}" for number in range(1500)]
    path = tmp_path / "glove.txt"
    path.write_text("".join(f"{word} {rng.normal(3, 0.1):.4f} {rng.normal(-1, 2):.4f}\n" for word in known))
    texts, options = {"a": [" ".join(known + missing)]}, {"a": PLAIN}
    vocabulary = build_vocabulary(texts, options, VocabularyConfig(min_count=1))
    values = build_matrix(vocabulary, Vectors(), path, texts, options, 1).values
    drawn = values[[vocabulary.tokens.index(word) for word in missing]]
    np.testing.assert_allclose(drawn.mean(axis=0), [3, -1], atol=0.2)
    np.testing.assert_allclose(drawn.std(axis=0), [0.1, 2], rtol=0.1)
    assert len(np.unique(drawn[:, 0])) > 1400


def test_the_seed_decides_the_draws_and_nothing_else(vocabulary, glove):
    first, same, other = (build_matrix(vocabulary, Vectors(), glove, TEXTS, OPTIONS, seed) for seed in (1, 1, 2))
    assert first.fingerprint == same.fingerprint != other.fingerprint
    covered = [vocabulary.tokens.index(word) for word in GLOVE]
    np.testing.assert_array_equal(first.values[covered], other.values[covered])


def test_random(vocabulary):
    matrix = build_matrix(vocabulary, Vectors(method="random", dimension=400), None, TEXTS, OPTIONS, 1)
    assert matrix.values.shape == (vocabulary.size, 400)
    assert matrix.coverage["news"].tokens == 0
    np.testing.assert_allclose(np.linalg.norm(matrix.values[1:], axis=1), 1, atol=0.2)
    assert not matrix.values[PAD].any()


def test_trained(vocabulary):
    config = Vectors(dimension=6, epochs=2)
    matrix = build_matrix(vocabulary, config, None, TEXTS, OPTIONS, 1)
    assert matrix.values.shape == (vocabulary.size, 6)
    assert matrix.coverage["news"].model_dump() == {"types": 1, "tokens": 1, "unknown": pytest.approx(1 / 7)}
    assert build_matrix(vocabulary, config, None, TEXTS, OPTIONS, 1).fingerprint == matrix.fingerprint


def test_a_file_of_another_language_is_refused(vocabulary, tmp_path):
    path = tmp_path / "hi.vec"
    path.write_text("2 2\nफिल्म 1 2\nअच्छी 3 4\n", encoding="utf-8")
    with pytest.raises(VectorsError, match=r"hi\.vec: has none of the 8 words"):
        build_matrix(vocabulary, Vectors(), path, TEXTS, OPTIONS, 1)


def test_the_given_format_is_obeyed(vocabulary, glove):
    with pytest.raises(VectorsError, match=r"glove\.2d\.txt, line 1"):
        build_matrix(vocabulary, Vectors(format="word2vec"), glove, TEXTS, OPTIONS, 1)


def test_round_trip(vocabulary, glove, tmp_path):
    matrix = build_matrix(vocabulary, Vectors(), glove, TEXTS, OPTIONS, 1)
    matrix.save(tmp_path / "matrix")
    again = EmbeddingMatrix.load(tmp_path / "matrix")
    np.testing.assert_array_equal(again.values, matrix.values)
    assert (again.coverage, again.origin, again.fingerprint) == (matrix.coverage, matrix.origin, matrix.fingerprint)
    assert sorted(path.name for path in (tmp_path / "matrix").iterdir()) == ["matrix.json", "matrix.safetensors"]


@pytest.mark.parametrize("name", ["matrix.json", "matrix.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_damaged_folders_are_refused(vocabulary, glove, tmp_path, name, damage):
    build_matrix(vocabulary, Vectors(), glove, TEXTS, OPTIONS, 1).save(tmp_path / "matrix")
    path = tmp_path / "matrix" / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ModelFolderError, match=r"cannot be read as an embedding matrix"):
        EmbeddingMatrix.load(tmp_path / "matrix")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(["the", "cat", "sat", "zebra", "Cat"]), min_size=1), st.integers(0, 2**31 - 1))
def test_any_texts_give_a_finite_matrix_in_the_vocabularys_order(tmp_path_factory, words, seed):
    path = tmp_path_factory.mktemp("glove") / "glove.txt"
    path.write_text("".join(f"{word} {' '.join(map(str, numbers))}\n" for word, numbers in GLOVE.items()))
    texts, options = {"a": [" ".join([*words, "the"])]}, {"a": CASED}
    vocabulary = build_vocabulary(texts, options, VocabularyConfig(min_count=1))
    matrix = build_matrix(vocabulary, Vectors(), path, texts, options, seed)
    assert np.isfinite(matrix.values).all()
    for index, word in enumerate(vocabulary.tokens):
        if word in GLOVE:
            assert matrix.values[index].tolist() == GLOVE[word]
    assert 0 < matrix.coverage["a"].tokens <= 1
