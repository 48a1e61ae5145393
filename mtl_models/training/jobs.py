"""A training as a folder: all that a process of its own needs for it, and what it leaves there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel
from safetensors.torch import load_file, save_file

from mtl_models.config.finetuning import Finetuning
from mtl_models.config.training import Training
from mtl_models.corpora.corpus import Split
from mtl_models.networks.folder import load_model, save_model
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.training.encoding import EncodedCorpus, EncodedSplit
from mtl_models.training.fit import fit
from mtl_models.training.freezing import FinetuneFreezing
from mtl_models.training.history import History

__all__ = ["Job", "Settings", "take_result"]

_SPLITS: tuple[Split, ...] = ("train", "dev")
_MODEL, _SETTINGS, _ROWS = "model", "job.json", "rows"
_WEIGHTS, _HISTORY = "weights.safetensors", "history.json"
_COLUMNS = ("tokens", "starts", "lengths", "labels")


class Settings(BaseModel):
    """What a training is given beside its model and rows."""

    training: Training
    seed: int
    label: str
    checkpoints: Path
    tasks: list[str]
    """Those that are trained, of the model's."""
    rows: dict[str, str]
    """Task -> fingerprint of its corpus."""
    finetuning: Finetuning | None
    new: list[str]
    """Tasks that are new on a trained model, where it is fine-tuned."""
    threads: int
    """CPU threads of each process."""


@dataclass(frozen=True)
class Job:
    """A model with its first weights, the rows it is trained on, and how."""

    model: Model
    encoded: Mapping[str, EncodedCorpus]
    settings: Settings

    @property
    def tasks(self) -> list[Task]:
        """Those that are trained."""
        return [task for task in self.model.tasks if task.name in self.settings.tasks]

    def save(self, folder: Path) -> None:
        """Write it all: a model folder, arrays, JSON."""
        save_model(self.model, folder / _MODEL)
        for task in self.tasks:
            for name in _SPLITS:
                split = self.encoded[task.name].splits[name]
                place = folder / _ROWS / task.name / name
                place.mkdir(parents=True)
                for column in _COLUMNS:
                    np.save(place / f"{column}.npy", getattr(split, column), allow_pickle=False)
        (folder / _SETTINGS).write_text(self.settings.model_dump_json(indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Job:
        """What `save` wrote; the token ids are mapped, so that all processes of a machine have them once."""
        settings = Settings.model_validate_json((folder / _SETTINGS).read_text(encoding="utf-8"))
        encoded = {
            task: EncodedCorpus(task, fingerprint, {name: _split(folder / _ROWS / task / name) for name in _SPLITS})
            for task, fingerprint in settings.rows.items()
        }
        return cls(load_model(folder / _MODEL), encoded, settings)

    def train(self) -> History:
        """Train the model, in this process, which may be one of several."""
        settings, network = self.settings, self.model.network
        held = None if settings.finetuning is None else FinetuneFreezing(settings.finetuning, settings.new, network)
        return fit(
            network, self.tasks, self.encoded, settings.training, settings.seed, settings.checkpoints, label=settings.label, freezing=held
        )

    def leave(self, folder: Path, history: History) -> None:
        """Write what came of it."""
        save_file({name: weight.contiguous() for name, weight in self.model.network.state_dict().items()}, folder / _WEIGHTS)
        (folder / _HISTORY).write_text(history.model_dump_json(), encoding="utf-8")


def take_result(folder: Path, model: Model) -> History:
    """Give `model` the weights that a job has left in `folder`."""
    model.network.load_state_dict({name: weight.clone() for name, weight in load_file(folder / _WEIGHTS).items()})
    model.network.eval()
    return History.model_validate_json((folder / _HISTORY).read_text(encoding="utf-8"))


def _split(folder: Path) -> EncodedSplit:
    tokens = np.load(folder / "tokens.npy", mmap_mode="r", allow_pickle=False)
    starts, lengths, labels = (np.load(folder / f"{column}.npy", allow_pickle=False) for column in _COLUMNS[1:])
    return EncodedSplit(tokens, starts, lengths, labels)
