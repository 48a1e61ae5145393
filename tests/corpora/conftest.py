from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtl_models.config.corpus import Corpus as CorpusConfig

from tables import put_csv

ADJECTIVES = ["good", "bad", "odd", "new", "old", "big", "sad", "shy"]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of this test alone."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("POLYTASK_HOME", str(folder))
    return folder


@pytest.fixture
def config() -> Callable[..., CorpusConfig]:
    """A corpus configuration from a path and keys of the YAML."""

    def make(source: Any, **keys: Any) -> CorpusConfig:
        return CorpusConfig.model_validate({"source": str(source) if isinstance(source, Path) else source, **keys})

    return make


@pytest.fixture
def reviews() -> list[tuple[str, str]]:
    """120 different (label, text) rows, two thirds positive."""
    return [("pos" if number % 3 else "neg", f"{ADJECTIVES[number % 8]} thing number {number}") for number in range(120)]


@pytest.fixture
def reviews_csv(tmp_path: Path, reviews: list[tuple[str, str]]) -> Path:
    return put_csv(tmp_path / "reviews.csv", reviews)
