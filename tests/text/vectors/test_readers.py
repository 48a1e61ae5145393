"""Readers of vectors: a user loses accuracy silently if a number, a word or half a file goes astray."""

from __future__ import annotations

import re
import struct
from contextlib import suppress

import numpy as np
import pytest
from gensim.models import KeyedVectors
from gensim.models.fasttext import load_facebook_vectors
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.errors import VectorsError
from mtl_models.text.vectors.formats import READERS, first_words, guess_format, read_vectors
from mtl_models.text.vectors.found import spellings

FORMATS = list(READERS)
TEXT = ["glove", "word2vec", "fasttext"]
WORDS = ["cat", "the", "फिल्म", "ছবিটি", "café", "😀", "n't", "...", "word299", "PARIS", "The", "absent"]
PLACES = {"PARIS": None, "The": "the", "absent": None}


def groups(words=WORDS):
    return [(), *(spellings(word) for word in words)]


def by_word(found, words=WORDS):
    return {words[index - 1]: vector for index, vector in zip(found.ids, found.values, strict=True)}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".xz", ".zip"])
def test_reads_what_gensim_wrote(files, compress, tmp_path, kind, suffix):
    path = compress(files[kind], suffix, tmp_path)
    assert guess_format(path) == kind
    found = by_word(read_vectors(path, groups()))
    if kind == "fasttext-binary":
        reference = load_facebook_vectors(str(files[kind]))
    else:
        reference = KeyedVectors.load_word2vec_format(str(files[kind]), binary=kind.endswith("binary"), no_header=kind == "glove")
    for word in WORDS:
        key = PLACES.get(word, word)
        if key is None and kind != "fasttext-binary":
            assert word not in found
        else:
            np.testing.assert_allclose(found[word], reference[key or word], rtol=1e-5, atol=1e-7, err_msg=word)


def test_fasttext_makes_words_it_has_not_seen_of_subwords(files):
    found = read_vectors(files["fasttext-binary"], groups())
    assert list(found.ids) == list(range(1, len(WORDS) + 1))
    assert found.subwords == 2
    words = ["unseen", "अनदेखा", "catsat", "a"]
    reference = load_facebook_vectors(str(files["fasttext-binary"]))
    found = by_word(read_vectors(files["fasttext-binary"], groups(words)), words)
    for word in words:
        np.testing.assert_allclose(found[word], reference[word], rtol=1e-5, atol=1e-7)


def test_every_word_of_a_fasttext_model_equals_gensims(files, model):
    words = model.wv.index_to_key
    found = read_vectors(files["fasttext-binary"], [(), *((word.encode(),) for word in words)])
    np.testing.assert_allclose(found.values, model.wv.vectors, rtol=1e-5, atol=1e-7)
    assert found.subwords == 0


def test_blocks_of_the_matrix_that_nobody_needs_are_passed_over(files, monkeypatch):
    whole = read_vectors(files["fasttext-binary"], groups())
    monkeypatch.setattr("mtl_models.text.vectors.fasttext_binary._BLOCK", 100)
    np.testing.assert_array_equal(read_vectors(files["fasttext-binary"], groups()).values, whole.values)


