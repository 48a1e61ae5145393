"""What a user loses if these fail: a page that colours the wrong word, breaks on a strange one, or cannot be read."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from mtl_models.inference.attention import Reading
from mtl_models.inference.predictor import Prediction
from mtl_models.reports.attention_page import render_attention, render_attention_page

EVIL = "<script>alert('x')</script> & \"quoted\""


def _reading(words: tuple[str, ...] = ("love", "this", EVIL), index: int = 0, **weights: Any) -> Reading:
    answers = (
        Prediction(index, " ".join(words), "tweets", "good", 0.9, {"bad": 0.1, "good": 0.9}),
        Prediction(index, " ".join(words), "stars", "3.50", float("nan"), {"rating": 3.5}),
    )
    return Reading(index, " ".join(words), words, tuple(word == "this" for word in words), answers, **weights)


HOPS = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], dtype=np.float32)
HEADS = np.stack([np.eye(3), np.full((3, 3), 1 / 3)]).astype(np.float32)
ALL = {"hops": HOPS, "heads": (HEADS, HEADS), "left_out": {"tweets": np.array([0.3, -0.6, 0.0], dtype=np.float32)}}


@pytest.mark.parametrize("kinds", [["hops"], ["heads"], ["left_out"], ["hops", "heads", "left_out"]])
def test_the_page_is_whole_and_readable_and_runs_nothing(kinds: list[str], read_page: Any) -> None:
    readings = [_reading(index=index, **{kind: ALL[kind] for kind in kinds}) for index in range(2)]
    page = read_page(render_attention_page(readings, EVIL))
    assert page.text.count(EVIL) > 4
    for answer in readings[0].answers:
        assert f"{answer.task} {answer.label}" in page.text
    assert "bad 10.0%, good 90.0%" in page.text
    assert "nan" not in page.text
    assert ("Self-attention, mean of 2 hops" in page.text) == ("hops" in kinds)
    assert ("Transformer, layer 2" in page.text) == ("heads" in kinds)
    assert len(page.all("svg")) == (8 if "heads" in kinds else 0)
    assert ("Leaving one word out tweets" in page.text) == ("left_out" in kinds)
    assert ("has no attention" in page.text) == (kinds == ["left_out"])


def test_a_text_without_a_word_has_an_empty_line(read_page: Any) -> None:
    nothing = _reading(words=(), left_out={"tweets": np.zeros(0, dtype=np.float32)})
    assert "good" in read_page(render_attention_page([nothing], "m")).text


def _coloured(page: str) -> list[list[tuple[int, str]]]:
    """For every line of words their strengths (below zero: against) and their weights as written."""
    lines = re.findall(r'<p class="words".*?</p>', page, re.DOTALL)
    found = []
    for line in lines:
        spans = re.findall(r'<span( class="against")?(?: style="--weight: (\d+)")? title="(.*?)">', line)
        found.append([((-1 if against else 1) * int(level or 0), weight) for against, level, weight in spans])
    return found


def test_the_strongest_word_of_a_line_has_the_strongest_colour_and_every_weight_is_written() -> None:
    mean, first, second = _coloured(render_attention([_reading(hops=HOPS)]))
    assert mean == [(89, "40.0%"), (33, "15.0%"), (100, "45.0%")]
    assert first == [(100, "70.0%"), (29, "20.0%"), (14, "10.0%")]
    assert second == [(12, "10.0%"), (12, "10.0%"), (100, "80.0%")]


def test_a_head_is_shown_by_what_each_word_gives() -> None:
    taken = np.array([[[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0]]], dtype=np.float32)
    (line,) = _coloured(render_attention([_reading(heads=(taken,))]))
    assert line == [(20, "16.7%"), (100, "83.3%"), (0, "0.0%")]


def test_the_matrix_has_looking_words_as_rows() -> None:
    looking = np.zeros((1, 3, 3), dtype=np.float32)
    looking[0, 1, 2] = 1.0
    looking[0, 0, 0] = 0.5
    page = render_attention([_reading(heads=(looking,))])
    assert '<path opacity="0.5" d="M0 0h1v1h-1z"/>' in page
    assert '<path opacity="1" d="M2 1h1v1h-1z"/>' in page  # column 2, row 1
    assert "the strongest is from this (word 2) to &lt;script&gt;" in page


def test_a_word_that_speaks_against_the_answer_looks_different() -> None:
    (line,) = _coloured(render_attention([_reading(left_out=ALL["left_out"])]))
    assert line == [(50, "+.300"), (-100, "\N{MINUS SIGN}.600"), (0, ".000")]


def test_an_unknown_word_is_in_italics() -> None:
    assert "<i>this</i>" in render_attention([_reading(hops=HOPS)])


def test_a_long_text_has_lines_but_no_matrix(read_page: Any) -> None:
    count = 200
    words = tuple(f"word{number}" for number in range(count))
    heads = np.full((2, count, count), 1 / count, dtype=np.float32)
    page = render_attention_page([_reading(words, heads=(heads,))], "m")
    assert not read_page(page).all("svg")
    assert len(page) < 200_000


def test_a_text_whose_words_change_nothing_is_drawn(read_page: Any) -> None:
    read_page(render_attention_page([_reading(left_out={"tweets": np.zeros(3, dtype=np.float32)})], "m"))
