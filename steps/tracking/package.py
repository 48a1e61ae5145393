"""A model folder as an MLflow model: code and plain files, loadable where the project is not installed, made without a network."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

import mlflow.pyfunc
from mlflow.models import Model as MlflowModel

import mtl_models
from mtl_models.config.backbone import SentenceEncoder
from mtl_models.config.network import backbone_of
from mtl_models.networks.model import Model
from steps.tracking.signature import input_example, signature

__all__ = ["REQUIREMENTS", "pack", "requirements"]

REQUIREMENTS = ("mlflow", "numpy", "pandas", "pydantic", "pyyaml", "safetensors", "tokenizers", "torch", "tqdm")
"""What prediction with any network imports; training needs much more."""

_LIBRARY = Path(mtl_models.__file__).parent


def requirements(model: Model) -> list[str]:
    """What `model` needs, pinned to the installed versions, without build tags such as +cpu, which no index serves."""
    section = model.config
    more: tuple[str, ...] = () if backbone_of(section) is None else ("transformers",)
    if isinstance(section, SentenceEncoder) and section.lora is not None:
        more = ("peft", *more)
    return [f"{name}=={version(name).partition('+')[0]}" for name in (*REQUIREMENTS, *more)]


def pack(model: Model, folder: Path, destination: Path, about: MlflowModel) -> None:
    """Write the MLflow model of `model`, which is in the model folder `folder`, to `destination`, which must not exist yet.

    `about` carries the ids that MLflow writes into it. The model folder lies in it as artifacts/model, the library as code/mtl_models.
    """
    scratch = destination.with_name(f"{destination.name}-parts")
    copy, code = scratch / "model", scratch / "mtl_models"
    shutil.copytree(folder, copy)
    shutil.copytree(_LIBRARY, code, ignore=shutil.ignore_patterns("__pycache__"))
    mlflow.pyfunc.save_model(
        path=str(destination),
        python_model=str(code / "inference" / "pyfunc.py"),
        artifacts={"model": str(copy)},
        code_paths=[str(code)],
        signature=signature(model.tasks),
        input_example=input_example(),
        pip_requirements=requirements(model),
        mlflow_model=about,
    )
    shutil.rmtree(scratch)
    for cache in destination.rglob("__pycache__"):
        shutil.rmtree(cache)
