"""Accounts of trainings that never ran, of whatever a test has to say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtl_models.training.history import EpochRecord, History


def epoch_record(epoch: int, dev: Mapping[str, float | Mapping[str, float]] | None = None, **known: Any) -> EpochRecord:
    """One epoch of one update and one second; `dev` is task -> its macro_f1, or its measures."""
    empty = {"train_loss": {}, "examples": {}, "examples_per_second": {}}
    measured = {task: {"macro_f1": score} if isinstance(score, float) else score for task, score in (dev or {}).items()}
    return EpochRecord.model_validate(
        {"epoch": epoch, "updates": epoch, "seconds": 1.0, "learning_rate": 0.1, "dev": measured, "padded": 0.0, **empty, **known}
    )


def epoch_records(**scores: Sequence[float]) -> list[EpochRecord]:
    """Task -> its dev macro_f1, epoch by epoch."""
    rows = zip(*scores.values(), strict=True)
    return [epoch_record(epoch, dict(zip(scores, row, strict=True))) for epoch, row in enumerate(rows, start=1)]


def history(epochs: Sequence[EpochRecord], **known: Any) -> History:
    """The whole training, of as many seconds as its epochs."""
    seconds = sum(record.seconds for record in epochs)
    account = {
        "best_epoch": 1,
        "stopped": {},
        "seconds": seconds,
        "resumed_from": None,
        "device": "cpu",
        "precision": "fp32",
        "parameters": 1,
    }
    return History.model_validate({"epochs": list(epochs), "parameters": 1, **account, **known})
