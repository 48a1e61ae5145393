"""What a user loses if these fail: a probe that asks something else than its name says, or whose answer is given away by chance."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.evaluation.probing.drawing import TooFewError, documents, draw, held_apart
from mtl_models.evaluation.probing.rules import RULES, Example
from mtl_models.evaluation.probing.sentences import Sentence

RULE = {rule.name: rule for rule in RULES}


def sentence(text: str, tags: str = "", chunks: str = "", group: str = "one") -> Sentence:
    return Sentence(tuple(text.split(" ")), group, tuple(tags.split(" ")) if tags else None, tuple(chunks.split(" ")) if chunks else None)


def labels(name: str, *sentences: Sentence) -> list[tuple[int, str]]:
    return [(found.sentence, found.label) for found in RULE[name].examples(sentences, np.random.default_rng(0))]


def changed(name: str, *sentences: Sentence) -> list[str]:
    """The changed form of the first sentence, drawn until each form was seen."""
    found = {
        example.text
        for seed in range(60)
        for example in RULE[name].examples(sentences, np.random.default_rng(seed))
        if example.sentence == 0 and example.label == "changed"
    }
    return sorted(found)


def test_there_are_ten_of_different_names() -> None:
    assert len({rule.name for rule in RULES}) == 10


def test_tense_is_that_of_the_first_finite_verb_and_modals_have_none() -> None:
    found = labels(
        "tense",
        sentence("He saw what she does", "PRP VBD WP PRP VBZ"),
        sentence("They say it rained", "PRP VBP PRP VBD"),
        sentence("He may say it rained", "PRP MD VB PRP VBD"),
        sentence("Nice weather today", "JJ NN NN"),
    )
    assert found == [(0, "past"), (1, "present")]


def test_number_is_that_of_the_first_and_of_the_last_common_noun() -> None:
    mixed = sentence("Anna gave dogs a bone", "NNP VBD NNS DT NN")
    assert labels("first_noun", mixed) == [(0, "plural")]
    assert labels("last_noun", mixed) == [(0, "singular")]
    assert labels("last_noun", sentence("Anna runs", "NNP VBZ")) == []


def test_chunks_are_counted_and_the_first_three_make_the_class() -> None:
    rows = [sentence(f"a b {number}", chunks=" ".join(["NP", "VP", "NP", *["PP"] * number])) for number in range(6)]
    assert {label for _, label in labels("first_chunks", *rows)} == {"NP VP NP"}
    counted = dict(labels("chunk_count", *rows))
    assert len(set(counted.values())) == 6
    assert counted[0] == "3 chunks"


def test_a_shifted_sentence_has_two_neighbours_exchanged_and_its_ends_kept() -> None:
    assert changed("bigram_shift", sentence("a b c d e .")) == ["a b c e d .", "a b d c e .", "a c b d e ."]


def test_a_replaced_word_keeps_its_part_of_speech() -> None:
    others = [sentence(f"x {noun} {verb}", "DT NN VBZ") for noun, verb in (("dog", "barks"), ("cat", "sleeps"), ("cow", "eats"))]
    found = changed("odd_word", *others)
    assert found
    for text in found:
        first, noun, verb = text.split(" ")
        assert (first, noun in {"dog", "cat", "cow"}, verb in {"barks", "sleeps", "eats"}) == ("x", True, True)
        assert (noun == "dog") != (verb == "barks")


def test_halves_change_places_and_the_capital_does_not_tell() -> None:
    first = sentence("The man left , but Anna stayed there .", "DT NN VBD , CC NNP VBD RB .")
    assert changed("coordination", first, sentence("in the man", "IN DT NN")) == ["Anna stayed there , but the man left ."]
    name = sentence("Anna left town and we all stayed .", "NNP VBD NN CC PRP DT VBD .")
    assert changed("coordination", name) == ["We all stayed and Anna left town ."]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Tom and Anna left the house .", "NNP CC NNP VBD DT NN ."),
        ("We saw it and they saw it and left .", "PRP VBD PRP CC PRP VBD PRP CC VBD ."),
        ("We saw the big house and the old garden .", "PRP VBD DT JJ NN CC DT JJ NN ."),
    ],
)
def test_only_two_clauses_with_one_coordinator_are_inverted(text: str, tags: str) -> None:
    assert changed("coordination", sentence(text, tags)) == []


def test_no_sentence_stands_both_as_written_and_changed() -> None:
    rows = [sentence(f"a b{number} c d{number} e .") for number in range(200)]
    found = RULE["bigram_shift"].examples(rows, np.random.default_rng(3))
    assert [example.sentence for example in found] == [*range(200)]
    counts = Counter(example.label for example in found)
    assert 60 < counts["changed"] < 140


def test_word_content_asks_for_words_of_middle_frequency_and_for_one_of_them() -> None:
    rows = [sentence(f"the {'tall ' if number in (5, 6) else ''}{'small ' if number in (6, 7) else ''}tree") for number in range(200)]
    assert labels("word_content", *rows) == [(5, "tall"), (7, "small")]


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc")), min_size=1, max_size=400), st.integers(60, 400), st.integers(0, 9))
def test_rows_are_balanced_and_documents_on_one_side(rows: list[tuple[int, str]], most: int, seed: int) -> None:
    sentences = [sentence(f"w{place}", group=str(group)) for place, (group, _) in enumerate(rows)]
    examples = [Example(place, f"w{place}", label) for place, (_, label) in enumerate(rows)]
    groups = documents(sentences)
    rng = np.random.default_rng(seed)
    test = held_apart(groups, rng)
    try:
        drawn = draw(examples, groups, test, most, rng)
    except TooFewError:
        return
    for part in (drawn.test, ~drawn.test):
        assert len(set(np.bincount(drawn.gold[part], minlength=len(drawn.classes)).tolist())) == 1
    assert not set(drawn.groups[drawn.test].tolist()) & set(drawn.groups[~drawn.test].tolist())
    assert len(drawn.texts) == len(set(drawn.texts)) <= most
    named = dict(zip((example.text for example in examples), (example.label for example in examples), strict=True))
    assert [named[text] for text in drawn.texts] == [drawn.classes[number] for number in drawn.gold]
