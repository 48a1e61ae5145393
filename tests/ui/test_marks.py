"""What a user loses if these fail: words that are marked where they lie on the page of `polytask serve`, and nothing else lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from pages import Open, card, serve

MARKED = "\N{GRINNING FACE} Anna Berg lives in New York .\nThey love work at <i>Acme Corp"


@pytest.fixture(scope="module")
def marking_address(marking_folder: Path) -> Iterator[str]:
    """A model whose tasks label words."""
    with serve("--model", str(marking_folder)) as url:
        yield url


def test_what_is_marked_is_drawn_where_it_lies_named_and_listed(open_page: Open, marking_address: str) -> None:
    page = open_page(marking_address)
    page.get_by_label("Text", exact=True).fill(MARKED)
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("status").first).to_contain_text("Answered by")
    expect(page.locator("#words")).to_be_hidden()
    for task in ("names", "phrases", "pairs", "same"):
        drawn = (
            card(page, task)
            .locator(".marked")
            .evaluate(
                """place => {
                const copy = place.cloneNode(true);
                copy.querySelectorAll("small").forEach((name) => name.remove());
                return copy.textContent;
            }"""
            )
        )
        assert drawn == MARKED  # nothing lost, nothing taken for markup
    assert page.locator("#answers i").count() == 0
    spans = card(page, "names").locator(".mark").evaluate_all("marks => marks.map(mark => mark.textContent)")
    assert {"New YorkLOC"} <= set(spans)
    lines = card(page, "names").locator(".parts li").all_inner_texts()
    assert any(re.fullmatch(r"LOC\s+New York\s+\d+\.\d%", line) for line in lines), lines
    assert any("lives in \u2192" in line for line in card(page, "pairs").locator(".parts li").all_inner_texts())
    assert any(" = They" in line for line in card(page, "same").locator(".parts li").all_inner_texts())
    assert {"1"} <= set(card(page, "same").locator(".mark small").all_inner_texts())


def test_marks_within_marks_have_lines_of_their_own(open_page: Open, marking_address: str) -> None:
    for options in ({}, {"color_scheme": "dark"}, {"viewport": {"width": 320, "height": 640}}):
        page = open_page(marking_address, **options)
        page.get_by_label("Text", exact=True).fill("Anna Berg lives in New York . They love work at Acme Corp .")
        page.get_by_role("button", name="Ask").click()
        nested = card(page, "phrases").locator(".mark .mark")
        expect(nested.first).to_have_text("Acme Corp")
        bottoms = nested.first.evaluate("inner => [inner, inner.parentNode].map(mark => mark.getBoundingClientRect().bottom)")
        assert bottoms[1] - bottoms[0] >= 4
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_description_of_the_api_shows_what_is_found(open_page: Open, marking_address: str) -> None:
    page = open_page(f"{marking_address.rstrip('/')}/docs")
    asked = page.locator('section[aria-label="POST /predict"]')
    expect(asked).to_contain_text("list of Span or Relation or Cluster or null")
    expect(asked).to_contain_text("mentions")
