"""What ZenML needs to know of where the code lies: the workers of the tests have no main module with a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def source_root() -> Iterator[None]:
    from zenml.utils.source_utils import set_custom_source_root

    set_custom_source_root(str(Path(__file__).resolve().parents[2]))
    yield
    set_custom_source_root(None)
