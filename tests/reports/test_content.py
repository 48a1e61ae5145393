from __future__ import annotations

import datasets

from mtl_models.corpora.corpus import FEATURES, SPLITS, Corpus, CorpusReport
from mtl_models.reports.content import CorpusSummary


def test_rows_are_counted_by_class_and_split() -> None:
    labels = {"train": [0, 1, 1, 2], "dev": [2], "test": []}
    splits = {
        split: datasets.Dataset.from_dict(
            {name: [str(number) for number in range(len(labels[split]))] for name in ("id", "text", "group")} | {"label": labels[split]},
            features=FEATURES,
        )
        for split in SPLITS
    }
    corpus = Corpus(CorpusReport(task="mood", source="made", labels=("a", "b", "c"), rows_read=5), splits)
    summary = CorpusSummary.of(corpus)
    assert summary.classes["b"] == {"train": 2, "dev": 0, "test": 0}
    assert summary.classes["c"] == {"train": 1, "dev": 1, "test": 0}
    assert [summary.rows(split) for split in SPLITS] == [4, 1, 0]
    assert summary.fingerprint == corpus.fingerprint
