"""A user's own Great Expectations suite, as `suite.to_json_dict()` writes it, over the rows of a corpus.

The columns it may name are id, text, label (the class name), group, split and length (characters). Only those it names are loaded;
a suite that names `text` holds all texts in memory.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_models.corpora.annotations import as_rows, on_words, type_counts
from mtl_models.corpora.corpus import SPLITS, Corpus, label_values
from mtl_models.corpora.validation.columns import label_names
from mtl_models.corpora.validation.engine import great_expectations
from mtl_models.errors import ConfigError

__all__ = ["COLUMNS", "columns_named", "read_suite", "suite_table"]

COLUMNS = ("id", "text", "label", "group", "split", "length")

_COLUMN_KEYS = ("column", "column_A", "column_B")
_COLUMN_LISTS = ("column_list",)


def read_suite(path: Path) -> list[Any]:
    """The expectations of a suite file. `ConfigError` names the file, the expectation by its place, and what is wrong with it."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; validation.suite names the JSON file of a Great Expectations suite") from None
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    listed = data.get("expectations") if isinstance(data, dict) else None
    if not isinstance(listed, list) or not listed:
        raise ConfigError(f"{path}: not a suite: expected an object with a list `expectations`, as suite.to_json_dict() gives it")
    return [_expectation(entry, f"{path}: expectations[{place}]") for place, entry in enumerate(listed)]


def suite_table(corpus: Corpus, expectations: Iterable[Any]) -> pd.DataFrame:
    """The corpus as the table the suite is run on, in the order of the splits."""
    asked = [expectation.configuration for expectation in expectations]
    everything = any(entry.type.startswith("expect_table_column") for entry in asked)
    text = json.dumps([entry.kwargs for entry in asked], default=str)
    wanted = [name for name in COLUMNS if everything or name != "text" or name in text]
    return pd.concat([_split_table(corpus, split, wanted) for split in SPLITS], ignore_index=True)


def _split_table(corpus: Corpus, split: Any, wanted: list[str]) -> pd.DataFrame:
    rows = corpus.splits[split].with_format("arrow")
    stored = [name for name in wanted if name in ("id", "text", "group")]
    table = {name: pd.Series(rows.select_columns([name])[:][name].to_pandas(), dtype="str") for name in stored}
    table["label"] = _labels(corpus, rows)
    table["split"] = pd.Series([split] * len(rows), dtype="str")
    lengths = [np.nan if text is None else len(text) for batch in rows.iter(10_000) for text in batch["text"].to_pylist()]
    table["length"] = pd.Series(lengths, dtype="float64")
    return pd.DataFrame(table)[wanted]


def _labels(corpus: Corpus, rows: Any) -> pd.Series[Any]:
    """Class names; of several labels `a|b`, of labels of words the types that a text has; of a rating the numbers."""
    if on_words(corpus.kind):
        rows_of = as_rows(rows.select_columns(["label"])[:]["label"], corpus.kind)
        has = (type_counts(rows_of, corpus.kind, len(corpus.labels)) > 0).astype(np.int8)
        return pd.Series(label_names(has, corpus.labels), dtype="str")
    if corpus.kind == "multi_label":
        return pd.Series(
            label_names(label_values(rows.select_columns(["label"])[:]["label"], len(corpus.labels)), corpus.labels), dtype="str"
        )
    labels = rows.select_columns(["label"])[:]["label"].to_pandas().to_numpy(dtype=np.float64)
    return pd.Series(labels) if corpus.kind == "rating" else pd.Series(label_names(labels, corpus.labels), dtype="str")


def _expectation(entry: Any, where: str) -> Any:
    """One expectation of the suite, refused with a reason where it is malformed."""
    great_expectations()
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
        raise ConfigError(f"{where}: expected an object with `type` and `kwargs`, found {json.dumps(entry)[:80]}")
    kind, kwargs = entry["type"], entry.get("kwargs", {})
    known = list_registered_expectation_implementations()
    if kind not in known:
        raise ConfigError(f"{where}: no expectation is called '{kind}'{_near(kind, known)}")
    if not isinstance(kwargs, dict):
        raise ConfigError(f"{where} ({kind}): kwargs must be an object")
    for column in columns_named(kwargs):
        if column not in COLUMNS:
            raise ConfigError(f"{where} ({kind}): no column '{column}'{_near(column, COLUMNS)}; there are {', '.join(COLUMNS)}")
    try:
        configuration = ExpectationConfiguration(
            type=kind, kwargs=kwargs, meta=entry.get("meta") or {}, severity=entry.get("severity", "critical")
        )
        return configuration.to_domain_obj()
    except (GreatExpectationsError, ValueError, TypeError) as error:
        reason = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
        raise ConfigError(f"{where} ({kind}): {reason}") from None


def columns_named(kwargs: dict[str, Any]) -> list[str]:
    """The columns that an expectation is about; none of one that is about the whole table."""
    named = [kwargs[key] for key in _COLUMN_KEYS if isinstance(kwargs.get(key), str)]
    for key in _COLUMN_LISTS:
        listed = kwargs.get(key)
        named += [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    return named


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""
