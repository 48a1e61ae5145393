"""What a user loses if these fail: a backbone that reads other pieces than those it was trained on, and so answers nonsense."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from mtl_models.config.text import TextOptions
from mtl_models.config.text import Vocabulary as VocabularySection
from mtl_models.errors import ConfigError, ModelFolderError
from mtl_models.text.subwords import Subwords, load_vocabulary
from mtl_models.text.vocabulary import Vocabulary, build_vocabulary

OPTIONS = TextOptions()


@pytest.fixture(scope="module")
def file(backbones: Callable[..., Path]) -> Path:
    return backbones("bert") / "tokenizer.json"


def test_reads_what_the_tokenizer_itself_reads(file: Path) -> None:
    texts = ["The FILM was great", "unheard-of words", "", "a phone, a phone"]
    own = Tokenizer.from_file(str(file))
    assert load_vocabulary(file).encode(texts, OPTIONS) == [own.encode(text).ids for text in texts]


def test_options_of_words_play_no_part(file: Path) -> None:
    words = load_vocabulary(file)
    assert words.encode(["SEE http://x.org 7"], TextOptions(lowercase=False, urls="drop", numbers="drop")) == words.encode(
        ["SEE http://x.org 7"], OPTIONS
    )


@given(st.text(max_size=60), st.integers(3, 20))
@settings(deadline=None, max_examples=60, derandomize=True)
def test_a_cut_text_keeps_its_marks_and_begins_as_the_whole(file: Path, text: str, most: int) -> None:
    words = load_vocabulary(file)
    (whole,), (cut,) = words.encode([text], OPTIONS), words.encode([text], OPTIONS, most)
    assert len(cut) == min(len(whole), most)
    assert (cut[0], cut[-1], cut[:-1]) == (whole[0], whole[-1], whole[: len(cut) - 1])


def test_pieces_are_one_for_every_id(file: Path) -> None:
    words = load_vocabulary(file)
    assert words.words("great film", OPTIONS) == ["[CLS]", "great", "film", "[SEP]"]
    assert len(words.words("unheard of", OPTIONS)) == len(words.encode(["unheard of"], OPTIONS)[0])


def test_unknown_is_the_tokenizers_own(file: Path) -> None:
    words = load_vocabulary(file)
    assert words.unknown == 1
    assert words.encode(["☃"], OPTIONS)[0][1] == 1


def test_no_room_for_a_text_is_a_clear_error(file: Path) -> None:
    with pytest.raises(ConfigError, match="max_tokens: 2 leaves no room beside the 2 special tokens"):
        load_vocabulary(file).encode(["a"], OPTIONS, 2)


def test_what_was_saved_reads_back_the_same(file: Path, tmp_path: Path) -> None:
    words = load_vocabulary(file)
    words.save(tmp_path / "tokenizer.json")
    again = load_vocabulary(tmp_path / "tokenizer.json")
    assert isinstance(again, Subwords)
    assert again.fingerprint == words.fingerprint


def test_whole_words_are_told_from_pieces(tmp_path: Path) -> None:
    words = build_vocabulary({"a": ["good good bad"]}, {"a": OPTIONS}, VocabularySection(min_count=1))
    words.save(tmp_path / "tokenizer.json")
    assert type(load_vocabulary(tmp_path / "tokenizer.json")) is Vocabulary


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelFolderError, match=r"tokenizer\.json: cannot be read"):
        load_vocabulary(tmp_path / "tokenizer.json")


def test_marks_are_told_from_the_text(file: Path) -> None:
    assert load_vocabulary(file).marks == (1, 1)
