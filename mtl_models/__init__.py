"""The library behind Polytask: texts, tasks, networks, training and judging of multi-task text models."""

__version__ = "0.1.0"