def test_exact_spelling_beats_lower_case(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("us 1 1\nUS 2 2\nUS 9 9\n")
    found = by_word(read_vectors(path, groups(["US", "us", "Us"])), ["US", "us", "Us"])
    assert {word: vector[0] for word, vector in found.items()} == {"US": 2, "us": 1, "Us": 1}


@pytest.mark.parametrize("letters", ["\u0958\u0932\u092e", "\u09dc\u09df"])
def test_letters_that_nfc_takes_apart_are_found_in_either_form(tmp_path, letters):
    from unicodedata import normalize

    assert normalize("NFC", letters) != letters
    path = tmp_path / "glove.txt"
    path.write_text(f"{letters} 1 2\n", encoding="utf-8")
    assert len(read_vectors(path, groups([normalize("NFC", letters)])).ids) == 1


def test_words_with_spaces_are_passed_over_not_misread(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("cat 1 2 3\n. . . 4 5 6\nat name@domain.com 7 8 9\nthe 1 1 1\n")
    words = ["the", "at", ".", "cat"]
    found = by_word(read_vectors(path, groups(words)), words)
    assert {word: vector.tolist() for word, vector in found.items()} == {"the": [1, 1, 1], "cat": [1, 2, 3]}


def test_windows_line_ends(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_bytes(b"cat 1 2\r\nthe 3 4\r\n")
    assert by_word(read_vectors(path, groups()))["the"].tolist() == [3, 4]


LINES = [b"cat 1 2 3", b"the 4 5 6", b"dog 7 8 9", b"mat 1 1 1"]


@pytest.mark.parametrize("word", [b"the", b"dog"], ids=["our word", "another word"])
@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"", "0 numbers where 3"),
        (b"1 2", "2 numbers where 3"),
        (b"1 2 3 4", "4 numbers where 3"),
        (b"1 2 x", "not part of a number"),
        (b"1 nan 3", "not part of a number"),
        (b"1 -inf 3", "not part of a number"),
        (b"1 2\x003 4", "2 numbers where 3|not part of a number"),
    ],
)
@pytest.mark.parametrize("header", [False, True])
def test_a_bad_line_is_named(tmp_path, word, bad, says, header):
    lines = [line for line in LINES if not line.startswith(word)]
    lines.insert(2, (word + b" " + bad).strip())
    path = tmp_path / "vectors.txt"
    path.write_bytes(b"\n".join(([b"4 3"] if header else []) + lines) + b"\n")
    with pytest.raises(VectorsError, match=f"vectors.txt, line {4 if header else 3}: .*({says})"):
        read_vectors(path, groups())


@pytest.mark.parametrize("bad", [b"1 2 1e400", b"1 2 1e", b"1 2 1.2.3", b"1  2"])
def test_numbers_of_our_words_are_checked_closely(tmp_path, bad):
    path = tmp_path / "vectors.txt"
    path.write_bytes(b"cat 1 2 3\nthe " + bad + b"\n")
    with pytest.raises(VectorsError, match=r"vectors\.txt, line 2: "):
        read_vectors(path, groups())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"4 0\ncat\n", "line 1"),
        (b"4 3\n" + b"\n".join(LINES[:3]) + b"\n", "line 5: the header says 4 words, the file has 3.*cut"),
        (b"2 3\n" + b"\n".join(LINES[:3]) + b"\n", "line 4: the header says 2 words, the file has 3"),
        (b"4 2\n" + b"\n".join(LINES) + b"\n", "line 2: 3 numbers where 2"),
        (b"4 4\n" + b"\n".join(LINES) + b"\n", "line 2: 3 numbers where 4"),
        (b"<html><body>Not found</body></html>\n", "is this a file of vectors"),
        (b"cat 1 2 3\n\nthe 1 2 3\n", "line 2: 0 numbers"),
        (b"cat 1 2 3\nthe 1 2 3", "line 2: ends without a line end"),
        (b"cat 1 2 3\n" + b"x" * 3_000_000, "line 2: longer than"),
    ],
)
def test_bad_files_are_refused(tmp_path, content, says):
    path = tmp_path / "vectors.txt"
    path.write_bytes(content)
    with pytest.raises(VectorsError, match=says):
        read_vectors(path, groups())


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(VectorsError, match=r"none\.txt: cannot be opened"):
        read_vectors(tmp_path / "none.txt", groups())
    with pytest.raises(VectorsError, match="cannot be opened"):
        read_vectors(tmp_path, groups())


