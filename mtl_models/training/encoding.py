"""Token ids on disk: a corpus encoded once, kept as int32 columns in Arrow files, and read without copying.

A split is one file `<cache>/<key>/<split>.arrow` with the columns `tokens` (list of int32) and `label` (int32; a list of int8 for several
labels, float32 for a rating). The key covers
everything the ids depend on, the code included, so a cached file is never stale; files appear by rename, so processes that encode
the same corpus at once do not disturb each other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import mtl_models.text
from mtl_models.config.hierarchical import Hierarchical
from mtl_models.config.network import Network
from mtl_models.corpora.corpus import SPLITS, Corpus, Split, label_values
from mtl_models.errors import PolytaskError
from mtl_models.files import writing_file
from mtl_models.home import home_folder
from mtl_models.progress import progress, say
from mtl_models.tasks.task import Task
from mtl_models.text.words import Forms, forms_of, places_of_words, running
from mtl_models.training.alterations import alterations_of, copies_depend_on
from mtl_models.training.encoder import Encoder

__all__ = ["EncodedCorpus", "EncodedSplit", "encode", "encode_for", "encode_words"]

_FORMAT = 2
"""Part of the key: raise it whenever what the files hold changes."""

_ROWS = 10_000
"""Rows encoded at a time, which bounds the memory that encoding takes."""

_TOKENS = pa.list_(pa.int32())
_LABELS = {"multi_label": pa.list_(pa.int8()), "rating": pa.float32()}


@dataclass(frozen=True)
class EncodedSplit:
    """Token ids and labels of one split. `tokens` is a view of the memory-mapped file; the rest lies in memory.

    Row i holds the ids `tokens[starts[i] : starts[i] + lengths[i]]` and the label `labels[i]`: a class number int32, of several labels
    int8 (K,), of a rating float32. `features` (N, F) are the rows' vectors, where an encoder that does not move has read them before.
    For networks that read word by word the ids are places in `forms`, a word has a vector where its id has its place, and labels on words
    are an object array of `Annotations`.
    """

    tokens: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int32]
    labels: npt.NDArray[Any]
    features: npt.NDArray[np.float32] | None = None
    forms: Forms | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    def ids(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """The token ids of `rows`, one row after another, as one array (sum of their lengths,)."""
        return self.tokens[running(self.starts[rows], self.lengths[rows])]


@dataclass(frozen=True)
class EncodedCorpus:
    """One task's corpus as token ids. `fingerprint` is equal for equal ids and labels in the same order."""

    task: str
    fingerprint: str
    splits: Mapping[Split, EncodedSplit]


def encode_for(
    network: Network, corpus: Corpus, vocabularies: Mapping[str, Encoder], task: Task, max_tokens: int, seed: int
) -> EncodedCorpus:
    """The corpus as `network` reads it: in its words, or as ids that are kept in the cache of the home folder."""
    vocabulary = vocabularies[task.vocabulary]
    if isinstance(network, Hierarchical):
        letters = None if network.characters is None else network.characters.longest
        beside = None if network.word_vectors is None else vocabularies[network.word_vectors]
        return encode_words(corpus, vocabulary, task, max_tokens, letters, beside)
    return encode(corpus, vocabulary, task, max_tokens, home_folder("cache", "encoded"), seed)


def encode(corpus: Corpus, vocabulary: Encoder, task: Task, max_tokens: int, cache: Path, seed: int = 0) -> EncodedCorpus:
    """The corpus as ids of `vocabulary`, each text cut after `max_tokens`; from the cache if it was encoded before.

    The train split of an augmented task ends with altered copies of its N rows, drawn by `seed`: row c * N + i is copy c of row i.
    Raises `PolytaskError` naming the file if it cannot be written.
    """
    key = _key(corpus, vocabulary, task, max_tokens, seed)
    folder = cache / key[:32]
    splits = {split: _split(corpus, split, vocabulary, task, max_tokens, folder, seed) for split in SPLITS}
    return EncodedCorpus(task.name, key, splits)


def encode_words(
    corpus: Corpus, vocabulary: Encoder, task: Task, max_tokens: int, letters: int | None, beside: Encoder | None = None
) -> EncodedCorpus:
    """The corpus for a network that reads word by word, each text cut after `max_tokens` words, with `letters` bytes of every word.

    `beside` is a second vocabulary, of words, that stands beside the pieces of a backbone.

    It lies in memory, 4 bytes a running word; a distinct word has its ids and letters once.
    """
    key = f"{_key(corpus, vocabulary, task, max_tokens, 0)} words {letters}" + ("" if beside is None else f" beside {beside.fingerprint}")
    splits = {split: _in_words(corpus, split, vocabulary, task, max_tokens, letters, beside) for split in SPLITS}
    return EncodedCorpus(task.name, hashlib.sha256(key.encode()).hexdigest(), splits)


