"""What a user loses if these fail: an objective in the file that is another in the training, or a run that dies hours later."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from pydantic import TypeAdapter

from mtl_models.config.objectives import Objective as Section
from mtl_models.errors import ConfigError
from mtl_models.training.objectives.build import build_objective

CLASSES = {
    "fixed": "FixedWeights",
    "uncertainty": "UncertaintyWeights",
    "dynamic_average": "DynamicAverage",
    "upgrad": "UpGrad",
    "pcgrad": "PcGrad",
    "mgda": "Mgda",
    "cagrad": "CaGrad",
    "nash_mtl": "NashMtl",
}


def section(name: str) -> Any:
    return TypeAdapter(Section).validate_python({"name": name})


@pytest.mark.parametrize("name", CLASSES)
def test_every_section_has_its_objective(name: str) -> None:
    assert type(build_objective(section(name), ["a", "b"])).__name__ == CLASSES[name]


@pytest.mark.parametrize("name", ["cagrad", "nash_mtl"])
def test_a_missing_package_is_named_before_the_training(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchjd._mixins.find_spec", lambda package: None if package == "cvxpy" else sys)
    with pytest.raises(ConfigError, match=rf"training\.objective: {name} needs packages .*cvxpy.*polytask\[gradients\]"):
        build_objective(section(name), ["a", "b"])
