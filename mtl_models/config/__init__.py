"""The experiment as typed values: `load_experiment(path)` reads YAML, `parse_experiment` a mapping; `Experiment` is the root."""

from mtl_models.config.experiment import Experiment, Task
from mtl_models.config.load import load_experiment, parse_experiment
from mtl_models.config.schema import json_schema

__all__ = ["Experiment", "Task", "json_schema", "load_experiment", "parse_experiment"]
