"""What a user loses if these fail: the page of `polytask serve`, by mouse, by keyboard, on a phone, without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Page, expect
from pydantic import TypeAdapter

from mtl_models.config import network as config
from mtl_models.config.text import TextOptions, Vocabulary
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import save_model
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

TEXT = "what a waste of two hours"
INTENTS = tuple(f"intent {number}" for number in range(9))
TASKS = (
    Task("films", "single_label", ("bad", "good"), description="Reviews of films"),
    Task("intents", "single_label", INTENTS),
    Task("tags", "multi_label", ("red", "big", "fast")),
    Task("stars", "rating", ("stars",), mean=3.0),
)
ATTENTION = {"name": "joint_transformer_lstm_attention", "attention": {"hops": 2, "hidden": 4, "fc": 4}, "transformer": {"heads": 2}}
Open = Callable[..., Page]


def write_model(folder: Path, seed: int, section: dict[str, object]) -> str:
    words = build_vocabulary({"films": [f"{TEXT} love this phone good"]}, {"films": TextOptions()}, Vocabulary(min_count=1))
    network = TypeAdapter(config.Network).validate_python({"hidden": 4, **section})
    torch.manual_seed(seed)
    built = build_network(network, TASKS, {"shared": 3 * torch.randn(words.size, 6)})
    save_model(Model(built.eval(), TASKS, {"shared": words}, network, 50), folder)
    return str(folder)


def serve(*words: str, **environment: str) -> tuple[subprocess.Popen[str], str]:
    """`polytask serve` and its address."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "serve", "--port", "0", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | environment, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().split(": ", 1)[1].split("  ")[0]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """One without attention and one with."""
    folder = tmp_path_factory.mktemp("models")
    return write_model(folder / "plain", 0, {"name": "joint_lstm"}), write_model(folder / "attentive", 1, ATTENTION)


@pytest.fixture(scope="module")
def address(models: tuple[str, str]) -> Iterator[str]:
    """Two models side by side."""
    process, url = serve("--model", models[0], "--compare", models[1], "--max-characters", "300")
    yield url
    process.terminate()
    process.wait(timeout=30)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a page; at the end there must be no error in it, and no request that went elsewhere."""
    pages: list[Page] = []
    errors: list[str] = []
    asked: list[str] = []

    def open_it(url: str, **options: object) -> Page:
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Security" in message.text else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        pages.append(page)
        return page

    yield open_it
    origins = {re.sub(r"(//[^/]+/).*", r"\1", page.url) for page in pages}
    for page in pages:
        page.context.close()
    assert not errors
    assert all(any(url.startswith(origin) for origin in origins) for url in asked), asked


def card(page: Page, task: str):
    return page.locator("#answers .card").filter(has=page.get_by_role("heading", name=task, exact=True))


def test_a_text_gets_every_tasks_answer_from_both_models(open_page: Open, address: str) -> None:
    page = open_page(address)
    page.get_by_label("Text", exact=True).fill(TEXT)
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("status").first).to_contain_text("Answered by plain and attentive")
    expect(page.locator("#answers h3")).to_have_text(["films", "intents", "tags", "stars"])
    films = card(page, "films")
    expect(films.locator("h4")).to_have_text(["plain", "attentive"])
    expect(films.locator(".bars li")).to_have_count(4)
    shares = films.locator(".side").first.locator(".share").all_inner_texts()
    assert sum(float(share.rstrip("%")) for share in shares) == pytest.approx(100, abs=0.2)
    fills = (
        films.locator(".side").first.locator(".fill").evaluate_all("bars => bars.map(bar => bar.clientWidth / bar.parentNode.clientWidth)")
    )
    assert [100 * fill for fill in fills] == pytest.approx([float(share.rstrip("%")) for share in shares], abs=2)
    chosen = films.locator(".side").first.locator(".chosen .name").inner_text()
    expect(films.locator(".side").first.locator(".verdict")).to_have_text(chosen)
    expect(card(page, "intents").locator(".side").first.locator(".bars").first.locator("li")).to_have_count(6)
    card(page, "intents").locator("summary").first.click()
    expect(card(page, "intents").locator(".side").first.locator("details li")).to_have_count(3)
    expect(card(page, "stars").locator(".verdict").first).to_have_text(re.compile(r"^-?\d+\.\d\d$"))


