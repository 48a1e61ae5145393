"""The probing pipeline: what the levels of a trained model encode."""

from __future__ import annotations

from zenml import pipeline

from mtl_models.config import Experiment
from steps.hooks import say_done
from steps.load_base import load_base
from steps.log_probing import log_probing
from steps.probe import probe

__all__ = ["probing"]


@pipeline(on_success=say_done)
def probing(experiment: Experiment, source: str, shown: str, fingerprints: dict[str, str], rows: int, seed: int) -> None:
    """Load the model, probe it on sentences of the experiment's corpora, log.

    `source` is an address in the registry or a model folder, `shown` what the user called it; `fingerprints` are those of the corpora
    that are read, and `base`, that of the model.
    """
    model = load_base(source, fingerprints["base"])
    found = probe(model, experiment, fingerprints, rows, seed)
    log_probing(model, shown, experiment.name, found)
