"""The predictions of all candidates on all tasks, kept as one folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mtl_models.evaluation.predictions import Predictions
from mtl_models.files import writing_folder

__all__ = ["PredictionSet"]


@dataclass(frozen=True, eq=False)
class PredictionSet:
    """Candidate (`joint`, `twin`, a reference) -> task -> its predictions on the test split."""

    candidates: Mapping[str, Mapping[str, Predictions]]

    def save(self, folder: Path) -> None:
        """Write `CANDIDATE/TASK.parquet`; the folder appears whole or not at all."""
        with writing_folder(folder) as draft:
            for candidate, tasks in self.candidates.items():
                for position, (task, predictions) in enumerate(tasks.items()):
                    predictions.save(draft / candidate / f"{position:03d}.{task}.parquet")

    @classmethod
    def load(cls, folder: Path) -> PredictionSet:
        """Read what `save` wrote, the tasks in the order they had."""
        found: dict[str, dict[str, Predictions]] = {}
        for candidate in sorted(path for path in folder.iterdir() if path.is_dir()):
            read = [Predictions.load(path) for path in sorted(candidate.glob("*.parquet"))]
            found[candidate.name] = {predictions.task: predictions for predictions in read}
        return cls(found)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over every candidate's predictions, whatever the order of the candidates."""
        digest = hashlib.sha256()
        for candidate, tasks in sorted(self.candidates.items()):
            for task, predictions in tasks.items():
                digest.update(f"{candidate} {task} {predictions.fingerprint}".encode())
        return digest.hexdigest()