def _in_words(
    corpus: Corpus, split: Split, vocabulary: Encoder, task: Task, max_tokens: int, letters: int | None, beside: Encoder | None
) -> EncodedSplit:
    words = [[text[begin:end] for begin, end in places_of_words(text, task.text.words)[:max_tokens]] for text in corpus.texts(split)]
    lengths = np.array([len(text) for text in words], dtype=np.int32)
    if not words:
        return EncodedSplit(np.empty(0, np.int32), np.empty(0, np.int64), lengths, corpus.gold(split))
    forms, places = forms_of(words, vocabulary, task.text, letters, beside)
    return EncodedSplit(places, np.cumsum(lengths, dtype=np.int64) - lengths, lengths, corpus.gold(split), forms=forms)


def _key(corpus: Corpus, vocabulary: Encoder, task: Task, max_tokens: int, seed: int) -> str:
    code = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(mtl_models.text.__path__[0]).rglob("*.py")))).hexdigest()
    parts: list[Any] = [_FORMAT, code, corpus.fingerprint, vocabulary.fingerprint, task.text.model_dump(mode="json"), max_tokens]
    if task.augmentation is not None:
        parts += [task.name, copies_depend_on(task.augmentation, seed)]  # the name is part of what is drawn by
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _split(corpus: Corpus, split: Split, vocabulary: Encoder, task: Task, max_tokens: int, folder: Path, seed: int) -> EncodedSplit:
    path = folder / f"{split}.arrow"
    if path.exists():
        try:
            return _open(path, corpus)
        except (OSError, ValueError) as error:
            say(f"{path}: not a whole file of token ids ({error}); it is written anew")
    try:
        with writing_file(path) as draft, pa.OSFile(str(draft), "wb") as sink, pa.ipc.new_file(sink, _schema(corpus.kind)) as writer:
            for batch in _encoded(corpus, split, vocabulary, task, max_tokens, seed):
                writer.write_batch(batch)
    except OSError as error:
        raise PolytaskError(
            f"{path}: token ids cannot be written: {error}; make room there, or set POLYTASK_HOME to another place"
        ) from error
    return _open(path, corpus)


def _encoded(corpus: Corpus, split: Split, vocabulary: Encoder, task: Task, max_tokens: int, seed: int) -> Iterator[pa.RecordBatch]:
    rows = corpus.splits[split]
    alterations = alterations_of(corpus, vocabulary, task, seed) if split == "train" and task.augmentation is not None else []
    schema = _schema(corpus.kind)
    for place, altered in enumerate([_as_it_is, *alterations]):
        tables = rows.with_format("arrow").iter(batch_size=_ROWS)
        label = f"encoding {task.name} {split}" + f", altered copy {place}" * (place > 0)
        for table in progress(tables, label, total=-(-len(rows) // _ROWS), unit="x10,000 rows"):
            texts = [altered(*pair) for pair in zip(table["text"].to_pylist(), table["id"].to_pylist(), strict=True)]
            ids = vocabulary.encode(texts, task.text, max_tokens)
            columns = [pa.array(ids, type=_TOKENS), table["label"].combine_chunks().cast(schema.field("label").type)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _as_it_is(text: str, name: str) -> str:  # noqa: ARG001  # the signature of an alteration
    return text


def _schema(kind: str) -> pa.Schema:
    return pa.schema([("tokens", _TOKENS), ("label", _LABELS.get(kind, pa.int32()))])


def _open(path: Path, corpus: Corpus) -> EncodedSplit:
    """Map a file. A row's start is its place in the whole file seen as one int32 array, so a batch is one gather, whatever the chunks."""
    with pa.memory_map(str(path)) as file:
        whole = file.read_buffer()
    reader = pa.ipc.open_file(pa.BufferReader(whole))
    if reader.schema != _schema(corpus.kind):
        raise ValueError(f"unexpected columns {reader.schema.names}")
    starts, lengths = [np.empty(0, np.int64)], [np.empty(0, np.int32)]
    labels = [label_values(pa.array([], type=reader.schema.field("label").type), len(corpus.labels))]
    for number in range(reader.num_record_batches):
        batch = reader.get_batch(number)
        tokens = batch.column("tokens")
        offsets = tokens.offsets.to_numpy()
        place, misaligned = divmod(tokens.values.buffers()[1].address - whole.address, 4)
        if misaligned:
            raise ValueError("token ids are not aligned")
        starts.append(offsets[:-1].astype(np.int64) + place)
        lengths.append(np.diff(offsets))
        labels.append(label_values(batch.column("label"), len(corpus.labels)))
    ids = np.frombuffer(whole, dtype=np.int32, count=whole.size // 4)
    return EncodedSplit(ids, np.concatenate(starts), np.concatenate(lengths), np.concatenate(labels))
