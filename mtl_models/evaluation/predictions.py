"""What a model says of one task's rows: the only thing that measures and comparisons look at."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mtl_models.corpora.annotations import as_objects, as_rows, on_words, renumbered
from mtl_models.corpora.corpus import Corpus, Split, label_values
from mtl_models.errors import CorpusError
from mtl_models.files import writing_file
from mtl_models.tasks.missing import MISSING
from mtl_models.tasks.scores.scores import Scores, scores_of

if TYPE_CHECKING:  # the comparison of predictions needs no torch
    from mtl_models.networks.model import Model

__all__ = ["Predictions", "predict_split", "split_columns"]

_ABOUT = b"polytask.predictions"
_GOLD = {"multi_label": np.int8, "rating": np.float64}


@dataclass(frozen=True, eq=False)
class Predictions:
    """The probabilities one model gives to the labels of one task's rows.

    `labels` K names; `ids` N row ids, each once; `gold` (N,) indices into `labels`, of several labels (N, K) 1, 0 or `MISSING`, of a rating
    (N,) the numbers; `probabilities` (N, K), of a rating (N, 1) the numbers found. On words, both are object arrays (N,) of annotations,
    those that are right and those that were found. `CorpusError` for no rows, repeated ids, a gold label
    outside these, or probabilities that are not finite.
    """

    task: str
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    gold: NDArray[Any]
    probabilities: NDArray[Any]
    kind: str = "single_label"

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "ids", tuple(self.ids))
        words = on_words(self.kind)
        object.__setattr__(self, "gold", np.asarray(self.gold, dtype=object if words else _GOLD.get(self.kind, np.int64)))
        object.__setattr__(self, "probabilities", np.asarray(self.probabilities, dtype=object if words else np.float64))
        rows, classes = len(self.ids), len(self.labels)
        gold = (rows, classes) if self.kind == "multi_label" else (rows,)
        if rows == 0:
            raise CorpusError(f"task '{self.task}': no rows to judge a model on; look at corpus.splits")
        if self.gold.shape != gold or self.probabilities.shape != ((rows,) if words else (rows, classes)):
            raise ValueError(
                f"task '{self.task}': {rows} ids and {classes} labels do not fit gold {self.gold.shape} "
                f"and probabilities {self.probabilities.shape}"
            )
        if len(set(self.ids)) != rows:
            raise CorpusError(f"task '{self.task}': row ids are repeated, so rows of two models could not be paired")
        if words:
            return
        self._refuse_gold_outside()
        broken = np.flatnonzero(~np.isfinite(self.probabilities).all(axis=1))
        if broken.size:
            raise CorpusError(
                f"task '{self.task}', row '{self.ids[broken[0]]}': the model's probabilities are not finite; "
                "its training diverged: lower training.learning_rate"
            )

    @property
    def scores(self) -> Scores:
        """How these are judged."""
        return scores_of(self.kind, len(self.labels))

    @cached_property
    def found(self) -> NDArray[Any]:
        """The answer to every row, in the shape of `gold`: the most probable class (the first of equals), the labels, or the number."""
        return self.scores.answers(self.probabilities)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over task, kind, labels, ids, gold labels and probabilities."""
        digest = hashlib.sha256(repr((self.task, self.kind, self.labels, self.ids)).encode())
        for values in (self.gold, self.probabilities):
            digest.update(repr([row.tolist() for row in values]).encode() if values.dtype == object else values.tobytes())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write one parquet file: id, gold, and a column `p0`, `p1` ... per class, or one of annotations, `found`, each as a flat list.

        Task, kind and labels are in its metadata.
        """
        if on_words(self.kind):
            columns = {"id": pa.array(self.ids, pa.string()), "gold": _flat(self.gold), "found": _flat(self.probabilities)}
        else:
            columns = {"id": pa.array(self.ids, pa.string()), "gold": pa.array(list(self.gold) if self.gold.ndim == 2 else self.gold)}
            columns |= {f"p{k}": pa.array(self.probabilities[:, k]) for k in range(len(self.labels))}
        about = json.dumps({"task": self.task, "kind": self.kind, "labels": self.labels}, ensure_ascii=False).encode()
        with writing_file(path) as draft:
            pq.write_table(pa.table(columns).replace_schema_metadata({_ABOUT: about}), draft)

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read what `save` wrote, bit for bit."""
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {}).get(_ABOUT, b"null"))
        if about is None:
            raise CorpusError(f"{path}: a parquet file, but not of predictions; give one that a run wrote")
        labels, kind = tuple(about["labels"]), about.get("kind", "single_label")
        ids = tuple(table["id"].to_pylist())
        if on_words(kind):
            return cls(about["task"], labels, ids, as_rows(table["gold"], kind), as_rows(table["found"], kind), kind)
        spread = np.stack([table[f"p{k}"].to_numpy() for k in range(len(labels))], axis=1)
        gold = label_values(table["gold"], len(labels))
        return cls(about["task"], labels, ids, gold, spread, kind)

    def _refuse_gold_outside(self) -> None:
        if self.kind == "rating":
            outside = ~np.isfinite(self.gold)
        elif self.kind == "multi_label":
            outside = ~np.isin(self.gold, (0, 1, MISSING)).all(axis=1)
        else:
            outside = (self.gold < 0) | (self.gold >= len(self.labels))
        if outside.any():
            row = int(outside.argmax())
            raise CorpusError(
                f"task '{self.task}', row '{self.ids[row]}': label {self.gold[row]} is none of the {len(self.labels)} classes"
                if self.kind != "rating"
                else f"task '{self.task}', row '{self.ids[row]}': rating {self.gold[row]} is no number"
            )


