"""Fingerprints of everything an experiment reads, so that changed bytes rerun the steps behind them."""

from __future__ import annotations

from pathlib import Path

from mtl_models.config import Experiment
from mtl_models.config.network import backbone_of
from mtl_models.config.sources import FileSource
from mtl_models.corpora.backbones import fingerprint_backbone
from mtl_models.corpora.sources import fingerprint
from mtl_models.errors import ConfigError
from mtl_models.files import sha256_of

__all__ = ["pinned", "source_fingerprints"]


def source_fingerprints(experiment: Experiment) -> dict[str, str]:
    """`corpus:TASK`, `vectors:GROUP` or `backbone` and, where given, `suite:TASK` -> a hash that changes with the content."""
    found: dict[str, str] = {}
    for name, task in experiment.tasks.items():
        sources = [task.corpus.source, *(task.corpus.splits.sources or {}).values()]
        found[f"corpus:{name}"] = " ".join(fingerprint(source) for source in sources)
        if task.validation.suite is not None:
            found[f"suite:{name}"] = _suite(name, Path(task.validation.suite))
    backbone = backbone_of(experiment.network)
    if backbone is not None:
        found["backbone"] = fingerprint_backbone(backbone)
    for group, vocabulary in experiment.word_vocabularies.items():
        if vocabulary.vectors.source is not None:
            found[f"vectors:{group}"] = fingerprint(vocabulary.vectors.source)
    return found


def pinned(experiment: Experiment) -> Experiment:
    """The same, with the sha256 of every file that synonyms come from: it is a setting of its task, so changed bytes train anew."""
    tasks = dict(experiment.tasks)
    for name, task in tasks.items():
        section = task.augmentation
        if section is not None and isinstance(section.vectors, FileSource):
            vectors = section.vectors.model_copy(update={"sha256": fingerprint(section.vectors)})
            tasks[name] = task.model_copy(update={"augmentation": section.model_copy(update={"vectors": vectors})})
    return experiment.model_copy(update={"tasks": tasks})


def _suite(task: str, path: Path) -> str:
    if not path.is_file():
        raise ConfigError(f"tasks.{task}.validation.suite: {path}: no such file")
    return sha256_of(path)
