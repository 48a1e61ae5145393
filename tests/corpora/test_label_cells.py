"""What a cell of a label column means, whatever the kind of label, and which cells leave a row out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mtl_models.config.corpus import Label
from mtl_models.corpora.labels import LabelError, LabelSet, labeller, leaves_out


def label_set(*has: str, unknown: tuple[str, ...] = ()) -> LabelSet:
    return LabelSet(frozenset(has), frozenset(unknown))


@pytest.mark.parametrize(
    ("cell", "keys", "found"),
    [
        ("a| b |a", {"separator": "|"}, label_set("a", "b")),
        ("", {"separator": "|"}, label_set()),
        (None, {"separator": ","}, label_set()),
        (["a", "b"], {}, label_set("a", "b")),
        (np.array(["a"]), {"separator": "|"}, label_set("a")),
        ("1;0;2", {"separator": ";", "map": {"1": "x", "0": "y", "2": None}}, label_set("x", "y")),
    ],
)
def test_cells_of_several_labels(cell: Any, keys: dict[str, Any], found: LabelSet) -> None:
    assert labeller(Label.model_validate(keys), "multi_label")(cell) == found


@pytest.mark.parametrize(
    ("cell", "keys", "message"),
    [
        ("a b", {}, "'a b' is a text and no list of labels; label.separator"),
        ("a,c", {"separator": ",", "names": ["a", "b"]}, "label 'c' is not among label.names: a, b"),
        (["a|b"], {}, r"label 'a\|b' holds '\|'"),
        ([1, "maybe"], {"columns": ["x", "y"]}, r"'maybe' \(column 'y'\) is neither 1 nor 0"),
    ],
)
def test_cells_that_are_no_set_of_labels(cell: Any, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(LabelError, match=message):
        labeller(Label.model_validate(keys), "multi_label")(cell)


def test_a_column_per_label_knows_yes_no_and_nobody_knows() -> None:
    read = labeller(Label(columns=("x", "y", "z", "q"), missing=("NA",)), "multi_label")
    assert read(["TRUE", 0.0, None, "NA"]) == label_set("x", unknown=("z", "q"))


@pytest.mark.parametrize(("cell", "number"), [("0.5", 0.5), (-3, -3.0), (" 1e2 ", 100.0)])
def test_ratings(cell: Any, number: float) -> None:
    assert labeller(Label(), "rating")(cell) == number


@pytest.mark.parametrize(
    ("cell", "message"),
    [("high", "'high' is not a number"), ("inf", "not a finite number"), ("", "no rating; give it one, or set label.missing")],
)
def test_what_is_no_rating(cell: Any, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        labeller(Label(), "rating")(cell)


def test_which_cells_leave_a_row_out() -> None:
    assert not leaves_out(Label())("")
    one = leaves_out(Label(missing=("", "NA")))
    assert [one(cell) for cell in ("", None, " NA ", float("nan"), "a", [])] == [True, True, True, True, False, False]
    several = leaves_out(Label(columns=("x", "y"), missing=("?",)))
    assert [several(cells) for cells in (["", "?"], ["", "0"])] == [True, False]
