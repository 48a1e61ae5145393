"""What a model says of one task's rows: the only thing that measures and comparisons look at."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mtl_models.corpora.corpus import Corpus, Split
from mtl_models.errors import CorpusError
from mtl_models.files import writing_file

if TYPE_CHECKING:  # the comparison of predictions needs no torch
    from mtl_models.networks.model import Model

__all__ = ["Predictions", "predict_split", "split_columns"]

_ABOUT = b"polytask.predictions"


@dataclass(frozen=True, eq=False)
class Predictions:
    """The probabilities one model gives to the classes of one task's rows.

    `labels` K class names; `ids` N row ids, each once; `gold` (N,) indices into `labels`; `probabilities` (N, K).
    `CorpusError` for no rows, repeated ids, a gold label outside the classes, or probabilities that are not finite.
    """

    task: str
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    gold: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "ids", tuple(self.ids))
        object.__setattr__(self, "gold", np.asarray(self.gold, dtype=np.int64))
        object.__setattr__(self, "probabilities", np.asarray(self.probabilities, dtype=np.float64))
        rows, classes = len(self.ids), len(self.labels)
        if rows == 0:
            raise CorpusError(f"task '{self.task}': no rows to judge a model on; look at corpus.splits")
        if self.gold.shape != (rows,) or self.probabilities.shape != (rows, classes):
            raise ValueError(
                f"task '{self.task}': {rows} ids and {classes} labels do not fit gold {self.gold.shape} "
                f"and probabilities {self.probabilities.shape}"
            )
        if len(set(self.ids)) != rows:
            raise CorpusError(f"task '{self.task}': row ids are repeated, so rows of two models could not be paired")
        outside = np.flatnonzero((self.gold < 0) | (self.gold >= classes))
        if outside.size:
            raise CorpusError(
                f"task '{self.task}', row '{self.ids[outside[0]]}': label {self.gold[outside[0]]} is none of the {classes} classes"
            )
        broken = np.flatnonzero(~np.isfinite(self.probabilities).all(axis=1))
        if broken.size:
            raise CorpusError(
                f"task '{self.task}', row '{self.ids[broken[0]]}': the model's probabilities are not finite; "
                "its training diverged: lower training.learning_rate"
            )

    @cached_property
    def found(self) -> NDArray[np.int64]:
        """The most probable class of every row (N,), the first of equals."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over task, labels, ids, gold labels and probabilities."""
        digest = hashlib.sha256(repr((self.task, self.labels, self.ids)).encode())
        digest.update(self.gold.tobytes())
        digest.update(self.probabilities.tobytes())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write one parquet file: id, gold, and a column `p0`, `p1` ... per class; task and labels are in its metadata."""
        columns = {"id": pa.array(self.ids, pa.string()), "gold": pa.array(self.gold)}
        columns |= {f"p{k}": pa.array(self.probabilities[:, k]) for k in range(len(self.labels))}
        about = json.dumps({"task": self.task, "labels": self.labels}, ensure_ascii=False).encode()
        with writing_file(path) as draft:
            pq.write_table(pa.table(columns).replace_schema_metadata({_ABOUT: about}), draft)

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read what `save` wrote, bit for bit."""
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {}).get(_ABOUT, b"null"))
        if about is None:
            raise CorpusError(f"{path}: a parquet file, but not of predictions; give one that a run wrote")
        classes = [table[f"p{k}"].to_numpy() for k in range(len(about["labels"]))]
        return cls(
            about["task"], tuple(about["labels"]), tuple(table["id"].to_pylist()), table["gold"].to_numpy(), np.stack(classes, axis=1)
        )


def split_columns(corpus: Corpus, split: Split) -> tuple[list[str], list[str], NDArray[np.int64]]:
    """Ids, texts and labels of one split, in order."""
    rows = corpus.splits[split].with_format("arrow")[:]
    return rows["id"].to_pylist(), rows["text"].to_pylist(), rows["label"].to_numpy().astype(np.int64)


def predict_split(model: Model, corpus: Corpus, split: Split = "test", batch_size: int = 256) -> Predictions:
    """What `model` says of every row of a split, the columns in the order of the corpus's labels.

    `CorpusError` where the model does not know the task, or knows it with other labels.
    """
    known = {task.name: task.labels for task in model.tasks}
    if corpus.task not in known:
        raise CorpusError(f"the model does not know the task '{corpus.task}'; it knows {', '.join(known)}")
    labels = known[corpus.task]
    if set(labels) != set(corpus.labels):
        raise CorpusError(
            f"task '{corpus.task}': the model's labels are {', '.join(labels)}, but the corpus has {', '.join(corpus.labels)}"
        )
    ids, texts, gold = split_columns(corpus, split)
    probabilities = model.probabilities(texts, [corpus.task], batch_size)[corpus.task] if texts else np.empty((0, len(labels)))
    order = [labels.index(label) for label in corpus.labels]
    return Predictions(corpus.task, corpus.labels, tuple(ids), gold, np.asarray(probabilities, dtype=np.float64)[:, order])
