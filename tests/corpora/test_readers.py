"""What stands in a file is what comes out, in every format; what is malformed is named by file and line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.corpora import json_array
from mtl_models.corpora.readers import read_file
from mtl_models.errors import CorpusError

Config = Callable[..., CorpusConfig]

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
ONE_LINE = TEXTS.filter(lambda text: not any(mark in text for mark in "\r\n\t") and text.strip() and not text.startswith("\ufeff"))
ROWS = st.lists(st.tuples(st.sampled_from(["pos", "neg", "so, so"]), TEXTS), min_size=1, max_size=8)
WANTED = ["text", "label"]


def read(path: Path, wanted: list[str] = WANTED, **keys: Any) -> list[tuple[Any, ...]]:
    table = read_file(path, path.name, CorpusConfig.model_validate({"source": str(path), **keys}), wanted)
    return [tuple(values) for _, values in table.rows]


def places(path: Path, **keys: Any) -> list[int]:
    table = read_file(path, path.name, CorpusConfig.model_validate({"source": str(path), **keys}), WANTED)
    return [place for place, _ in table.rows]


def put(path: Path, data: bytes | str) -> Path:
    data = data.encode() if isinstance(data, str) else data
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def fresh(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    return tmp_path_factory.mktemp("read") / name


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, terminator=st.sampled_from(["\n", "\r\n"]))
def test_csv_keeps_quotes_commas_and_line_breaks(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], terminator: str
) -> None:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator=terminator, quoting=csv.QUOTE_ALL)
    writer.writerows([("label", "text"), *rows])
    assert read(put(fresh(tmp_path_factory, "a.csv"), sink.getvalue())) == [(text, label) for label, text in rows]


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, suffix=st.sampled_from(["", ".gz"]), ascii_only=st.booleans())
def test_json_and_json_lines_keep_every_text(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], suffix: str, ascii_only: bool
) -> None:
    items = [{"text": text, "label": label, "more": [1, {"x": None}]} for label, text in rows]
    expected = [(text, label) for label, text in rows]
    whole = json.dumps(items, ensure_ascii=ascii_only, indent=1)
    lines = "\n".join(json.dumps(item, ensure_ascii=ascii_only) for item in items)
    assert read(put(fresh(tmp_path_factory, f"a.json{suffix}"), whole)) == expected
    assert read(put(fresh(tmp_path_factory, f"a.jsonl{suffix}"), lines)) == expected
    assert read(put(fresh(tmp_path_factory, f"b.json{suffix}"), lines)) == expected, "json lines under the name .json"


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(st.sampled_from(["pos", "neg"]), ONE_LINE), min_size=1, max_size=8))
def test_labelled_lines_and_unquoted_tsv_keep_every_text(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    lines = "".join(f"{label}\t{text}\n" for label, text in rows)
    expected = [(text, label) for label, text in rows]
    assert read(put(fresh(tmp_path_factory, "a.txt"), lines)) == expected
    plain = [(text, label) for text, label in expected if not (text[0] == text[-1] == '"')]
    lines = "".join(f"{label}\t{text}\n" for text, label in plain)
    assert read(put(fresh(tmp_path_factory, "a.tsv.gz"), "label\ttext\n" + lines)) == plain


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(ONE_LINE, min_size=1, max_size=8))
def test_tsv_that_pandas_wrote_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = fresh(tmp_path_factory, "a.tsv")
    pd.DataFrame({"text": texts, "label": "x"}).to_csv(path, sep="\t", index=False)
    assert [text for text, _ in read(path)] == texts


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, suffix=st.sampled_from(["", ".gz"]))
def test_parquet_keeps_every_text(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], suffix: str) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"label": [label for label, _ in rows], "n": [1] * len(rows), "text": [text for _, text in rows]}), sink)
    assert read(put(fresh(tmp_path_factory, f"a.parquet{suffix}"), sink.getvalue())) == [(text, label) for label, text in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "mac_roman", "cp1252"])
def test_encodings_are_honoured(tmp_path: Path, encoding: str) -> None:
    path = put(tmp_path / "a.csv", "label,text\nx,café naïve\n".encode(encoding))
    assert read(path, encoding=encoding) == [("café naïve", "x")]


def test_a_byte_order_mark_does_not_spoil_the_first_column(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "text,label\nhello,x\n".encode("utf-8-sig"))
    assert read(path) == [("hello", "x")]


def test_a_lone_quotation_mark_in_a_tsv_is_text(tmp_path: Path) -> None:
    path = put(tmp_path / "a.tsv", 'label\ttext\nx\t"  this problem vanished\ny\tsays "no"\n')
    assert read(path) == [('"  this problem vanished', "x"), ('says "no"', "y")]


def test_rows_bear_the_line_where_they_start(tmp_path: Path) -> None:
    assert places(put(tmp_path / "a.csv", 'label,text\nx,"one\ntwo"\n\ny,three\n')) == [2, 5]
    assert places(put(tmp_path / "a.jsonl", '\n{"text":"a","label":"b"}\n\n{"text":"a","label":"b"}\n')) == [2, 4]


def test_columns_name_those_of_a_file_without_header(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "1,hello,x\n2,bye,y\n")
    assert read(path, columns=["id", "text", "label"]) == [("hello", "x"), ("bye", "y")]


def test_separator_can_be_chosen(tmp_path: Path) -> None:
    assert read(put(tmp_path / "a.csv", "label;text\nx;a, b\n"), separator=";") == [("a, b", "x")]
    assert read(put(tmp_path / "a.txt", "DESC:manner How did it ?\n"), separator=" ") == [("How did it ?", "DESC:manner")]


def test_a_text_of_a_million_characters_is_read(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "label,text\nx," + "a" * 1_000_000 + "\n")
    assert len(read(path)[0][0]) == 1_000_000


def test_json_elements_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_array, "_CHUNK", 3)
    items = [{"text": "é\n" * number, "label": "]},{["} for number in range(30)]
    path = put(tmp_path / "a.json", " \n" + json.dumps(items, indent=2) + "\n ")
    assert read(path) == [(item["text"], item["label"]) for item in items]


FAULTS = {
    "too many fields": ("a.csv", "label,text\nx,one\ny,two,three\n", r"a\.csv, line 3: 3 fields where there are 2 columns"),
    "too few fields": ("a.tsv", "label\ttext\nx\tone\ny\n", r"a\.tsv, line 3: 1 fields"),
    "open quote": ("a.csv", 'label,text\nx,one\ny,"two\nz,three\n', r"a\.csv, line 3: malformed CSV .* never be closed"),
    "text after a quote": ("a.csv", 'label,text\nx,"one"two\n', r"a\.csv, line 2: malformed CSV"),
    "missing column": (
        "a.csv",
        "label,txet\nx,one\n",
        r"a\.csv: no column 'text' \(did you mean 'txet'\?\); the columns are 'label', 'txet'",
    ),
    "column twice": ("a.csv", "label,text,text\nx,one,two\n", r"'text' stands twice"),
    "empty file": ("a.csv", "", r"a\.csv: the file is empty"),
    "no tab": ("a.txt", "x\tone\ny two\n", r"a\.txt, line 2: expected label, tab and text"),
    "broken line of JSON": ("a.jsonl", '{"text":"a","label":"b"}\n{"text":\n', r"a\.jsonl, line 2: not valid JSON"),
    "line that is no object": ("a.jsonl", '["a"]\n', r'a\.jsonl, line 1: expected an object, found \["a"\]'),
    "key missing in a line": (
        "a.jsonl",
        '{"text":"a","label":"b"}\n{"Text":"a","label":"b"}\n',
        r"line 2: no column 'text' \(did you mean 'Text'",
    ),
    "JSON cut short": ("a.json", '[{"text":"a","label":"b"},\n {"text":"a"', r"a\.json, line 2: not valid JSON"),
    "JSON without comma": ("a.json", '[{"text":"a","label":"b"}\n {"text":"a"}]', r"a\.json, line 2: expected ',' or '\]'"),
    "JSON that is no array": ("a.json", '"hello"', r"a\.json, line 1: expected an array of objects"),
    "text after JSON": ("a.json", '[{"text":"a","label":"b"}]\n[1]', r"a\.json, line 2: there is text after"),
    "element that is no object": ("a.json", '[{"text":"a","label":"b"}, 3]', r"a\.json, row 2: expected an object, found 3"),
    "no Parquet": ("a.parquet", "hello", r"a\.parquet: not a readable Parquet file"),
    "spreadsheet": ("a.xlsx", "PK", r"a\.xlsx: a spreadsheet; save the sheet as CSV"),
    "unknown name": ("a.dat", "hello", r"a\.dat: the name does not tell the format; set `format`"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_malformed_files_are_named_with_their_line(tmp_path: Path, fault: str) -> None:
    name, content, message = FAULTS[fault]
    with pytest.raises(CorpusError, match=message):
        read(put(tmp_path / name, content))


def test_columns_are_refused_where_the_file_names_them(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="`columns` is for"):
        read(put(tmp_path / "a.jsonl", "{}"), columns=["text", "label"])


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.jsonl"])
def test_undecodable_bytes_are_named_by_line_and_offset(tmp_path: Path, name: str) -> None:
    rows = {"a.csv": "x,ok\n", "a.tsv": "x\tok\n", "a.txt": "x\tok\n", "a.jsonl": '{"text":"ok","label":"é"}\n'}[name]
    header = {"a.csv": "label,text\n", "a.tsv": "label\ttext\n"}.get(name, "")
    good = (header + rows * 100_000).encode()
    bad = good + rows.replace("ok", "o§k").encode("latin-1")
    line, offset = good.count(b"\n") + 1, len(good) + bad[len(good) :].index(0xA7)
    for path in (put(tmp_path / name, bad), put(tmp_path / f"{name}.gz", bad)):
        with pytest.raises(CorpusError, match=rf"{path.name}, line {line}: byte {offset} \(0xa7\) is not utf-8"):
            read(path)


def test_a_character_cut_at_the_end_of_the_file_is_found(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="line 2: byte 13 "):
        read(put(tmp_path / "a.csv", b"label,text\nx,\xe0\xa4"))


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz", "a.parquet.gz"])
def test_a_truncated_gzip_is_refused(tmp_path: Path, name: str) -> None:
    path = put(tmp_path / name, "".join(f"label,text {number * 7919}\n" for number in range(2_000)))
    path.write_bytes(path.read_bytes()[:-400])
    keys = {"columns": ["label", "text"]} if "csv" in name else {}
    with pytest.raises(CorpusError, match=r"gzip file is cut short|not valid JSON"):
        read(path, **keys)


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"label": ["x"] * 5_000, "text": [f"text {number * 7919}" for number in range(5_000)]}), path, compression="zstd"
    )
    data = bytearray(path.read_bytes())
    data[4:2_000] = bytes(1_996)
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=r"a\.parquet: (damaged after row|not a readable)"):
        read(path)


def test_a_missing_parquet_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"label": ["x"], "texts": ["y"]}), path)
    with pytest.raises(CorpusError, match=r"no column 'text' .*did you mean 'texts'"):
        read(path)
