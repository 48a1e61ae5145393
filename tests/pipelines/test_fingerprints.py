"""What a user loses if these fail: models from the cache though a file they depend on has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtl_models.config import Experiment
from mtl_models.errors import CorpusError
from mtl_models.files import sha256_of
from pipelines.fingerprints import pinned


def experiment_with(vectors: object) -> Experiment:
    tweets = {"corpus": "tweets.csv", "augmentation": {"synonyms": 0.1, "vectors": vectors}}
    return Experiment.model_validate({"name": "few", "tasks": {"tweets": tweets, "movie": {"corpus": "movie.csv"}}})


def test_the_file_of_synonyms_becomes_a_setting_of_its_task_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("good 1 0\n")
    before = pinned(experiment_with(str(path)))
    section = before.tasks["tweets"].settings.augmentation
    assert section is not None
    assert section.vectors.sha256 == sha256_of(path)  # type: ignore[union-attr]
    assert pinned(before) == before
    path.write_text("good 1 1\n")
    assert pinned(experiment_with(str(path))).tasks["tweets"].settings != before.tasks["tweets"].settings
    assert before.tasks["movie"] == experiment_with(str(path)).tasks["movie"]


def test_a_package_is_pinned_already_and_a_missing_file_is_told() -> None:
    package = {"package": "a==1", "sha256": "0" * 64, "member": "v.txt"}
    assert pinned(experiment_with(package)) == experiment_with(package)
    with pytest.raises(CorpusError, match=r"nowhere\.txt: no such file"):
        pinned(experiment_with("nowhere.txt"))
