"""The JSON Schema an editor uses agrees with what the reader takes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from mtl_models.config import json_schema

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_experiment_points_at_the_schema_and_fits_it(path):
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == "# yaml-language-server: $schema=experiment.schema.json"
    jsonschema.Draft202012Validator(json_schema()).validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    "wrong", [{"name": "x"}, {"name": "x", "tasks": {"a": "a.csv"}, "trainin": {}}, {"name": "x", "tasks": {"a": {"corpu": "a"}}}]
)
def test_the_schema_refuses_what_the_reader_refuses(wrong):
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(wrong))


def test_the_short_forms_fit():
    short = {
        "name": "x",
        "tasks": {"a": "a.csv", "b": {"corpus": "b.csv"}, "c": {"corpus": {"source": "c.csv", "label": "rating", "group": "id"}}},
    }
    jsonschema.Draft202012Validator(json_schema()).validate(short)


def test_the_written_schema_is_up_to_date():
    written = json.loads((ROOT / "configs" / "experiment.schema.json").read_text(encoding="utf-8"))
    assert written == json_schema(), "run `make schema`"
