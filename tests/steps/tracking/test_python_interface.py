"""What a user loses if these fail: `load_model("models:/...")` in a notebook, the first thing that is tried after a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

from mtl_models import load_model
from mtl_models.errors import TrackingError
from steps.tracking import aliases, registry
from steps.tracking.runs import TrainingRecord, log_training_run


def test_a_registered_model_is_loaded_by_alias_and_by_version(
    home: Path, record: TrainingRecord, client: MlflowClient, folders: list[Path]
) -> None:
    registry.register(folders[0], "polytask-made", log_training_run(record, client), {"config_hash": "abc"}, client=client)
    aliases.promote("polytask-made", 1, client)
    wanted = load_model(folders[0]).predict(["love this phone"])
    assert load_model("models:/polytask-made@champion").predict(["love this phone"]) == wanted
    assert load_model("models:/polytask-made/1").predict(["love this phone"]) == wanted
    with pytest.raises(TrackingError, match=r"models:/polytask-made@none: .*`polytask models list` shows what there is"):
        load_model("models:/polytask-made@none")
    with pytest.raises(TrackingError, match="models:/polytask-made/7"):
        load_model("models:/polytask-made/7")
