"""finetune_model: new tasks on a trained model."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config.experiment import TaskSettings
from mtl_models.config.finetuning import Finetuning
from mtl_models.config.training import Training
from mtl_models.corpora.corpus import Corpus
from mtl_models.networks.backbone import Pretrained
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import Vocabulary
from mtl_models.training.finetune import Preservation, finetune
from mtl_models.training.history import History
from steps.dependencies import depends_on
from steps.materializers.model import ModelMaterializer

__all__ = ["finetune_model"]


@step(cache_policy=depends_on(__name__), output_materializers={"joint_model": ModelMaterializer})
def finetune_model(
    base: Model,
    corpora: list[Corpus],
    vocabularies: list[Vocabulary],
    matrices: list[Pretrained],
    groups: list[str],
    settings: dict[str, TaskSettings],
    section: Finetuning,
    training: Training,
    seed: int,
) -> tuple[Annotated[Model, "joint_model"], Annotated[History, "joint_history"], Annotated[Preservation, "preservation"]]:
    """Train every task of `corpora` on top of `base`; `vocabularies` and `matrices` are in the order of `groups`."""
    tasks = [Task.of(settings[corpus.task], corpus) for corpus in corpora]
    by_task = {corpus.task: corpus for corpus in corpora}
    words, vectors = dict(zip(groups, vocabularies, strict=True)), dict(zip(groups, matrices, strict=True))
    model, history, preservation = finetune(base, tasks, by_task, words, vectors, section, training, seed)
    return model, history, preservation