def test_a_zip_of_several_files_names_them(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "glove.zip", "w") as archive:
        archive.writestr("glove.50d.txt", "cat 1\n")
        archive.writestr("glove.100d.txt", "cat 1\n")
    with pytest.raises(VectorsError, match=r"glove\.50d\.txt, glove\.100d\.txt"):
        read_vectors(tmp_path / "glove.zip", groups())


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".xz", ".zip"])
@pytest.mark.parametrize("share", [0.03, 0.3, 0.5, 0.9])
def test_a_cut_file_is_refused_wherever_it_is_cut(files, compress, tmp_path, kind, suffix, share):
    path = compress(files[kind], suffix, tmp_path)
    data = path.read_bytes()
    kept = data[: int(len(data) * share)].rstrip(b"\n")
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(kept)
    with pytest.raises(VectorsError, match=rf"{re.escape(str(cut))}(:|, (line|byte|near byte) \d+)"):
        read_vectors(cut, groups(), kind)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_no_cut_goes_unnoticed(files, tmp_path_factory, data):
    kind = data.draw(st.sampled_from([name for name in FORMATS if name != "glove"]))
    whole = files[kind].read_bytes()
    length = data.draw(st.integers(0, len(whole) - 1))
    path = tmp_path_factory.mktemp("cut") / "cut"
    path.write_bytes(whole[:length])
    with pytest.raises(VectorsError, match="cut"):
        read_vectors(path, groups(), kind)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_garbage_never_ends_in_a_traceback(files, tmp_path_factory, data):
    """Any bytes in any place: either the file is still a proper one or the error is a `VectorsError`."""
    kind = data.draw(st.sampled_from(FORMATS))
    whole = bytearray(files[kind].read_bytes())
    start = data.draw(st.integers(0, min(len(whole) - 1, 2000)))
    whole[start : start + 8] = data.draw(st.binary(min_size=1, max_size=8))
    path = tmp_path_factory.mktemp("garbage") / "garbage"
    path.write_bytes(whole)
    with suppress(VectorsError):
        found = read_vectors(path, groups(), data.draw(st.sampled_from([kind, None])))
        assert np.isfinite(found.values).all()


@pytest.mark.parametrize("kind", ["word2vec-binary", "fasttext-binary"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_binary_numbers_must_be_finite(files, model, tmp_path, kind, value):
    data = files[kind].read_bytes()
    row = model.wv.vectors_vocab if kind == "fasttext-binary" else model.wv.vectors
    place = data.index(row[model.wv.key_to_index["cat"]].tobytes())
    path = tmp_path / "vectors.bin"
    path.write_bytes(data[:place] + struct.pack("<f", value) + data[place + 4 :])
    with pytest.raises(VectorsError, match=r"vectors\.bin, byte \d+: .*not finite"):
        read_vectors(path, groups())


@pytest.mark.parametrize("kind", ["word2vec-binary", "fasttext-binary"])
def test_binary_files_that_go_on_are_refused(files, tmp_path, kind):
    path = tmp_path / "vectors.bin"
    path.write_bytes(files[kind].read_bytes() + b"more")
    with pytest.raises(VectorsError, match=r"byte \d+: .*goes on"):
        read_vectors(path, groups())


def test_line_ends_between_binary_words(tmp_path):
    path = tmp_path / "vectors.bin"
    words = {"cat": [1.0, 2.0], "the": [3.0, 4.0]}
    path.write_bytes(b"2 2\n" + b"".join(word.encode() + b" " + struct.pack("<2f", *numbers) + b"\n" for word, numbers in words.items()))
    assert by_word(read_vectors(path, groups()))["the"].tolist() == [3, 4]


def test_quantised_fasttext_is_refused(files, model, tmp_path):
    data = bytearray(files["fasttext-binary"].read_bytes())
    matrix = data.index(struct.pack("<2q", len(model.wv) + 500, 12)) - 1
    data[matrix] = 1
    path = tmp_path / "model.ftz"
    path.write_bytes(data)
    with pytest.raises(VectorsError, match="quantised"):
        read_vectors(path, groups())


@pytest.mark.parametrize("name", ["vectors.glove.txt", "vectors.vec"])
def test_the_first_words_of_a_file_are_read_without_their_vectors(tmp_path, name):
    path = tmp_path / name
    header = "3 2\n" if name.endswith("vec") else ""
    path.write_text(f"{header}the 1 2\nफिल्म 3 4\n, 5 6\n", encoding="utf-8")
    assert first_words(path, 2) == ["the", "फिल्म"]
    assert first_words(path, 9) == ["the", "फिल्म", ","]
