from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.config.experiment import Kind
from mtl_models.corpora.documents.document import Mark
from mtl_models.corpora.documents.files import read_documents


class Read(NamedTuple):
    """A row as the reader gives it."""

    line: int
    text: str
    marks: list[Mark]
    id: str
    group: str


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[Read]]:
    """Read a file of that content, by the keys of a corpus."""

    def of(content: str, kind: Kind, file: str = "corpus.txt", **keys: Any) -> list[Read]:
        path = tmp_path / file
        path.write_text(content, encoding="utf-8")
        corpus = CorpusConfig.model_validate({"source": str(path), **keys})
        table = read_documents(path, file, corpus, kind, ("text", "label", "id", "group"), "")
        return [Read(line, values[0], list(values[1]), values[2], values[3]) for line, values in table.rows]

    return of
