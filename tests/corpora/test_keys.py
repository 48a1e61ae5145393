"""Which texts count as the same: a leak is missed if this is too strict, good rows are lost if it is too lax."""

from __future__ import annotations

import string
import unicodedata

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.corpora.keys import EMPTY, normalised, scramble, text_key, text_keys

ENCODABLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Yay. Another good interview.", "YAY!!! Another  good interview!!!"),
        ("don't", "don\u2019t"),
        ("café", "cafe\u0301"),
        ("ﬁne", "fine"),
        ("Straße", "STRASSE"),
        ("so\u200dft\u00adly", "softly"),
        ("क़लम", "क\u093cलम"),
        ("한국", unicodedata.normalize("NFD", "한국")),
        ("½ price", "1\u20442 price"),
    ],
)
def test_the_same_text_in_other_clothes(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("कि", "की"),
        ("কি", "কী"),
        ("दिन", "दन"),
        ("😀😀", "😡😡"),
        ("❤️", "💔"),
        ("!!!", "???"),
        ("I paid $5", "I paid 5"),
        ("very good", "verygood"),
        ("你好", "您好"),
    ],
)
def test_different_texts_stay_different(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


@pytest.mark.parametrize("text", ["", " \t\n", "\u200b", "\u00a0\ufe0f"])
def test_invisible_texts_have_the_key_of_nothing(text: str) -> None:
    assert text_key(text, text.encode()) == EMPTY


@given(ENCODABLE)
def test_normalising_twice_changes_nothing_and_never_empties_a_visible_text(text: str) -> None:
    form = normalised(text)
    assert normalised(form) == form
    assert bool(form) == bool(regex.sub(r"[\p{Cf}\uFE00-\uFE0F]", "", text).strip())


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_the_short_way_for_ascii_gives_what_the_long_way_gives(text: str) -> None:
    marked = normalised(text + " é")
    plain = normalised(text)
    if any(mark not in string.punctuation for mark in plain.replace(" ", "")):
        assert marked == f"{plain} é"


def test_keys_do_not_depend_on_the_process() -> None:
    assert text_keys(["Good movie!", "good movie"]).tolist() == [text_key("good movie", b"good movie")] * 2
    assert text_key("good movie", b"good movie") == 14850798594380819094


def test_scrambling_is_seeded_and_spreads_neighbours() -> None:
    keys = np.arange(1, 10_001, dtype=np.uint64)
    assert np.array_equal(scramble(keys, 1, 1), scramble(keys, 1, 1))
    for other in (scramble(keys, 2, 1), scramble(keys, 1, 2)):
        rank = np.corrcoef(np.argsort(scramble(keys, 1, 1)), np.argsort(other))[0, 1]
        assert abs(rank) < 0.05
    assert abs(np.corrcoef(keys.astype(float), scramble(keys, 1, 1).astype(float))[0, 1]) < 0.05
