"""The vocabulary: what a user loses is words cut in pieces, ids that differ from run to run, or a text that smuggles in padding."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from mtl_models.config.text import TextOptions
from mtl_models.config.text import Vocabulary as VocabularyConfig
from mtl_models.errors import ConfigError, ModelFolderError
from mtl_models.text.vocabulary import PAD, UNKNOWN, Vocabulary, build_vocabulary

PLAIN = TextOptions()
CASED = TextOptions(lowercase=False, users="keep", urls="keep")
TEXTS = {
    "news": ["The cat sat on the mat.", "the dog sat; the dog did n't bark", "I don't think it's fine", "यह फिल्म अच्छी है", "এই ছবিটি ভালো"],
    "tweets": ["@bob the cat!!! http://t.co/x 😀", "LOL @ann the 3 dogs 😀 👍🏽", "यह अच्छी है :)"],
}
OPTIONS = {"news": PLAIN, "tweets": PLAIN}


def build(texts=TEXTS, options=OPTIONS, **config) -> Vocabulary:
    return build_vocabulary(texts, options, VocabularyConfig(**{"min_count": 1, **config}))


VOCABULARY = build()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी में लिखी हुई समीक्षा", ["हिन्दी", "में", "लिखी", "हुई", "समीक्षा"]),
        ("ক্ষমতা বাংলা ভাষা", ["ক্ষমতা", "বাংলা", "ভাষা"]),
        ("क्‍ष می‌خواهم", ["क्‍ष", "می‌خواهم"]),
        ("Привет, м'ята", ["привет", ",", "м'ята"]),
        ("漢字とカタカナ", ["漢", "字", "と", "カタカナ"]),
        ("I don't, can\u2019t; it's we'll O'Clock", ["i", "do", "n't", ",", "ca", "n't", ";", "it", "'s", "we", "'ll", "o'clock"]),
        ("'tis the dogs' s'more", ["'", "tis", "the", "dogs", "'", "s'more"]),
        ("well-made 3.5 mp3", ["well", "-", "made", "3", ".", "5", "mp3"]),
        ("👩‍👩‍👧👍🏽❤️🇮🇳🏴󠁧󠁢󠁳󠁣󠁴󠁿", ["👩‍👩‍👧", "👍🏽", "❤", "🇮🇳", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"]),
        ("nice :) sad :-( <3 d:", ["nice", ":)", "sad", ":-(", "<3", "d", ":"]),
        ("wait...... no--way!!!!?", ["wait", "...", "...", "no", "--", "way", "!!!", "!", "?"]),
        ("<user> <url> <number> <emoji> <pad> <unk>", ["<user>", "<url>", "<number>", "<emoji>", "<", "pad", ">", "<", "unk", ">"]),
        ("a\x00b\tc\u200bd\ufeff\ue000", ["a", "b", "c", "d", "\ue000"]),
    ],
)
def test_splits_into_words(text, words):
    assert VOCABULARY.words(text, PLAIN) == words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (PLAIN, ["<user>", "saw", "<url>", ",", "10", ",", "000", "x", "at", "b", "@", "c", ".", "d", "😀"]),
        ({"lowercase": False}, ["<user>", "Saw", "<url>", ",", "10", ",", "000", "X", "at", "b", "@", "c", ".", "d", "😀"]),
        ({"users": "drop", "urls": "drop"}, ["saw", ",", "10", ",", "000", "x", "at", "b", "@", "c", ".", "d", "😀"]),
        (
            {"numbers": "replace", "emoji": "replace"},
            ["<user>", "saw", "<url>", ",", "<number>", "x", "at", "b", "@", "c", ".", "d", "<emoji>"],
        ),
        ({"numbers": "drop", "emoji": "drop"}, ["<user>", "saw", "<url>", ",", "x", "at", "b", "@", "c", ".", "d"]),
        ({"users": "keep"}, ["@", "bob", "_", "1", "saw", "<url>", ",", "10", ",", "000", "x", "at", "b", "@", "c", ".", "d", "😀"]),
        (
            {"urls": "keep", "numbers": "drop", "emoji": "drop", "users": "drop"},
            ["saw", "https", ":", "//", "t", ".", "co", "/", "a", "?", "b", "=", "c", ",", "x", "at", "b", "@", "c", ".", "d"],
        ),
    ],
)
def test_options_of_a_task(options, words):
    chosen = options if isinstance(options, TextOptions) else TextOptions(**options)
    assert VOCABULARY.words("@Bob_1 Saw https://t.co/a?b=c, 10,000 X at b@c.d 😀", chosen) == words


def test_marks_that_numbers_and_emoji_are_made_of():
    options = TextOptions(numbers="replace", emoji="replace")
    assert VOCABULARY.words("1️⃣ 3rd <3 © 12", options) == ["<emoji>", "3rd", "<3", "©", "<number>"]


def test_ids_are_by_count_then_word_whatever_the_order_of_tasks():
    texts = {"a": ["b a c b", "d"], "b": ["a e"]}
    vocabulary = build(texts, {"a": PLAIN, "b": PLAIN})
    assert vocabulary.tokens == ("<pad>", "<unk>", "a", "b", "c", "d", "e")
    turned = build({"b": texts["b"], "a": texts["a"][::-1]}, {"a": PLAIN, "b": PLAIN})
    assert turned.fingerprint == vocabulary.fingerprint
    assert build({"a": ["b a c b f"]}, {"a": PLAIN}).fingerprint != vocabulary.fingerprint


def test_rare_words_and_words_beyond_the_cap_are_unknown():
    texts, options = {"a": ["a a a b b c c d"]}, {"a": PLAIN}
    assert build(texts, options, min_count=2).tokens == ("<pad>", "<unk>", "a", "b", "c")
    capped = build(texts, options, max_size=4)
    assert capped.tokens == ("<pad>", "<unk>", "a", "b")
    assert capped.size == 4
    assert capped.encode(["a d b"], PLAIN) == [[2, UNKNOWN, 3]]


def test_no_word_frequent_enough_is_said():
    with pytest.raises(ConfigError, match=r"min_count.*5 times.*news, tweets"):
        build(min_count=5, texts={"news": ["one"], "tweets": [""]})


def test_every_task_is_counted_with_its_own_options():
    vocabulary = build({"a": ["Cat"], "b": ["Cat dog"]}, {"a": PLAIN, "b": CASED})
    assert set(vocabulary.tokens[2:]) == {"cat", "Cat", "dog"}
    (lower,), (cased,) = vocabulary.encode(["Cat"], PLAIN), vocabulary.encode(["Cat"], CASED)
    assert lower != cased


def test_padding_and_unknown_cannot_be_typed():
    vocabulary = build({"a": ["<pad> <unk> pad unk"]}, {"a": PLAIN})
    assert vocabulary.tokens[:2] == ("<pad>", "<unk>")
    (ids,) = vocabulary.encode(["<pad> <unk> <PAD>"], PLAIN)
    assert PAD not in ids
    assert UNKNOWN not in ids
    assert len(ids) == 9


def test_max_tokens_and_empty_texts():
    assert [len(ids) for ids in VOCABULARY.encode(["the " * 50, "", "  \n\u200b"], PLAIN, 7)] == [7, 1, 1]
    assert VOCABULARY.encode([""], PLAIN) == [[UNKNOWN]]
    assert VOCABULARY.encode([], PLAIN) == []


def test_many_texts_keep_their_order():
    texts = [("the " * (number % 5 + 1)).strip() for number in range(5000)]
    assert [len(ids) for ids in VOCABULARY.encode(iter(texts), PLAIN)] == [number % 5 + 1 for number in range(5000)]


def test_tokenizer_json_alone_encodes_as_we_do_where_tasks_agree(tmp_path):
    vocabulary = build(options={"news": CASED, "tweets": CASED})
    vocabulary.save(tmp_path / "tokenizer.json")
    alone = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    text = "The @bob don't http://t.co/x 😀 यह <pad>"
    assert [alone.encode(text).ids] == vocabulary.encode([text], CASED)
    mixed = build(options={"news": CASED, "tweets": PLAIN})
    mixed.save(tmp_path / "tokenizer.json")
    assert [Tokenizer.from_file(str(tmp_path / "tokenizer.json")).encode(text).ids] == mixed.encode([text], PLAIN)


def test_same_ids_in_a_fresh_process(tmp_path):
    VOCABULARY.save(tmp_path / "tokenizer.json")
    texts = [text for rows in TEXTS.values() for text in rows] + ["never seen 😀 Ünï <pad>"]
    program = (
        "import json, sys\nfrom pathlib import Path\n"
        "from mtl_models.config.text import TextOptions\nfrom mtl_models.text.vocabulary import Vocabulary\n"
        "v = Vocabulary.load(Path(sys.argv[1]))\n"
        "print(json.dumps([v.encode(json.loads(sys.argv[2]), TextOptions(), 9), v.fingerprint, v.tokens]))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "tokenizer.json"), json.dumps(texts)]
    root = Path(__file__).parents[2]
    ids, fingerprint, tokens = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout)
    assert ids == VOCABULARY.encode(texts, PLAIN, 9)
    assert fingerprint == VOCABULARY.fingerprint
    assert tuple(tokens) == VOCABULARY.tokens


@pytest.mark.parametrize("content", ["", "{}", '{"model": 1', "not json"])
def test_damaged_files_are_refused_by_name(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(ModelFolderError, match=r"tokenizer\.json"):
        Vocabulary.load(path)


def test_missing_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(ModelFolderError, match="tokenizer"):
        Vocabulary.load(tmp_path / "tokenizer.json")
    VOCABULARY.save(tmp_path / "tokenizer.json")
    foreign = (tmp_path / "tokenizer.json").read_text().replace('"<pad>": 0', '"[PAD]": 0')
    (tmp_path / "tokenizer.json").write_text(foreign)
    with pytest.raises(ModelFolderError, match="<pad> must be id 0"):
        Vocabulary.load(tmp_path / "tokenizer.json")


@pytest.mark.parametrize("piece", ["a", "ab ", "!", "'s", "www.", "n't", "😀\u200d", "1,", "a\u0301", "@b", "\u0300"])
def test_the_time_for_a_huge_text_grows_with_its_length_only(piece):
    options = TextOptions(numbers="replace", emoji="replace")
    start = time.monotonic()
    (ids,) = VOCABULARY.encode([piece * (300_000 // len(piece))], options, 256)
    assert 1 <= len(ids) <= 256
    assert time.monotonic() - start < 5


WISH = st.sampled_from(["keep", "replace", "drop"])
OPTION = st.builds(TextOptions, lowercase=st.booleans(), users=WISH, urls=WISH, numbers=WISH, emoji=WISH)
PIECE = st.sampled_from(
    [
        "<pad>",
        "<unk>",
        "@bob",
        "http://a.b/c",
        "😀",
        "👍🏽",
        "\u200d",
        "\ufe0f",
        "n't",
        "'s",
        "12,5",
        "हिन्दी",
        "ক্ষমতা",
        " ",
        "\ud800",
        "漢",
        "<user>",
    ]
)
TEXT = st.one_of(st.text(), st.lists(st.one_of(PIECE, st.text(max_size=3))).map("".join))


@settings(deadline=None)
@given(TEXT, OPTION)
def test_any_text_has_ids_in_range_and_never_padding(text, options):
    (ids,) = VOCABULARY.encode([text], options)
    assert ids
    assert all(PAD < index < VOCABULARY.size for index in ids)
    assert VOCABULARY.encode(["the", text, ""], options)[1] == ids
    assert VOCABULARY.encode([text], options, 3) == [ids[:3]]
    assert not {"<pad>", "<unk>"} & set(VOCABULARY.words(text, options))


# Letters up to U+0FFF compose by rules that no Unicode version changes any more.
@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=0xFFF, exclude_categories=["Cs", "Cn"])), OPTION)
def test_composed_and_decomposed_spellings_are_the_same_words(text, options):
    words = VOCABULARY.words(text, options)
    assert VOCABULARY.words(normalize("NFD", text), options) == words
    assert VOCABULARY.words(normalize("NFC", text), options) == words


@settings(deadline=None, max_examples=30)
@given(st.lists(TEXT, min_size=1, max_size=5))
def test_every_word_of_the_train_texts_is_known(texts):
    rows = [*texts, "one"]
    vocabulary = build({"a": rows}, {"a": PLAIN})
    words = [vocabulary.words(text, PLAIN) for text in rows]
    assert set(vocabulary.tokens[2:]) == {word for line in words for word in line}
    assert [[vocabulary.tokens[index] for index in ids] for ids in vocabulary.encode(rows, PLAIN)] == [line or ["<unk>"] for line in words]


@settings(deadline=None)
@given(st.lists(st.sampled_from("कखगघचछजझ"), min_size=1), st.lists(st.sampled_from(["ा", "ि", "ी", "ु", "्", "ं", ""]), min_size=1))
def test_a_hindi_word_is_never_cut(letters, signs):
    word = normalize("NFC", "".join(letter + signs[place % len(signs)] for place, letter in enumerate(letters)))
    assert VOCABULARY.words(f"{word}, {word}!", PLAIN) == [word, ",", word, "!"]


def test_extra_words_come_behind_those_that_were_counted_and_keep_their_order():
    words = build_vocabulary(TEXTS, OPTIONS, VocabularyConfig(min_count=1), ["the", "zebra", "Paris", "quark", "zebra", ""])
    assert words.tokens == (*VOCABULARY.tokens, "zebra", "quark"), "known words stay, and no lower-cased text has `Paris`"
    assert words.encode(["a quark"], PLAIN)[0][-1] == words.tokens.index("quark")


def test_extra_words_need_a_file():
    with pytest.raises(ValueError, match="extra_words are read from the file of vectors"):
        VocabularyConfig(extra_words=5)


def test_words_of_a_text_that_is_split_already_stay_whole():
    spaces = TextOptions(words="spaces")
    words = build_vocabulary({"a": ["U.N. officials"], "b": ["U.N. films"]}, {"a": spaces, "b": PLAIN}, VocabularyConfig(min_count=1))
    assert {"u.n.", "officials", "u", ".", "n", "films"} <= set(words.tokens)
    assert words.encode(["U.N. films"], spaces) == [[words.tokens.index("u.n."), words.tokens.index("films")]]
    assert words.pieces(["U.N.", "never seen"], spaces) == [[words.tokens.index("u.n.")], [UNKNOWN]]