def test_where_the_models_differ_is_said_and_marked(open_page: Open, address: str) -> None:
    page = open_page(address)
    page.get_by_label("Text", exact=True).fill(TEXT)
    page.get_by_role("button", name="Ask").click()
    expect(card(page, "stars")).to_contain_text("they differ")
    expect(page.locator("#status")).to_contain_text(re.compile("They differ on .*stars"))
    page.get_by_label("Compare with attentive").uncheck()
    expect(page.locator("#status")).to_have_text(re.compile(r"^Answered by plain in \d+ ms\.$"))
    expect(page.locator("#answers h4")).to_have_count(0)
    expect(page.locator(".badge")).to_have_count(0)


def test_words_are_coloured_by_attention_or_by_leaving_them_out(open_page: Open, address: str) -> None:
    page = open_page(address)
    page.get_by_label("Text", exact=True).fill(f"{TEXT} zzyzx")
    page.get_by_role("button", name="Ask").click()
    sides = page.locator("#words .side")
    expect(sides).to_have_count(2)
    plain, attentive = sides.all()
    expect(plain.locator(".text span")).to_have_text([*TEXT.split(), "zzyzx"])
    expect(plain.locator(".text .unknown")).to_have_text(["zzyzx"])
    expect(plain.get_by_label("Coloured by").locator("option").first).to_have_text("films: leaving a word out")
    shown = attentive.get_by_label("Coloured by")
    expect(shown.locator("option").first).to_have_text("attention, mean of 2 hops")
    weights = attentive.locator(".text span").evaluate_all("words => words.map(word => Number(word.style.getPropertyValue('--weight')))")
    assert max(weights) == 100
    attentive.get_by_text("As numbers").click()
    shares = [float(cell.rstrip("%")) for cell in attentive.locator("td").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.5)
    colours = attentive.locator(".text span").evaluate_all("words => words.map(word => getComputedStyle(word).backgroundColor)")
    assert len(set(colours)) > 2
    shown.select_option(label="films: leaving a word out")  # asked for only now
    expect(attentive.get_by_label("Coloured by")).to_be_focused()
    attentive.get_by_text("As numbers").click()
    expect(attentive.locator("td").first).to_have_text(re.compile(r"^[+-]?\d+\.\d%$"))
    assert sum(float(cell.rstrip("%")) for cell in attentive.locator("td").all_inner_texts()) != pytest.approx(100, abs=0.5)


def test_it_can_be_used_by_keyboard_alone(open_page: Open, address: str) -> None:
    page = open_page(address)
    expect(page.get_by_label("Text", exact=True)).to_be_focused()
    page.keyboard.type("love this phone")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("good")
    page.keyboard.press("Enter")
    expect(page.locator("#words .text").first).to_have_text("love this phone good")
    page.keyboard.press("Control+A")
    page.keyboard.type("good phone")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#words .text").first).to_have_text("good phone")
    focused = []
    for _ in range(12):
        page.keyboard.press("Tab")
        focused.append(page.evaluate("document.activeElement.tagName"))
        if focused[-1] == "BODY":
            break
        outline = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
        assert outline >= 2, focused
    assert {"BUTTON", "INPUT", "SELECT", "SUMMARY"} <= set(focused)


def test_an_example_is_one_click(open_page: Open, address: str) -> None:
    page = open_page(address)
    page.get_by_role("button", name=TEXT).click()
    expect(page.get_by_label("Text", exact=True)).to_have_value(TEXT)
    expect(page.locator("#answers .card")).to_have_count(4)


