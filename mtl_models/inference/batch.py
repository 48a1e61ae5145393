"""A file of texts answered as a whole: read once, answered in parts, and every answer traceable by its id."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from mtl_models.corpora.arrow import RowWriter, open_rows
from mtl_models.corpora.corpus import SPLITS, Corpus, CorpusReport, features_of
from mtl_models.errors import CorpusError
from mtl_models.files import sha256_of, writing_file
from mtl_models.home import home_folder
from mtl_models.inference.answer_files import ANSWER_FIELDS, FOUND, found_cell
from mtl_models.inference.familiarity import UnfamiliarTexts
from mtl_models.inference.predictor import Prediction, Predictor
from mtl_models.inference.text_files import read_texts
from mtl_models.progress import progress

__all__ = ["Answerer", "Answers", "PredictionId", "batch_key", "read_input", "write_answers"]

_PART = 4096
"""Texts answered at a time; also the row groups of the file of answers."""

_KEY = 20
"""Hex digits of a batch's key: two of a billion different batches share one with a chance of about one in a million."""

_ID = re.compile(rf"(?P<key>[0-9a-f]{{{_KEY}}})-(?P<index>[0-9]+)-(?P<task>[a-z][a-z0-9_]*)")

_SCHEMA = pa.schema(
    [
        ("prediction_id", pa.string()),
        *ANSWER_FIELDS,
        ("model", pa.string()),
        ("model_version", pa.int64()),
        ("mlflow_run_id", pa.string()),
        ("model_fingerprint", pa.string()),
    ]
)


class Answerer(BaseModel):
    """The registered model that answers, and the tasks it is asked; what every row of the answers names."""

    model_config = ConfigDict(frozen=True)

    model: str
    version: int
    run_id: str
    """The MLflow run that trained it."""
    fingerprint: str
    tasks: tuple[str, ...]

    @property
    def uri(self) -> str:
        """Its address in the registry, by number: an alias moves on."""
        return f"models:/{self.model}/{self.version}"


@dataclass(frozen=True)
class Answers:
    """A Parquet file with a row per text and task."""

    path: Path
    rows: int
    sha256: str


@dataclass(frozen=True)
class PredictionId:
    """Names one answer: the batch, the text's row in its input (from 0), the task."""

    key: str
    index: int
    task: str

    def __str__(self) -> str:
        return f"{self.key}-{self.index}-{self.task}"

    @classmethod
    def parse(cls, text: str) -> PredictionId:
        """`CorpusError` where the text is no such id."""
        found = _ID.fullmatch(text.strip())
        if found is None:
            raise CorpusError(
                f"'{text}' is no prediction id; one looks like 0123456789abcdef0123-17-movie and stands in the column prediction_id "
                "of a file that `polytask batch` wrote"
            )
        return cls(found["key"], int(found["index"]), found["task"])


def batch_key(texts: Corpus, answerer: Answerer) -> str:
    """What tells batches apart: the texts, the model, the tasks. The same question asked again gets the same ids."""
    parts = [texts.fingerprint, answerer.fingerprint, answerer.model, answerer.version, list(answerer.tasks)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_KEY]


def read_input(path: Path, column: str, source: str) -> Corpus:
    """A file's texts as a corpus of which nobody knows the labels: memory-mapped, all in `test`, their ids their places from 0, labels NaN.

    `source` is what people call the file. `CorpusError` where it cannot be read or has no text.
    """
    sha256 = sha256_of(path)
    folder = home_folder("cache", "inputs") / hashlib.sha256(f"{sha256} {column}".encode()).hexdigest()
    features = features_of("rating")
    rows = 0
    for split in SPLITS:
        with writing_file(folder / f"{split}.arrow") as draft, RowWriter(draft, features) as writer:
            if split == "test":
                for part in _parts(progress(read_texts(path, column), f"reading {source}", unit="texts")):
                    ids = [str(rows + place) for place in range(len(part))]
                    writer.write({"id": ids, "text": part, "label": [float("nan")] * len(part), "group": [""] * len(part)})
                    rows += len(part)
    if rows == 0:
        raise CorpusError(f"{source}: no texts in it; give a file with at least one")
    report = CorpusReport(task="input", kind="rating", source=source, source_sha256=sha256, labels=("label",), rows_read=rows)
    return Corpus(report, {split: open_rows(folder / f"{split}.arrow") for split in SPLITS})


def write_answers(predictor: Predictor, texts: Corpus, answerer: Answerer, path: Path) -> Answers:
    """Answer every text for every task that is asked, part by part; `path` appears whole or not at all."""
    key = batch_key(texts, answerer)
    rows = texts.splits["test"]
    about = {"model": answerer.model, "model_version": answerer.version, "mlflow_run_id": answerer.run_id}
    about["model_fingerprint"] = answerer.fingerprint
    schema = _schema(predictor, answerer)
    starts = range(0, len(rows), _PART)
    written = 0
    with writing_file(path) as draft, warnings.catch_warnings():
        warnings.simplefilter("ignore", UnfamiliarTexts)  # the drift check has looked, and at more
        with pq.ParquetWriter(draft, schema, compression="zstd") as writer:
            for start in progress(starts, "predicting", total=len(starts), unit="parts"):
                found = predictor.predict(rows[start : start + _PART]["text"], answerer.tasks)
                lines = [_row(key, start, answer) | about for answer in found]
                writer.write_table(pa.Table.from_pylist(lines, schema=schema))
                written += len(lines)
        sha256 = sha256_of(draft)
    return Answers(path, written, sha256)


def _schema(predictor: Predictor, answerer: Answerer) -> pa.Schema:
    """With a column for what was found on words, as JSON, where a task's labels lie there."""
    marking = any(predictor.model.task(name).on_words for name in answerer.tasks)
    return _SCHEMA.insert(_SCHEMA.get_field_index("model"), pa.field(FOUND, pa.string())) if marking else _SCHEMA


def _row(key: str, first: int, answer: Prediction) -> dict[str, Any]:
    index = first + answer.index
    return {
        "prediction_id": str(PredictionId(key, index, answer.task)),
        "index": index,
        "text": answer.text,
        "task": answer.task,
        "label": answer.label,
        "confidence": answer.confidence,
        "probabilities": list(answer.probabilities.items()),
        FOUND: found_cell(answer),
    }


def _parts(texts: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(texts)
    while part := list(islice(rest, _PART)):
        yield part
