"""What a user loses if these fail: a test score on altered texts, labels that belong to other rows, a cache that keeps old copies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.config import text as config
from mtl_models.config.augmentation import Augmentation
from mtl_models.config.backbone import SentenceEncoder
from mtl_models.config.experiment import TaskSettings
from mtl_models.config.network import JointLstm
from mtl_models.config.training import Training
from mtl_models.corpora.corpus import FEATURES, Corpus, CorpusReport, features_of
from mtl_models.errors import CorpusError
from mtl_models.networks.backbone import read_backbone, read_tokenizer
from mtl_models.tasks.task import Task
from mtl_models.text.matrix import build_matrix
from mtl_models.text.vocabulary import Vocabulary, build_vocabulary
from mtl_models.training.encoding import EncodedSplit, encode
from mtl_models.training.train import train

TASK = Task("toy", "single_label", ("no", "yes"), augmentation=Augmentation(copies=2))
PLAIN = replace(TASK, augmentation=None)
TEXTS = ["the film was good and fine", "a dull hotel", "number 7 was great", "poor plot"] * 3


def corpus_of(train: list[str], held_out: list[str] | None = None, labels: list[Any] | None = None, kind: str = "single_label") -> Corpus:
    def rows(texts: list[str]) -> datasets.Dataset:
        columns: dict[str, list[Any]] = {
            "id": [str(number) for number in range(len(texts))],
            "text": texts,
            "label": (labels or [number % 2 for number in range(len(texts))])[: len(texts)],
            "group": [""] * len(texts),
        }
        return datasets.Dataset.from_dict(columns, features=FEATURES if kind == "single_label" else features_of(kind))

    report = CorpusReport(task="toy", kind=kind, source="made", labels=("no", "yes"), rows_read=len(train))
    others = rows(["the film was good"] if held_out is None else held_out)
    return Corpus(report, {"train": rows(train), "dev": others, "test": others})


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return build_vocabulary({"toy": TEXTS}, {"toy": TASK.text}, config.Vocabulary(min_count=1))


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """`good`, `great` and `unheard` are near each other, and so are `film` and `plot`."""
    path = tmp_path / "vectors.txt"
    path.write_text("good 1 0\ngreat 1 .1\nunheard 1 .05\nfilm 0 1\nplot .1 1\n")
    return path


def with_synonyms(vectors: Path, **options: object) -> Task:
    section = {"copies": 3, "swap": 0, "delete": 0, "synonyms": 1.0, "vectors": str(vectors), **options}
    return replace(TASK, augmentation=Augmentation.model_validate(section))


def read(split: EncodedSplit, words: Vocabulary) -> list[str]:
    return [" ".join(words.tokens[token] for token in split.ids(np.array([row]))) for row in range(len(split))]


@settings(max_examples=15, deadline=None)
@given(
    texts=st.lists(st.lists(st.sampled_from(["film", "good", "dull"]), max_size=5).map(" ".join), min_size=1, max_size=9),
    seed=st.integers(0, 3),
)
def test_copies_follow_the_rows_with_their_labels_and_only_in_train(
    tmp_path_factory: pytest.TempPathFactory, words: Vocabulary, texts: list[str], seed: int
) -> None:
    corpus, cache = corpus_of(texts), tmp_path_factory.mktemp("cache")
    plain, augmented = encode(corpus, words, PLAIN, 9, cache), encode(corpus, words, TASK, 9, cache, seed)
    again = encode(corpus, words, TASK, 9, tmp_path_factory.mktemp("cache"), seed)
    assert read(again.splits["train"], words) == read(augmented.splits["train"], words)
    train, rows = augmented.splits["train"], len(texts)
    assert len(train) == 3 * rows
    assert read(train, words)[:rows] == read(plain.splits["train"], words)
    assert train.labels.tolist() == 3 * plain.splits["train"].labels.tolist()
    for place, copy in enumerate(read(train, words)):
        assert set(copy.split()) <= set(texts[place % rows].split() or ["<unk>"])
    for split in ("dev", "test"):
        assert read(augmented.splits[split], words) == read(plain.splits[split], words)


@pytest.mark.parametrize(("kind", "labels"), [("multi_label", [[1, 0], [0, -100], [1, 1]]), ("rating", [0.5, 2.0, 3.25])])
def test_labels_of_every_kind_are_kept(tmp_path: Path, words: Vocabulary, kind: str, labels: list[Any]) -> None:
    task = replace(TASK, kind=kind)
    train = encode(corpus_of(TEXTS[:3], TEXTS[:1], labels, kind), words, task, 9, tmp_path).splits["train"]
    assert train.labels.tolist() == labels * 3


def test_synonyms_are_words_that_the_vocabulary_knows(tmp_path: Path, words: Vocabulary, vectors: Path) -> None:
    found = read(encode(corpus_of(["good film"]), words, with_synonyms(vectors), 9, tmp_path).splits["train"], words)
    assert found == ["good film", *["great plot"] * 3], "unheard is near, and would be <unk>"


def test_the_fingerprint_covers_all_that_copies_depend_on(tmp_path: Path, words: Vocabulary, vectors: Path) -> None:
    corpus = corpus_of(["good film"])

    def fingerprint(task: Task, seed: int = 1) -> str:
        return encode(corpus, words, task, 9, tmp_path, seed).fingerprint

    before = fingerprint(with_synonyms(vectors))
    found = {before, fingerprint(PLAIN), fingerprint(with_synonyms(vectors, copies=2)), fingerprint(with_synonyms(vectors), seed=2)}
    moved = vectors.rename(tmp_path / "elsewhere.txt")
    assert fingerprint(with_synonyms(moved)) == before, "the bytes count, not the path"
    moved.write_text("good 1 0\nfilm 1 .1\n")
    found.add(fingerprint(with_synonyms(moved)))
    found.add(fingerprint(replace(with_synonyms(moved), name="other")))
    assert len(found) == 6
    assert fingerprint(replace(PLAIN, name="other")) == fingerprint(PLAIN), "nothing is drawn by the name where there are no copies"
    assert fingerprint(PLAIN, 1) == fingerprint(PLAIN, 2), "without copies the seed plays no part"


def test_missing_vectors_are_told(tmp_path: Path, words: Vocabulary) -> None:
    with pytest.raises(CorpusError, match=r"nowhere\.txt: no such file"):
        encode(corpus_of(["good"]), words, with_synonyms(Path("nowhere.txt")), 9, tmp_path)


def test_rows_are_counted_as_trained_and_classes_as_they_are() -> None:
    settings = TaskSettings.model_validate({"augmentation": {"copies": 4}, "class_weights": "balanced"})
    assert (settings.trained_rows(10), TaskSettings().trained_rows(10)) == (50, 10)
    task = Task.of(settings, corpus_of(["a", "b", "c"]))
    assert task.augmentation == settings.augmentation
    assert task.class_weights == pytest.approx((0.75, 1.5)), "2 rows of one class, 1 of the other"


def test_a_network_of_words_and_a_sentence_encoder_train_on_copies(
    words: Vocabulary, vectors: Path, backbones: Callable[..., Path]
) -> None:
    corpus = corpus_of(TEXTS)
    task = with_synonyms(vectors, swap=0.1, delete=0.1)
    options = {"toy": task.text}
    matrix = build_matrix(words, config.Vectors(method="random", dimension=8), None, {"toy": TEXTS}, options, 1)
    encoder = SentenceEncoder.model_validate({"name": "sentence_encoder", "backbone": str(backbones())})
    training = Training(epochs=1, max_tokens=12, batch_size=8)
    pretrained = read_backbone(backbones())
    for found in (
        train([task], {"toy": corpus}, {"shared": words}, {"shared": matrix}, JointLstm(hidden=4), training, 3),
        train([task], {"toy": corpus}, {"shared": read_tokenizer(backbones())}, {"shared": pretrained}, encoder, training, 3),
    ):
        (record,) = found[1].epochs
        assert record.examples == {"toy": 4 * len(TEXTS)}
