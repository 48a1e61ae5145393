"""What a user loses if these fail: the few lines of Python that everyone tries first, from a notebook, without pipelines."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml

import mtl_models
from mtl_models import TrainedExperiment, load_experiment, load_model, train_experiment
from mtl_models.errors import ConfigError, ModelFolderError, TrackingError

GOOD, BAD = ["good", "great", "lovely", "superb", "fine"], ["bad", "awful", "poor", "boring", "dull"]
SETTINGS = {
    "vocabularies": {"shared": {"min_count": 1, "vectors": {"method": "random", "dimension": 8}}},
    "network": {"name": "joint_lstm", "hidden": 8},
    "training": {"epochs": 3, "learning_rate": 0.03, "calibration": "temperature"},
}


def _rows(seed: int, count: int) -> list[tuple[str, str]]:
    drawn = random.Random(seed)
    sides = [drawn.choice([("positive", GOOD), ("negative", BAD)]) for _ in range(count)]
    return [(f"item {number} of {seed} was {' and '.join(drawn.sample(words, 2))}", label) for number, (label, words) in enumerate(sides)]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def trained() -> TrainedExperiment:
    rows = {"films": _rows(1, 160), "stars": [(text, 4.5 if label == "positive" else 1) for text, label in _rows(2, 120)]}
    return train_experiment({"name": "notebook", "tasks": {"stars": {"kind": "rating"}}, **SETTINGS}, rows)


def test_an_experiment_is_trained_from_rows_in_memory(trained: TrainedExperiment) -> None:
    assert list(trained.model.tasks) == ["stars", "films"]
    answers = {answer.task: answer for answer in trained.model.predict("item 7 was superb and lovely")}
    assert answers["films"].label == "positive"
    assert answers["stars"].confidence is None
    assert len(trained.history.epochs) == 3
    assert set(trained.history.calibration) == {"films"}
    assert trained.model.tasks["films"].temperature == trained.history.calibration["films"].temperature


def test_it_says_how_good_it_is_on_dev_and_on_request_on_test(trained: TrainedExperiment) -> None:
    assert trained.dev["films"].macro_f1 == trained.history.epochs[trained.history.best_epoch - 1].dev["films"]["macro_f1"]
    assert "test" not in vars(trained)
    assert trained.test["films"].rows == len(trained.corpora["films"].splits["test"])
    assert trained.test is trained.test


def test_a_trained_model_is_saved_and_loaded(trained: TrainedExperiment, tmp_path: Path) -> None:
    trained.model.save(tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert again.predict(["a fine item"]) == trained.model.predict(["a fine item"])
    with pytest.raises(ModelFolderError, match="not a model folder"):
        load_model(tmp_path)
    with pytest.raises(ConfigError, match="holds something else than a model"):
        trained.model.save(tmp_path)


def test_a_file_and_an_experiment_do_as_well_as_a_mapping(trained: TrainedExperiment, tmp_path: Path) -> None:
    path = tmp_path / "again.yaml"
    path.write_text(yaml.safe_dump(trained.experiment.model_dump(mode="json", exclude_unset=True), sort_keys=False), encoding="utf-8")
    assert load_experiment(path) == trained.experiment
    again = train_experiment(str(path)).model.model
    assert again.fingerprint() == trained.model.model.fingerprint()


def test_faults_of_an_experiment_are_told_by_their_key() -> None:
    with pytest.raises(ConfigError, match=r"experiment: training: .*unknown key 'epoch'|experiment: training\.epoch: unknown key"):
        train_experiment({"name": "x", "tasks": {"a": "a.csv"}, "training": {"epoch": 3}})
    with pytest.raises(ConfigError, match=r"tasks\.a: has a source, and rows from memory too"):
        train_experiment({"name": "x", "tasks": {"a": "a.csv"}}, {"a": []})
    with pytest.raises(ConfigError, match="rows go with an experiment that is a mapping"):
        train_experiment("x.yaml", {"a": []})


def test_a_registry_that_is_not_there_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "none"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(TrackingError, match=r"mlflow\.db: no such file, .* set POLYTASK_HOME"):
        load_model("models:/polytask-demo@champion")
    assert not (tmp_path / "none").exists()
    with pytest.raises(TrackingError, match="write models:/NAME@champion"):
        load_model("models:/polytask-demo")


def test_what_the_package_offers_is_there() -> None:
    assert set(mtl_models.__all__) <= set(dir(mtl_models))
    assert all(getattr(mtl_models, name) is not None for name in mtl_models.__all__)
    with pytest.raises(AttributeError, match="no attribute 'load_modle'"):
        _ = mtl_models.load_modle
