"""What a user loses if these fail: the page of `polytask serve`, by mouse, by keyboard, on a phone, without a network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import expect
from pydantic import TypeAdapter

from mtl_models.config import network as config
from mtl_models.config.text import TextOptions, Vocabulary
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import save_model
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

from pages import Open, card, serve

TEXT = "what a waste of two hours"
INTENTS = tuple(f"intent {number}" for number in range(9))
TASKS = (
    Task("films", "single_label", ("bad", "good"), description="Reviews of films"),
    Task("intents", "single_label", INTENTS),
    Task("tags", "multi_label", ("red", "big", "fast")),
    Task("stars", "rating", ("stars",), mean=3.0),
)
ATTENTION = {"name": "joint_transformer_lstm_attention", "attention": {"hops": 2, "hidden": 4, "fc": 4}, "transformer": {"heads": 2}}


def write_model(folder: Path, seed: int, section: dict[str, object]) -> str:
    words = build_vocabulary({"films": [f"{TEXT} love this phone good"]}, {"films": TextOptions()}, Vocabulary(min_count=1))
    network = TypeAdapter(config.Network).validate_python({"hidden": 4, **section})
    torch.manual_seed(seed)
    built = build_network(network, TASKS, {"shared": 3 * torch.randn(words.size, 6)})
    save_model(Model(built.eval(), TASKS, {"shared": words}, network, 50), folder)
    return str(folder)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """One without attention and one with."""
    folder = tmp_path_factory.mktemp("models")
    return write_model(folder / "plain", 0, {"name": "joint_lstm"}), write_model(folder / "attentive", 1, ATTENTION)


@pytest.fixture(scope="module")
def address(models: tuple[str, str]) -> Iterator[str]:
    """Two models side by side."""
    with serve("--model", models[0], "--compare", models[1], "--max-characters", "300") as url:
        yield url


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
    with serve("--model", models[0], POLYTASK_TOKEN="sesame") as url:
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
