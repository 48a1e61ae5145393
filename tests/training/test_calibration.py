"""What a user loses if these fail: confidences that say nothing of how often the model is right, or a calibration that changes answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.config.network import JointLstm
from mtl_models.config.text import TextOptions
from mtl_models.config.text import Vocabulary as VocabularySection
from mtl_models.config.training import Training
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import load_model, save_model
from mtl_models.networks.model import Model
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary
from mtl_models.training.calibration import calibrated, fitted_temperature
from mtl_models.training.encoding import EncodedCorpus, EncodedSplit

KINDS = [
    Task("a", "single_label", ("x", "y", "z")),
    Task("b", "multi_label", ("x", "y", "z")),
    Task("c", "ordinal", ("x", "y", "z", "w")),
]


def _logits(task: Task, rows: int, random: torch.Generator) -> torch.Tensor:
    if task.kind != "ordinal":
        return 4.0 * torch.randn(rows, len(task.labels), generator=random)
    return torch.randn(rows, 1, generator=random) * 4.0 + torch.tensor([2.0, 0.5, -3.0])


def _drawn(task: Task, logits: torch.Tensor, temperature: float, random: np.random.Generator) -> np.ndarray:
    """Labels drawn from the probabilities that the temperature gives."""
    found = kind_of(replace(task, temperature=temperature)).probabilities(logits.double()).numpy()
    if task.kind == "multi_label":
        return (random.random(found.shape) < found).astype(np.int64)
    return (random.random((len(found), 1)) > found.cumsum(1)[:, :-1]).sum(1)


@pytest.mark.parametrize("task", KINDS, ids=lambda task: task.kind)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found_again(task: Task, temperature: float) -> None:
    logits = _logits(task, 20_000, torch.Generator().manual_seed(1))
    gold = _drawn(task, logits, temperature, np.random.default_rng(2))
    assert fitted_temperature(task, logits, gold) == pytest.approx(temperature, rel=0.05)


@pytest.mark.parametrize("task", KINDS, ids=lambda task: task.kind)
@given(temperature=st.floats(0.05, 20.0), seed=st.integers(0, 1000))
def test_no_temperature_changes_an_answer(task: Task, temperature: float, seed: int) -> None:
    logits = _logits(task, 50, torch.Generator().manual_seed(seed)).double()
    before = kind_of(task).probabilities(logits).numpy()
    after = kind_of(replace(task, temperature=temperature)).probabilities(logits).numpy()
    assert [label for label, _ in kind_of(task).decode(before)] == [label for label, _ in kind_of(task).decode(after)]
    if task.kind != "multi_label":
        np.testing.assert_allclose(after.sum(axis=1), 1.0)


def test_without_a_temperature_probabilities_are_what_they_were_to_the_bit() -> None:
    logits = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(kind_of(KINDS[0]).probabilities(logits), logits.softmax(-1))
    assert torch.equal(kind_of(KINDS[1]).probabilities(logits), logits.sigmoid())


def _encoded(task: str, labels: np.ndarray) -> EncodedCorpus:
    lengths = np.full(len(labels), 2, dtype=np.int32)
    split = EncodedSplit(np.arange(2 * len(labels), dtype=np.int32) % 9 + 2, 2 * np.arange(len(labels)), lengths, labels)
    return EncodedCorpus(task, task, {"train": split, "dev": split, "test": split})


def test_a_model_is_calibrated_kept_and_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = (Task("films", "single_label", ("bad", "good")), Task("stars", "rating", ("stars",)))
    words = build_vocabulary({"films": ["b c d e f g h i j k"]}, {"films": TextOptions()}, VocabularySection(min_count=1))
    torch.manual_seed(0)
    network = build_network(JointLstm(hidden=4), tasks, {"shared": torch.randn(words.size, 4)}).eval()
    model = Model(network, tasks, {"shared": words}, JointLstm(hidden=4), 20)
    random = np.random.default_rng(0)
    encoded = {
        "films": _encoded("films", random.integers(0, 2, 300).astype(np.int32)),
        "stars": _encoded("stars", random.random(300).astype(np.float32)),
    }
    sure, found = calibrated(model, encoded, "joint")
    assert set(found) == {"films"}
    assert found["films"].loss[1] <= found["films"].loss[0]
    assert found["films"].rows == 300
    assert sure.task("films").temperature == found["films"].temperature != 1.0
    assert sure.task("stars") == model.task("stars")
    assert "calibration error on dev before and after: films" in capsys.readouterr().err
    assert sure.fingerprint() != model.fingerprint()
    save_model(sure, tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert again.task("films") == sure.task("films")
    texts = ["b c", "k"]
    assert again.probabilities(texts)["films"].tolist() == sure.probabilities(texts)["films"].tolist()
    assert again.probabilities(texts)["films"].tolist() != model.probabilities(texts)["films"].tolist()


def test_off_by_default() -> None:
    assert Training().calibration == "none"
