"""What a user loses if this fails: curves in MLflow of what the tasks did to one another."""

from __future__ import annotations

from mtl_models.training.history import EpochRecord
from steps.tracking.metrics import curves

from histories import epoch_record, history


def record(epoch: int, conflicts: dict[str, float]) -> EpochRecord:
    losses = {"films": 0.5, "songs": 0.25}
    return epoch_record(epoch, train_loss=losses, weights={"films": 0.75, "songs": 1.25}, conflicts=conflicts)


def test_conflicts_and_weights_are_curves_by_epoch() -> None:
    """An epoch without a measurement leaves a gap, not a zero."""
    epochs = [record(1, {"films/songs": -0.5}), record(2, {}), record(3, {"films/songs": 0.25})]
    found = [(metric.key, metric.step, metric.value) for metric in curves(history(epochs))]
    assert [(step, value) for key, step, value in found if key == "conflict/films/songs"] == [(1, -0.5), (3, 0.25)]
    assert [(step, value) for key, step, value in found if key == "songs/train/weight"] == [(1, 1.25), (2, 1.25), (3, 1.25)]
    assert ("films/train/loss", 2, 0.5) in found
