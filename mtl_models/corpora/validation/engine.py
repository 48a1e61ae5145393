"""Great Expectations, kept quiet and ephemeral: a table and expectations in, results out.

The package takes seconds to import, so nothing here imports it before it is needed.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pandas as pd

from mtl_models.corpora.validation.report import ROWS_SHOWN

__all__ = ["Outcome", "great_expectations", "run"]

_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": ROWS_SHOWN, "return_unexpected_index_query": False}
_PLACE = "polytask_place"
"""Key in an expectation's meta: results do not come in the order of the suite."""


@dataclass(frozen=True)
class Outcome:
    """What one expectation gave. `rows` are positions in the table, at most `ROWS_SHOWN`; `fault` says why it could not be judged."""

    success: bool
    result: dict[str, Any]
    rows: tuple[int, ...]
    fault: str | None


def great_expectations() -> ModuleType:
    """The package, imported without its analytics and its log lines."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    import great_expectations as gx

    # This module of it sets a level of its own.
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.CRITICAL)
    return gx


def run(table: pd.DataFrame, expectations: Sequence[Any]) -> list[Outcome]:
    """Judge expectations (of `great_expectations.expectations`) on a table with a plain index; outcomes in their order."""
    gx = great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("corpus").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": table})
    for place, expectation in enumerate(expectations):
        expectation.meta = {**(expectation.meta or {}), _PLACE: place}
    suite = gx.ExpectationSuite("suite", expectations=list(expectations))
    with warnings.catch_warnings(action="ignore"):  # of pandas, about how Great Expectations calls it
        found = batch.validate(suite, result_format=_FORMAT)
    outcomes = {result.expectation_config.meta[_PLACE]: _outcome(result) for result in found.results}
    return [outcomes[place] for place in range(len(expectations))]


def _outcome(found: Any) -> Outcome:
    result = dict(found.result)
    rows = tuple(int(row) for row in result.get("partial_unexpected_index_list") or ())
    return Outcome(bool(found.success), result, rows, _fault(found.exception_info))


def _fault(info: dict[str, Any]) -> str | None:
    """The message of the first exception; there is one such dictionary, or one per metric."""
    for entry in (info, *(value for value in info.values() if isinstance(value, dict))):
        if entry.get("raised_exception") or entry.get("exception_message"):
            return str(entry.get("exception_message")).removeprefix("Error: ")
    return None
