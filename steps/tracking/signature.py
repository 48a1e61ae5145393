"""What a registered model takes and gives, typed, with a column per head."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

from mtl_models.tasks.task import Task

__all__ = ["input_example", "signature"]


def signature(tasks: Sequence[Task]) -> ModelSignature:
    """In: `text`. Out: `TASK` (label, or JSON of what was found on words) and `TASK_confidence` for every task, of a rating its number.

    Parameter: `tasks`, the tasks to answer (default all).
    """
    outputs: list[ColSpec | TensorSpec] = []
    for task in tasks:
        if task.kind == "rating":
            outputs.append(ColSpec(DataType.double, task.name))
        else:
            sure = ColSpec(DataType.double, f"{task.name}_confidence", required=not task.on_words)  # nothing found has none
            outputs += [ColSpec(DataType.string, task.name), sure]
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "text", required=True)]),
        outputs=Schema(outputs),
        params=ParamSchema([ParamSpec("tasks", DataType.string, [task.name for task in tasks], shape=(-1,))]),
    )


def input_example() -> pd.DataFrame:
    """Two texts, as the serving page shows them."""
    return pd.DataFrame({"text": ["what a waste of two hours", "love this phone"]})
