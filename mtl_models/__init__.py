"""The library behind Polytask: texts, tasks, networks, training and judging of multi-task text models.

`load_model(folder_or_uri).predict(texts)` answers for all tasks of a model; `train_experiment(experiment)` trains one. They are looked up
on first use, so that importing the package stays instant; `__init__.pyi` tells editors and type checkers what they are.
"""

from __future__ import annotations

import importlib
from typing import Any

# All but the version come from __getattr__.
__all__ = [
    "Experiment",
    "Prediction",
    "Predictor",
    "TrainedExperiment",
    "__version__",
    "load_experiment",
    "load_model",
    "train_experiment",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in __all__:
        # By name and not by an import statement: the ground floor must not be seen to lean on the top one.
        return getattr(importlib.import_module("mtl_models.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
