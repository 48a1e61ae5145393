"""What is registered must be found, fetched whole and served, also where the project is not installed."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.models import Model

from mtl_models.config.backbone import SentenceEncoder
from mtl_models.errors import ModelFolderError, TrackingError
from mtl_models.inference.predictor import load_model
from mtl_models.networks.folder import model_fingerprint
from steps.tracking import aliases, registry, versions
from steps.tracking.package import REQUIREMENTS, requirements
from steps.tracking.runs import LoggedRun, TrainingRecord, log_training_run

TEXTS = ["love this phone", "what a waste", ""]

OUTSIDE = """
import builtins, json, sys
before = builtins.__import__
def guarded(name, *args, **kwargs):
    if name.split(".")[0] in {"datasets", "zenml", "great_expectations", "gensim", "matplotlib", "accelerate", "steps", "pipelines"}:
        raise ImportError(f"{name} is not installed where models are served")
    return before(name, *args, **kwargs)
builtins.__import__ = guarded
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder).lower()]
import pandas, mlflow
model = mlflow.pyfunc.load_model(sys.argv[1])
import mtl_models
answers = model.predict(pandas.DataFrame({"text": json.loads(sys.argv[2])}))
print(json.dumps({"library": mtl_models.__file__, "answers": answers.to_dict("list")}))
"""


@pytest.fixture
def run(record: TrainingRecord, client: MlflowClient) -> LoggedRun:
    return log_training_run(record, client)


@pytest.fixture
def version(run: LoggedRun, folders: list[Path], client: MlflowClient) -> versions.Version:
    return registry.register(folders[0], "polytask-made", run, {"config_hash": "abc"}, "# Made", client)


def test_a_version_and_its_run_know_each_other(
    version: versions.Version, run: LoggedRun, folders: list[Path], client: MlflowClient
) -> None:
    assert (version.number, version.aliases, version.description) == (1, ("challenger",), "# Made")
    assert version.run_id == run.run_id == version.tags["run_id"]
    assert version.fingerprint == model_fingerprint(folders[0])
    assert version.tags["config_hash"] == "abc"
    tags = client.get_run(run.run_id).data.tags
    assert (tags["polytask.model_name"], tags["polytask.model_version"]) == ("polytask-made", "1")
    outputs = client.get_run(run.run_id).outputs.model_outputs
    assert [client.get_logged_model(found.model_id).source_run_id for found in outputs] == [run.run_id]
    assert client.get_logged_model(outputs[0].model_id).status == "READY"


def test_the_signature_types_every_head(version: versions.Version, client: MlflowClient) -> None:
    source = client.get_model_version_download_uri(version.name, str(version.number)).removeprefix("file://")
    signature = Model.load(source).signature
    assert signature is not None
    assert [(column.name, column.type.name, column.required) for column in signature.inputs] == [("text", "string", True)]
    assert [(column.name, column.type.name) for column in signature.outputs] == [
        ("films", "string"),
        ("films_confidence", "double"),
        ("phones", "string"),
        ("phones_confidence", "double"),
    ]
    assert [param.name for param in signature.params] == ["tasks"]


def test_requirements_are_pinned_and_are_what_any_index_serves(
    version: versions.Version, folders: list[Path], client: MlflowClient
) -> None:
    source = Path(client.get_model_version_download_uri(version.name, str(version.number)).removeprefix("file://"))
    lines = (source / "requirements.txt").read_text().split()
    assert sorted(lines) == sorted(requirements(load_model(folders[0]).model))
    assert all("==" in line and "+" not in line for line in lines)
    assert not list(source.rglob("*.pkl"))
    assert not list(source.rglob("__pycache__"))


def test_loads_and_answers_in_a_fresh_process_without_the_project(
    version: versions.Version, folders: list[Path], client: MlflowClient, tmp_path: Path
) -> None:
    source = client.get_model_version_download_uri(version.name, str(version.number)).removeprefix("file://")
    moved = tmp_path / "elsewhere"
    shutil.copytree(source, moved)
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "POLYTASK_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", OUTSIDE, str(moved), json.dumps(TEXTS)], cwd=tmp_path, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert Path(said["library"]).is_relative_to(moved)
    ours = load_model(folders[0]).predict(TEXTS)
    assert said["answers"]["films"] == [answer.label for answer in ours if answer.task == "films"]
    assert said["answers"]["phones_confidence"] == pytest.approx([answer.confidence for answer in ours if answer.task == "phones"])


def test_the_same_model_gets_no_second_version(
    version: versions.Version, run: LoggedRun, record: TrainingRecord, folders: list[Path], client: MlflowClient
) -> None:
    second = log_training_run(record, client)
    again = registry.register(folders[0], "polytask-made", second, {}, client=client)
    assert again.number == 1
    assert again.run_id == run.run_id
    assert client.get_run(second.run_id).data.tags["polytask.model_version"] == "1"
    aliases.promote("polytask-made", 1, client)
    assert registry.register(folders[0], "polytask-made", second, {}, client=client).aliases == ("champion",)
    other = registry.register(folders[1], "polytask-made", second, {}, client=client)
    assert (other.number, other.aliases) == (2, ("challenger",))
    assert versions.find_version_by_fingerprint("polytask-made", model_fingerprint(folders[1]), client) == other
    assert versions.find_version_by_fingerprint("polytask-made", "0" * 64, client) is None


def test_nothing_global_is_left_behind(version: versions.Version, client: MlflowClient) -> None:
    registry.download(version.uri, client)
    assert not list(Path.cwd().iterdir())
    assert mlflow.active_run() is None
    assert client.tracking_uri not in (mlflow.get_tracking_uri(), mlflow.get_registry_uri())
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_download_gives_the_model_folder_once(version: versions.Version, folders: list[Path], client: MlflowClient, home: Path) -> None:
    folder = registry.download("models:/polytask-made@challenger", client)
    assert folder.is_relative_to(home)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {path.name: path.read_bytes() for path in folders[0].iterdir()}
    shutil.rmtree(home / "artifacts")
    assert registry.download("models:/polytask-made/1", client) == folder


def test_a_version_whose_files_are_gone_or_changed_is_refused(version: versions.Version, client: MlflowClient, home: Path) -> None:
    source = Path(client.get_model_version_download_uri(version.name, str(version.number)).removeprefix("file://"))
    (source / "artifacts" / "model" / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelFolderError, match="damaged"):
        registry.download(version.uri, client)
    shutil.rmtree(source)
    with pytest.raises(TrackingError, match="MLflow at sqlite"):
        registry.download(version.uri, client)
    assert not list((home / "cache" / "models").iterdir())


def test_a_version_of_another_making_is_refused(version: versions.Version, client: MlflowClient) -> None:
    client.create_model_version("polytask-made", source="file:///elsewhere")
    with pytest.raises(TrackingError, match="version 2 was not registered by polytask"):
        registry.download("models:/polytask-made/2", client)


def test_an_unknown_model_says_what_there_is(version: versions.Version, client: MlflowClient) -> None:
    for uri, message in (
        ("models:/polytask-mad@champion", "has no model 'polytask-mad'; the registered models: polytask-made"),
        ("models:/polytask-made@champion", r"has no champion; its aliases: challenger \(version 1\)"),
        ("models:/polytask-made/7", "has no version 7; its versions: 1"),
        ("models:/polytask-made", "is no model of the registry; write models:/NAME@champion"),
        ("models:/polytask-made/latest", "is no model of the registry"),
    ):
        with pytest.raises(TrackingError, match=message):
            registry.download(uri, client)


def test_an_empty_registry_says_how_to_fill_it(client: MlflowClient) -> None:
    assert versions.list_models(client) == []
    assert versions.champion("m", client) is None
    with pytest.raises(TrackingError, match="none yet; `polytask run CONFIG` registers one"):
        registry.download("models:/m@champion", client)
    with pytest.raises(TrackingError, match="no model is registered"):
        versions.only_champion(client)


def test_the_only_champion(version: versions.Version, run: LoggedRun, folders: list[Path], client: MlflowClient) -> None:
    with pytest.raises(TrackingError, match="polytask-made has versions but none passed the gate"):
        versions.only_champion(client)
    aliases.promote("polytask-made", 1, client)
    assert versions.only_champion(client) == "models:/polytask-made@champion"
    registry.register(folders[1], "polytask-other", run, {}, client=client)
    aliases.promote("polytask-other", 1, client)
    assert versions.list_models(client) == ["polytask-made", "polytask-other"]
    with pytest.raises(TrackingError, match="several models have a champion"):
        versions.only_champion(client)


def test_a_sentence_encoder_brings_what_it_is_built_with(folders: list[Path], backbones: Callable[..., Path]) -> None:
    """The registered model of an encoder loads where only its requirements are installed."""
    model, folder = load_model(folders[0]).model, str(backbones("bert"))
    for extra, wanted in (({}, {"transformers"}), ({"lora": {"rank": 2}}, {"transformers", "peft"})):
        section = SentenceEncoder.model_validate({"name": "sentence_encoder", "backbone": folder, **extra})
        lines = requirements(dataclasses.replace(model, config=section))
        assert {line.split("==")[0] for line in lines} - set(REQUIREMENTS) == wanted
    assert len(requirements(model)) == len(REQUIREMENTS)
