"""What a user loses if these fail: a site of the documentation that builds, whose links lead somewhere, and that needs no network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = re.compile(r"^(https?:)?//")
FETCHED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "video": "src"}
"""What a browser fetches by itself when it shows a page."""


class Addresses(HTMLParser):
    """The addresses that a page makes a browser fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name == FETCHED.get(tag) and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: a link or an anchor that leads nowhere ends the build (with `--quiet` it would not)."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    outside = {
        f"{page.relative_to(site)}: {address}"
        for page in pages
        for address in Addresses(page.read_text(encoding="utf-8")).found
        if OUTSIDE.match(address)
    }
    assert not outside


def test_no_style_sheet_fetches_anything_from_elsewhere(site: Path) -> None:
    sheets = list(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        assert not re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("reference/commands.html", ["polytask models rollback", "--no-cache"]),
        ("reference/experiment.html", ["successive_regularisation", "min_mean_gain", "PackageSource"]),
        ("reference/library/training.html", ["mtl_models.training.fit", "it ends with its best weights"]),
        ("benchmarks.html", ["padding.py"]),
    ],
)
def test_the_generated_pages_are_there_and_full(site: Path, page: str, told: list[str]) -> None:
    text = re.sub(r"<[^>]+>", "", (site / page).read_text(encoding="utf-8"))
    assert [part for part in told if part not in text] == []


@pytest.mark.parametrize("page", ["README.md", "benchmarks/README.md", "CHANGELOG.md"])
def test_links_of_pages_outside_the_site_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_scripts_about_the_site_stay_at_home(site: Path) -> None:
    """That of the tutorial is to be had."""
    assert [path.name for path in site.rglob("*.py")] == ["messages.py"]
