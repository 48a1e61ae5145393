"""What a user loses if these fail: copies that say what the text does not, that cannot be made again, or that are empty."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mtl_models.config.augmentation import Augmentation
from mtl_models.text.augmentation import Augmenter, words_of

NEAR = {"good": ("great", "fine"), "film": ("movie",), "फिल्म": ("चलचित्र",), "don't": ("dont",)}
WORDS = ["good", "Good", "GOOD", "film", "phone", "don't", "यह", "फिल्म", "42", "...", "!", ",", "@you", "http://x.com/a"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=30)
SECTIONS = st.builds(
    lambda swap, delete, synonyms: Augmentation.model_validate(
        {"swap": swap, "delete": delete, "synonyms": synonyms} | ({"vectors": "v.txt"} if synonyms else {})
    ),
    st.sampled_from([0.0, 0.1, 1.0]),
    st.sampled_from([0.05, 0.5, 0.99]),
    st.sampled_from([0.0, 0.1, 1.0]),
)


@given(TEXTS, SECTIONS, st.integers(0, 5))
@settings(max_examples=150, deadline=None)
def test_the_same_seed_and_name_give_the_same_copy(text: str, section: Augmentation, seed: int) -> None:
    copies = [[Augmenter(section, NEAR, seed).copy(text, str(name)) for name in range(3)] for _ in range(2)]
    assert copies[0] == copies[1]


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), SECTIONS)
@settings(max_examples=150, deadline=None)
def test_words_are_those_of_the_text_or_their_neighbours_and_never_none(text: str, section: Augmentation) -> None:
    words = words_of(text)
    near = {other for word in words for other in NEAR.get(word.lower(), ())} if section.synonyms else set()
    for name in range(4):
        copy = Augmenter(section, NEAR, 1).copy(text, str(name))
        found = words_of(copy)
        assert all(word in words or word.lower() in near for word in found)
        assert bool(found) == bool(words)
        assert len(found) <= len(words)


@given(st.text(max_size=40), SECTIONS)
@settings(max_examples=100, deadline=None)
def test_any_text_has_copies_and_one_with_something_to_see_keeps_something(text: str, section: Augmentation) -> None:
    copy = Augmenter(section, NEAR, 1).copy(text, "1")
    assert bool(copy.strip()) == bool(text.strip())


def only(**rates: float) -> Augmenter:
    section = {"swap": 0.0, "delete": 0.0, **rates} | ({"vectors": "v.txt"} if "synonyms" in rates else {})
    return Augmenter(Augmentation.model_validate(section), NEAR, 7)


def test_swapping_keeps_every_word_and_what_stands_between() -> None:
    text = "Yes, this good film: a phone!"
    copies = {only(swap=0.1).copy(text, str(name)) for name in range(30)}
    assert len(copies) > 5, "names of copies make a difference"
    for copy in copies:
        assert Counter(words_of(copy)) == Counter(words_of(text))
        assert sum(one != other for one, other in zip(words_of(copy), words_of(text), strict=True)) == 2
        assert [mark for mark in copy if mark in ",:!"] == [",", ":", "!"]


def test_deleting_leaves_out_its_share_and_keeps_the_order() -> None:
    text = " ".join(f"w{number}" for number in range(1000))
    kept = words_of(only(delete=0.3).copy(text, "1"))
    assert 620 < len(kept) < 780
    assert kept == sorted(kept, key=lambda word: int(word[1:]))
    assert only(delete=0.99).copy("one two", "1") in ("one", "two")


def test_synonyms_take_the_case_of_the_word_and_leave_addresses_alone() -> None:
    assert only(synonyms=1.0).copy("Film, FILM film @film www.film.com/film", "1") == "Movie, MOVIE movie @film www.film.com/film"
    assert only(synonyms=0.1).copy("a phone", "1") == "a phone", "no neighbour, no change"
    assert {only(synonyms=0.1).copy("good phone", str(name)) for name in range(20)} == {"great phone", "fine phone"}


def test_each_copy_is_altered_in_one_of_the_ways() -> None:
    section = Augmentation.model_validate({"swap": 0.1, "delete": 0.2, "synonyms": 0.1, "vectors": "v.txt"})
    text = "good phone of two hours here now"
    ways = Counter()
    for name in range(90):
        found = words_of(Augmenter(section, NEAR, 2).copy(text, str(name)))
        new = [word for word in found if word not in words_of(text)]
        ways["synonym" if new else "shorter" if len(found) < 7 else "swap"] += 1
        assert not new or (len(new), len(found)) == (1, 7)
    assert min(ways.values()) > 10


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"synonyms": 0.1}, "synonyms wants a file"),
        ({"vectors": "v.txt"}, "vectors are for synonyms"),
        ({"swap": 0, "delete": 0}, "nothing would be altered"),
        ({"delete": 1.0}, "less than 1"),
        ({"copies": 0}, "greater than or equal to 1"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(section: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Augmentation.model_validate(section)
