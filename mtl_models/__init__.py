"""The library behind Polytask: texts, tasks, networks, training and judging of multi-task text models.

`load_model(folder).predict(texts)` answers for all tasks of a model folder; it is looked up on first use, so that importing the
package stays instant.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["__version__", "load_model"]  # load_model comes from __getattr__

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "load_model":
        # By name and not by an import statement: the ground floor must not be seen to lean on the top one.
        return importlib.import_module("mtl_models.inference.predictor").load_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
