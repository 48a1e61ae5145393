"""Labels are taken as configured, and a label that nobody configured is never guessed at."""

from __future__ import annotations

from typing import Any

import pytest

from mtl_models.config.corpus import Label
from mtl_models.corpora.labels import LabelError, labeller
from mtl_models.errors import CorpusError

SIGN = {"positive": {"above": 0}, "negative": {"below": 0}}
THIRDS = {"good": {"at_least": 0.5}, "fair": {"above": -0.5, "below": 0.5}, "poor": {"at_most": -0.5}}


def read(cell: Any, **keys: Any) -> str | None:
    return labeller(Label.model_validate(keys))(cell)


@pytest.mark.parametrize(("cell", "name"), [(" pos ", "pos"), (1, "1"), (1.0, "1"), (0.5, "0.5"), (True, "true"), (False, "false")])
def test_cells_as_names(cell: Any, name: str) -> None:
    assert read(cell) == name


def test_a_map_renames_drops_and_refuses() -> None:
    assert read(1, map={"1": "spam", "0": "ham", "?": None}) == "spam"
    assert read("?", map={"1": "spam", "0": "ham", "?": None}) is None
    assert read(None, map={"1": "spam", "": None}) is None
    with pytest.raises(LabelError, match=r"label '2' is not in label.map, which lists '1', '0'"):
        read("2", map={"1": "spam", "0": "ham"})


@pytest.mark.parametrize(("cell", "name"), [("0.1", "positive"), (-3, "negative"), ("0", None), (" -0.5\t", "negative")])
def test_the_sign_of_a_rating(cell: Any, name: str | None) -> None:
    assert read(cell, bands=SIGN) == name


@pytest.mark.parametrize(("cell", "name"), [(0.5, "good"), (0.49, "fair"), (-0.5, "poor"), (-0.49, "fair")])
def test_the_bounds_of_bands(cell: float, name: str) -> None:
    assert read(cell, bands=THIRDS) == name


@pytest.mark.parametrize(
    ("cell", "keys", "message"),
    [
        (
            "postive",
            {"names": ["positive", "negative"]},
            r"label 'postive' is not among label.names: positive, negative \(did you mean 'positive'",
        ),
        ("", {}, "no label"),
        (None, {"names": ["a", "b"]}, "no label"),
        (float("nan"), {"map": {"1": "x"}}, "no label"),
        ("high", {"bands": SIGN}, "rating 'high' is not a number"),
        ("nan", {"bands": SIGN}, "rating 'nan' is not a number"),
        (None, {"bands": SIGN}, "no rating"),
        (1, {"bands": {"a": {"above": 0}, "b": {"above": 0.5}}}, "lies in the bands of a and b"),
    ],
)
def test_cells_that_yield_no_class(cell: Any, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(LabelError, match=message):
        read(cell, **keys)


@pytest.mark.parametrize("keys", [{"map": {"1": "x", "0": "y"}}, {"bands": {"x": {"above": 0}, "y": {"below": 0}}}])
def test_targets_must_be_among_the_names(keys: dict[str, Any]) -> None:
    with pytest.raises(CorpusError, match="label 'y', to which map or bands lead"):
        labeller(Label.model_validate({**keys, "names": ["x", "z"]}))
