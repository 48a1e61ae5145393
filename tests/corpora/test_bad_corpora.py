"""Bad input ends with its file, its row and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.corpora.ingest import ingest
from mtl_models.errors import CorpusError

from tables import put_csv

Config = Callable[..., CorpusConfig]
Reviews = list[tuple[str, str]]

GOOD = [("pos" if number % 2 else "neg", f"text {number}") for number in range(40)]
BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "no data rows": ("label,text\n", {}, r"a\.csv: no rows; give a file with rows, or leave the task out"),
    "one class": ("label,text\nx,one\nx,two\n", {}, r"a\.csv: all rows have the label 'x'"),
    "all dropped": (
        "label,text\nx,one\n",
        {"label": {"map": {"x": None, "y": "y"}}},
        r"of 1 rows none is left; dropped: 1 for 'label mapped to null'",
    ),
    "label not in the set": (
        "label,text\nx,one\nz,two\n",
        {"label": {"names": ["x", "y"]}},
        r"a\.csv, line 3: label 'z' is not among .* x, y",
    ),
    "label never found": ("label,text\nx,one\ny,two\n", {"label": {"names": ["x", "y", "z"]}}, r"no row has the label 'z'"),
    "no label": ("label,text\nx,one\n,two\n", {}, r"a\.csv, line 3: the row has no label"),
    "missing label column": ("labels,text\nx,one\n", {}, r"no column 'label' \(did you mean 'labels'"),
    "another separator": ("label;text\nx;one\n", {}, r"no column 'text'.*; set separator: \";\""),
    "columns of other names": ("mood,text\nx,one\n", {}, r"the columns are 'mood', 'text'; say which it is with corpus.label"),
    "missing group column": ("label,text\nx,one\n", {"group": "review"}, r"no column 'review'"),
    "same column": ("label,text\nx,one\n", {"text": "label"}, r"named both as text and as label"),
    "repeated id": ("id,label,text\n1,x,one\n2,y,two\n1,x,three\n", {"id": "id"}, r"a\.csv, line 2 and line 4 have the same id"),
    "empty id": ("id,label,text\n1,x,one\n,y,two\n", {"id": "id"}, r"a\.csv, line 3: the id \(column 'id'\) is empty"),
    "unknown split": (
        "label,text,fold\nx,one,tarin\n",
        {"splits": {"column": "fold"}},
        r"a\.csv, line 2: 'tarin' \(column 'fold'\) is no split",
    ),
    "group pattern": (
        "label,text,g\nx,one,7\n",
        {"group": {"column": "g", "pattern": r"(\d+)_"}},
        r"a\.csv, line 2: group.pattern .* finds nothing in '7'",
    ),
    "class too small": (
        "label,text\n" + "".join(f"{a},{b}\n" for a, b in GOOD) + "odd,one\n",
        {},
        r"no row of class 'odd' in (dev|test): the class has 1 row,",
    ),
    "names for a file": ("label,text\nx,one\n", {"splits": {"names": {"train": "train"}}}, r"splits.names is for data sets"),
    "empty slice": ("label,text\nx,one\n", {"rows": [5, None]}, r"no rows in the slice"),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_corpora_end_with_their_row(tmp_path: Path, config: Config, fault: str) -> None:
    content, keys, message = BAD[fault]
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(CorpusError, match=message):
        ingest("a", config(path, **keys), 13)


@pytest.mark.parametrize(
    ("value", "message"),
    [("null", "is null"), ("NaN", "is NaN"), ("3", "is of type int, not a string"), (r'"\ud83d"', "half of a surrogate pair")],
)
def test_a_text_that_is_no_text_is_refused_with_its_row(tmp_path: Path, config: Config, value: str, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "fine", "label": "x"}\n{"text": ' + value + ', "label": "y"}\n')
    with pytest.raises(CorpusError, match=rf"a\.jsonl, line 2: .*{message}"):
        ingest("a", config(path), 13)


def test_a_test_split_without_labels_is_refused(tmp_path: Path, config: Config, reviews: Reviews) -> None:
    test = put_csv(tmp_path / "test.csv", [("", text) for _, text in reviews[:20]])
    with pytest.raises(CorpusError, match=r"test\.csv, line 2: the row has no label"):
        ingest("a", config(put_csv(tmp_path / "train.csv", reviews), splits={"sources": {"test": str(test)}}), 13)
