"""What a user loses if this fails: curves in MLflow of what the tasks did to one another."""

from __future__ import annotations

from mtl_models.training.history import EpochRecord, History
from steps.tracking.metrics import curves


def record(epoch: int, conflicts: dict[str, float]) -> EpochRecord:
    return EpochRecord(
        epoch=epoch,
        updates=epoch,
        seconds=1.0,
        learning_rate=0.1,
        train_loss={"films": 0.5, "songs": 0.25},
        dev={},
        examples={},
        examples_per_second={},
        padded=0.1,
        weights={"films": 0.75, "songs": 1.25},
        conflicts=conflicts,
    )


def test_conflicts_and_weights_are_curves_by_epoch() -> None:
    """An epoch without a measurement leaves a gap, not a zero."""
    epochs = [record(1, {"films/songs": -0.5}), record(2, {}), record(3, {"films/songs": 0.25})]
    history = History(epochs=epochs, best_epoch=1, stopped={}, seconds=3.0, resumed_from=None, device="cpu", precision="fp32", parameters=1)
    found = [(metric.key, metric.step, metric.value) for metric in curves(history)]
    assert [(step, value) for key, step, value in found if key == "conflict/films/songs"] == [(1, -0.5), (3, 0.25)]
    assert [(step, value) for key, step, value in found if key == "songs/train/weight"] == [(1, 1.25), (2, 1.25), (3, 1.25)]
    assert ("films/train/loss", 2, 0.5) in found
