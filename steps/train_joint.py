"""train_joint: one model for all tasks."""

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

__all__ = ["train_joint"]


@step(cache_policy=depends_on(__name__), output_materializers={"joint_model": ModelMaterializer})
def train_joint(
    corpora: list[Corpus],
    vocabularies: list[Vocabulary],
    matrices: list[Pretrained],
    groups: list[str],
    settings: dict[str, TaskSettings],
    network: Network,
    training: Training,
    seed: int,
) -> tuple[Annotated[Model, "joint_model"], Annotated[History, "joint_history"]]:
    """Train on every task; `vocabularies` and `matrices` are in the order of `groups`."""
    tasks = [Task.of(settings[corpus.task], corpus) for corpus in corpora]
    by_task = {corpus.task: corpus for corpus in corpora}
    model, history = train(
        tasks, by_task, dict(zip(groups, vocabularies, strict=True)), dict(zip(groups, matrices, strict=True)), network, training, seed
    )
    return model, history
