"""The model as MLflow serves it: this file is copied, as code, into every registered version (models from code, no pickle).

A table with the column `text` goes in; out comes, per task, a column `TASK` with the label (of several labels all of them, `a|b`) and a
column `TASK_confidence` with its probability; of a rating, a column `TASK` with the number; where labels lie on words, a column `TASK` with
what was found as JSON (spans, relations or clusters, with their places in the text) and a column `TASK_confidence` with that of the least
sure part, empty where nothing was found. The parameter `tasks` names the tasks to answer; without it, or with none, all are.

It is the one file of the library that knows MLflow.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from mtl_models.errors import PolytaskError
from mtl_models.inference.marked import as_objects
from mtl_models.inference.predictor import Predictor, load_model

__all__ = ["ServedModel"]


class ServedModel(PythonModel):
    """The model folder in the artifact `model`, answering tables."""

    predictor: Predictor

    def load_context(self, context: PythonModelContext) -> None:
        """Read the model folder once, when the server starts."""
        self.predictor = load_model(Path(context.artifacts["model"]))

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        """Labels and confidences for the column `text` (N rows in, N rows out). A fault of the asker is MLflow's typed 400."""
        if "text" not in model_input:
            raise MlflowException.invalid_parameter_value(f"no column 'text'; the columns are {', '.join(map(str, model_input))}")
        wanted = (params or {}).get("tasks")
        try:
            return _table(self.predictor, model_input["text"].tolist(), None if wanted is None else [str(task) for task in wanted])
        except PolytaskError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


def _table(predictor: Predictor, texts: list[str], tasks: list[str] | None) -> pd.DataFrame:
    wanted = tasks or [task.name for task in predictor.model.tasks]
    numbers = {task for task in wanted if predictor.model.task(task).kind == "rating"}
    columns: dict[str, list[Any]] = {name: [] for task in wanted for name in ((task,) if task in numbers else (task, f"{task}_confidence"))}
    for answer in predictor.predict(texts, wanted):
        if answer.task in numbers:
            columns[answer.task] += answer.probabilities.values()
        else:
            said = answer.label if answer.found is None else json.dumps(as_objects(answer.found), ensure_ascii=False)
            columns[answer.task].append(said)
            columns[f"{answer.task}_confidence"].append(float("nan") if answer.confidence is None else answer.confidence)
    return pd.DataFrame(columns)


mlflow.models.set_model(ServedModel())
