"""Small predictions and corpora, made to order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import datasets
import numpy as np
import pytest

from mtl_models.corpora.corpus import FEATURES, SPLITS, Corpus, CorpusReport
from mtl_models.evaluation.predictions import Predictions

MakePredictions = Callable[..., Predictions]
MakeCorpus = Callable[..., Corpus]


@pytest.fixture(scope="session")
def predictions() -> MakePredictions:
    """Predictions with the given gold and found classes."""

    def make(gold: Sequence[int], found: Sequence[int], task: str = "mood", labels: Sequence[str] = ("bad", "good")) -> Predictions:
        spread = np.full((len(gold), len(labels)), 0.1 / len(labels))
        spread[np.arange(len(gold)), list(found)] += 0.9
        return Predictions(task, tuple(labels), tuple(f"row-{n}" for n in range(len(gold))), np.array(gold), spread)

    return make


@pytest.fixture(scope="session")
def corpus() -> MakeCorpus:
    """A corpus from (text, class number) rows per split."""

    def make(
        train: Sequence[tuple[str, int]], test: Sequence[tuple[str, int]], task: str = "mood", labels: Sequence[str] = ("bad", "good")
    ) -> Corpus:
        rows = dict(zip(SPLITS, (train, [], test), strict=True))
        splits = {
            split: datasets.Dataset.from_dict(
                {
                    "id": [f"{split}-{n}" for n in range(len(pairs))],
                    "text": [text for text, _ in pairs],
                    "label": [label for _, label in pairs],
                    "group": [""] * len(pairs),
                },
                features=FEATURES,
            )
            for split, pairs in rows.items()
        }
        return Corpus(CorpusReport(task=task, source="made", labels=tuple(labels), rows_read=len(train) + len(test)), splits)

    return make
