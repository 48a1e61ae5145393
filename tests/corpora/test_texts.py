"""The texts of a split: in order, whole, and there again for whoever reads them a second time."""

from __future__ import annotations

import datasets
import pytest

from mtl_models.corpora import arrow
from mtl_models.corpora.arrow import Texts


@pytest.mark.parametrize("count", [0, 1, 6, 7])
def test_every_text_in_order_as_often_as_asked(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow, "_BATCH", 3)
    expected = [f"text {number}\n" for number in range(count)]
    texts = Texts(
        datasets.Dataset.from_dict(
            {"text": expected, "label": [0] * count},
            datasets.Features({"text": datasets.Value("string"), "label": datasets.Value("int32")}),
        )
    )
    assert [*texts] == [*texts] == expected
    assert len(texts) == count
