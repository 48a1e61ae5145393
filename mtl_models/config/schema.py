"""The JSON Schema of experiments, for editors."""

from __future__ import annotations

from typing import Any

from mtl_models.config.experiment import Experiment

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of an experiment file."""
    schema = Experiment.model_json_schema(mode="validation")
    _allow_short_forms(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Polytask experiment"}


def _allow_short_forms(schema: dict[str, Any]) -> None:
    """Where a plain string is short for a section, say so; and describe `defaults`, which exists in the file only."""
    shorts = {"Task", "Corpus", "Label", "Group", "Vectors", "FileSource"}
    definitions = schema["$defs"]
    for name in shorts & set(definitions):
        definitions[name] = {"anyOf": [{"type": "string"}, definitions[name]]}
    schema["properties"]["defaults"] = {
        "type": "object",
        "description": "keys given to every task that does not give them itself (merged at every depth)",
    }