def test_markup_in_a_text_is_text(open_page: Open, address: str) -> None:
    page = open_page(address)
    page.get_by_label("Text", exact=True).fill('<img src=x onerror="document.title=1"> <b>love</b>')
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#words .text").first).to_contain_text("<")
    assert page.locator("#words img, #words b").count() == 0
    assert page.title() == "Polytask"


def test_what_is_wrong_is_said(open_page: Open, address: str) -> None:
    page = open_page(address)
    fault = page.locator("#fault")
    page.get_by_role("button", name="Ask").click()
    expect(fault).to_have_text("Write a text first.")
    page.get_by_label("Text", exact=True).fill("a" * 301)
    expect(page.locator("#count")).to_have_text("301 of 300 characters")
    page.get_by_role("button", name="Ask").click()
    expect(fault).to_contain_text("301 characters, at most 300")
    expect(page.locator("#answers")).to_be_hidden()
    page.get_by_label("Text", exact=True).fill("यह अच्छा")
    page.get_by_role("button", name="Ask").click()
    expect(fault).to_be_empty()
    expect(page.locator("#warnings")).to_contain_text("Devanagari")
    page.context.set_offline(True)
    page.get_by_role("button", name="Ask").click()
    expect(fault).to_have_text("The server does not answer. Is it still running?")


def test_a_token_is_asked_for_and_kept_nowhere(open_page: Open, models: tuple[str, str]) -> None:
    process, url = serve("--model", models[0], POLYTASK_TOKEN="sesame")
    try:
        page = open_page(url)
        expect(page.get_by_label("Token")).to_be_focused()
        expect(page.locator("#question")).to_be_hidden()
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert").first).to_have_text("That is not the token.")
        page.keyboard.type("sesame")
        page.keyboard.press("Enter")
        page.get_by_label("Text", exact=True).fill(TEXT)
        page.keyboard.press("Enter")
        expect(page.locator("#answers .card")).to_have_count(4)
        kept = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie, location.href, document.body.outerHTML])")
        assert "sesame" not in kept
        page.reload()
        expect(page.get_by_label("Token")).to_be_visible()
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_phone(open_page: Open, address: str, scheme: str, tmp_path: Path) -> None:
    page = open_page(address, viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True, color_scheme=scheme)
    page.get_by_label("Text", exact=True).fill(f"{TEXT} {'unbroken' * 20}")
    page.get_by_role("button", name="Ask").tap()
    expect(page.locator("#words .text").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    small = page.locator("button:visible, select:visible, summary:visible").evaluate_all(
        "all => all.filter(one => one.getBoundingClientRect().height < 36).length"
    )
    assert small == 0
    colours = page.evaluate("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
    assert (colours[0] == "rgb(255, 255, 255)") == (scheme == "light")
    shot = page.screenshot(path=tmp_path / "phone.png", full_page=True)
    assert len(shot) > 10_000


def test_the_api_is_explained_and_can_be_tried_without_a_network(open_page: Open, address: str) -> None:
    page = open_page(f"{address}docs")
    paths = ["/predict", "/explain", "/tasks", "/health", "/ready", "/metrics"]
    expect(page.locator(".operation h2 code")).to_have_text(paths)
    predict = page.get_by_role("region", name="POST /predict")
    expect(predict).to_contain_text('list of "films" | "intents" | "tags" | "stars"')
    predict.get_by_text("Try it").click()
    predict.get_by_role("button", name="Send").click()
    expect(predict.get_by_role("status")).to_contain_text('200 OK\n{\n  "model": {\n    "name": "plain"')
    predict.get_by_label("Question for /predict").fill("{")
    predict.get_by_role("button", name="Send").click()
    expect(predict.get_by_role("status")).to_contain_text("422")


MARKED = "\N{GRINNING FACE} Anna Berg lives in New York .\nThey love work at <i>Acme Corp"


@pytest.fixture(scope="module")
def marking_address(marking_folder: Path) -> Iterator[str]:
    """A model whose tasks label words."""
    process, url = serve("--model", str(marking_folder))
    yield url
    process.terminate()
    process.wait(timeout=30)


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