def _flat(annotations: NDArray[Any]) -> pa.Array:
    return pa.array([row.ravel() for row in annotations], pa.list_(pa.int32()))


def split_columns(corpus: Corpus, split: Split) -> tuple[list[str], list[str], NDArray[Any]]:
    """Ids, texts and labels (`Corpus.gold`) of one split, in order."""
    rows = corpus.splits[split].select_columns(["id", "text"]).with_format("arrow")[:]
    return rows["id"].to_pylist(), rows["text"].to_pylist(), corpus.gold(split)


def predict_split(model: Model, corpus: Corpus, split: Split = "test", batch_size: int = 256) -> Predictions:
    """What `model` says of every row of a split, the columns in the order of the corpus's labels.

    `CorpusError` where the model does not know the task, or knows it with other labels.
    """
    known = {task.name: task for task in model.tasks}
    if corpus.task not in known:
        raise CorpusError(f"the model does not know the task '{corpus.task}'; it knows {', '.join(known)}")
    labels, kind = known[corpus.task].labels, known[corpus.task].kind
    if kind != corpus.kind:
        raise CorpusError(f"task '{corpus.task}': the model's kind is {kind}, but the corpus is of kind {corpus.kind}")
    if set(labels) != set(corpus.labels):
        raise CorpusError(
            f"task '{corpus.task}': the model's labels are {', '.join(labels)}, but the corpus has {', '.join(corpus.labels)}"
        )
    ids, texts, gold = split_columns(corpus, split)
    if on_words(kind):
        found = model.annotations(texts, [corpus.task], "spaces", batch_size)[corpus.task]
        rows = as_objects([renumbered(answer.rows, kind, labels, corpus.labels) for answer in found])
        return Predictions(corpus.task, corpus.labels, tuple(ids), gold, rows, kind)
    probabilities = model.probabilities(texts, [corpus.task], batch_size)[corpus.task] if texts else np.empty((0, len(labels)))
    order = [labels.index(label) for label in corpus.labels]
    return Predictions(corpus.task, corpus.labels, tuple(ids), gold, np.asarray(probabilities, dtype=np.float64)[:, order], kind)
