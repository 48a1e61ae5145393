"""The served model answers tables as the predictor answers texts, and refuses bad ones as the asker's fault."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.model import PythonModelContext

from mtl_models.config import text as config
from mtl_models.config.network import JointLstm
from mtl_models.config.text import TextOptions
from mtl_models.inference.predictor import load_model
from mtl_models.inference.pyfunc import ServedModel
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import save_model
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

TEXTS = ["love this phone", "what a waste", ""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    vocabulary = build_vocabulary({"a": TEXTS}, {"a": TextOptions()}, config.Vocabulary(min_count=1))
    tasks = (Task("films", "single_label", ("bad", "good")), Task("topic", "single_label", ("x", "y", "z")))
    torch.manual_seed(1)
    section = JointLstm(hidden=3)
    network = build_network(section, tasks, {"shared": torch.randn(vocabulary.size, 4)})
    folder = tmp_path_factory.mktemp("pyfunc") / "model"
    save_model(Model(network.eval(), tasks, {"shared": vocabulary}, section, max_tokens=20), folder)
    return folder


@pytest.fixture(scope="module")
def context(folder: Path) -> PythonModelContext:
    return PythonModelContext({"model": str(folder)}, None)


@pytest.fixture(scope="module")
def served(context: PythonModelContext) -> ServedModel:
    model = ServedModel()
    model.load_context(context)
    return model


def test_a_row_per_text_and_two_columns_per_task(served: ServedModel, context: PythonModelContext, folder: Path) -> None:
    found = served.predict(context, pd.DataFrame({"text": TEXTS, "other": [1, 2, 3]}))
    assert list(found.columns) == ["films", "films_confidence", "topic", "topic_confidence"]
    expected = load_model(folder).predict(TEXTS)
    assert found["films"].tolist() == [answer.label for answer in expected if answer.task == "films"]
    assert found["topic_confidence"].tolist() == [answer.confidence for answer in expected if answer.task == "topic"]
    assert found["films_confidence"].dtype == "float64"


def test_tasks_can_be_chosen(served: ServedModel, context: PythonModelContext) -> None:
    table = pd.DataFrame({"text": TEXTS})
    assert list(served.predict(context, table, {"tasks": ["topic"]}).columns) == ["topic", "topic_confidence"]
    assert list(served.predict(context, table, {"tasks": []}).columns) == list(served.predict(context, table).columns)


def test_no_rows_in_no_rows_out(served: ServedModel, context: PythonModelContext) -> None:
    found = served.predict(context, pd.DataFrame({"text": []}, dtype=str))
    assert found.shape == (0, 4)


@pytest.mark.parametrize(
    ("table", "params", "message"),
    [
        ({"texts": ["a"]}, None, "no column 'text'; the columns are texts"),
        ({"text": ["a", None]}, None, "text 1 is .*, not a string"),
        ({"text": ["a"]}, {"tasks": ["film"]}, "unknown task 'film'; did you mean 'films'"),
    ],
)
def test_a_fault_of_the_asker_is_a_bad_request(
    served: ServedModel, context: PythonModelContext, table: dict[str, list[str | None]], params: dict[str, list[str]] | None, message: str
) -> None:
    with pytest.raises(MlflowException, match=message) as error:
        served.predict(context, pd.DataFrame(table), params)
    assert error.value.get_http_status_code() == 400
