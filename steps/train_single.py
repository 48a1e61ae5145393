"""train_single_t: the twin of one task, with the same network and the same budget as the joint model."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config.experiment import TaskSettings
from mtl_models.config.network import Network
from mtl_models.config.training import Training
from mtl_models.corpora.corpus import Corpus
from mtl_models.networks.backbone import Pretrained
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import Vocabulary
from mtl_models.training.history import History
from mtl_models.training.train import train
from steps.dependencies import depends_on
from steps.materializers.model import ModelMaterializer

__all__ = ["train_single"]


@step(cache_policy=depends_on(__name__), output_materializers={"twin_{task}": ModelMaterializer})
def train_single(
    task: str,
    corpus: Corpus,
    vocabularies: list[Vocabulary],
    matrices: list[Pretrained],
    groups: list[str],
    settings: TaskSettings,
    network: Network,
    training: Training,
    seed: int,
) -> tuple[Annotated[Model, "twin_{task}"], Annotated[History, "twin_history_{task}"]]:
    """Train on `task` alone; `vocabularies` and `matrices` are in the order of `groups`."""
    words, vectors = dict(zip(groups, vocabularies, strict=True)), dict(zip(groups, matrices, strict=True))
    model, history = train([Task.of(settings, corpus)], {task: corpus}, words, vectors, network, training, seed)
    return model, history
