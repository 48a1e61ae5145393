"""Tags and spans are two ways to say the same thing: what is read as a span must be what the annotator marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.corpora.documents.bio import Scheme, TagError, scheme_of, spans_of, tags_of
from mtl_models.corpora.documents.document import Span

SPANS_SCHEMES: list[Scheme] = [scheme for scheme in get_args(Scheme) if scheme != "words"]


@st.composite
def sentences(draw: st.DrawFn) -> tuple[list[Span], int]:
    """Spans that do not overlap, often touching, and the length of their sentence."""
    spans: list[Span] = []
    at = 0
    for _ in range(draw(st.integers(0, 5))):
        start = at + draw(st.integers(0, 2))
        at = start + draw(st.integers(1, 3))
        spans.append((start, at, draw(st.sampled_from(["PER", "LOC", "B-LOC", "work_of_art"]))))
    return spans, at + draw(st.integers(0, 2))


@pytest.mark.parametrize("scheme", SPANS_SCHEMES)
@given(sentence=sentences())
def test_spans_come_back_from_their_tags(scheme: Scheme, sentence: tuple[list[Span], int]) -> None:
    spans, length = sentence
    tags = tags_of(spans, length, scheme)
    assert len(tags) == length
    assert spans_of(tags, scheme) == spans


@given(tags=st.lists(st.sampled_from(["NN", "VBZ", "O", ".", "NN|SYM"])))
def test_labels_of_words_come_back(tags: list[str]) -> None:
    spans = spans_of(tags, "words")
    assert all(end - start == 1 for start, end, _ in spans)
    assert tags_of(spans, len(tags), "words") == tags


@pytest.mark.parametrize("scheme", SPANS_SCHEMES)
@settings(max_examples=40)
@given(found=st.lists(sentences(), min_size=1, max_size=4))
def test_a_file_read_by_its_own_scheme_gives_the_spans_it_was_written_from(scheme: Scheme, found: list[tuple[list[Span], int]]) -> None:
    """`auto` may tell another scheme than the writer's where the file fits both, but never other spans."""
    written = [tags_of(spans, length, scheme) for spans, length in found]
    told = scheme_of(written)
    if told == "words":
        assert not any(spans for spans, _ in found)
    assert [spans_of(tags, told) for tags in written] == [spans for spans, _ in found]


@pytest.mark.parametrize(
    ("sentences", "scheme"),
    [
        ([["B-PER", "I-PER", "O", "B-LOC"]], "bio"),
        ([["I-PER", "I-PER", "O"], ["I-LOC", "B-LOC"]], "iob1"),
        ([["S-PER", "O"], ["B-LOC", "E-LOC"]], "bioes"),
        ([["U-PER", "O"], ["B-LOC", "L-LOC"]], "bioes"),
        ([["NNP", "VBZ", "."]], "words"),
        ([["B-PER", "O", "I-PER"]], "bio"),
    ],
)
def test_the_file_tells_its_scheme(sentences: Sequence[Sequence[str]], scheme: Scheme) -> None:
    assert scheme_of(sentences) == scheme


@pytest.mark.parametrize(
    ("tags", "scheme", "place", "told"),
    [
        (["O", "I-PER"], "bio", 1, "'I-PER' continues no span of PER: spans begin with B-PER .* label.scheme: iob1"),
        (["B-PER", "I-LOC"], "bio", 1, "'I-LOC' continues no span of LOC"),
        (["O", "PER"], "bio", 1, "'PER' is neither B-TYPE, I-TYPE nor O"),
        (["B-"], "bio", 0, "'B-' is neither"),
        (["E-PER"], "bioes", 0, "'E-PER' continues no span of PER: spans begin with B-PER or S-PER"),
        (["B-PER", "O"], "bioes", 0, "a span of PER has no end: 'O' follows"),
        (["B-PER", "I-PER"], "bioes", 1, "a span of PER has no end: the sentence ends"),
        (["S-PER"], "bio", 0, "'S-PER' is neither"),
    ],
)
def test_a_broken_tag_is_refused_where_it_stands(tags: list[str], scheme: Scheme, place: int, told: str) -> None:
    with pytest.raises(TagError, match=told) as fault:
        spans_of(tags, scheme)
    assert fault.value.place == place


def test_iob1_begins_where_it_can_and_b_parts_what_touches() -> None:
    assert spans_of(["I-PER", "B-PER", "I-PER", "I-LOC", "O", "B-LOC"], "iob1") == [
        (0, 1, "PER"),
        (1, 3, "PER"),
        (3, 4, "LOC"),
        (5, 6, "LOC"),
    ]
