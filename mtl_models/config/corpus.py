"""One task's corpus: its source, columns, labels, splits, and what is expected of its rows."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from mtl_models.config.base import Section
from mtl_models.config.sources import Source, path_to_source

__all__ = ["Band", "Corpus", "Drop", "Format", "Group", "Label", "Splits", "Unit", "Validation"]

Format = Literal["csv", "tsv", "json", "jsonl", "parquet", "labelled", "folders", "conll", "conll04", "conll2012", "nested_bio"]
Unit = Literal["sentence", "document"]
Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]


def _column_to_section(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else {"column": str(value)} if type(value) is int else value


AnySource = Annotated[Source, BeforeValidator(path_to_source)]


class Band(Section):
    """An interval of a rating; the bounds that are given must all hold."""

    below: float | None = Field(None, description="rating < this")
    at_most: float | None = Field(None, description="rating <= this")
    above: float | None = Field(None, description="rating > this")
    at_least: float | None = Field(None, description="rating >= this")

    @model_validator(mode="after")
    def _bounded(self) -> Band:
        if self.below is self.at_most is self.above is self.at_least is None:
            raise ValueError("a band needs at least one of below, at_most, above, at_least")
        return self


class Label(Section):
    """How cells become labels. A string is short for `{column: STRING}`."""

    column: str = Field("label", description="column that holds the label, the labels or the rating")
    columns: tuple[str, ...] | None = Field(
        None, min_length=1, description="multi_label: a column per label, 1 or 0, true or false; an empty cell is a missing label"
    )
    separator: str | None = Field(None, min_length=1, description="multi_label: what stands between the labels of one cell")
    names: tuple[str, ...] | None = Field(
        None, description="the classes, in order; a label outside is an error. Default: the sorted labels found"
    )
    map: dict[str, str | None] | None = Field(
        None, description="raw value -> class name; null drops the row; a value not listed is an error"
    )
    bands: dict[str, Band] | None = Field(
        None, description="class name -> interval of a rating; a rating outside every band is dropped and counted"
    )
    missing: tuple[str, ...] = Field((), description="cells that mean no label: this task leaves such rows out and counts them")

    scheme: Literal["auto", "bio", "iob1", "bioes", "words"] = Field(
        "auto",
        description="how tags of words make spans; words: every tag labels its own word, as parts of speech do; default: told by the file",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Label:
        if self.map is not None and self.bands is not None:
            raise ValueError("give either map or bands, not both")
        if self.columns is not None and (self.separator, self.names, self.map, self.bands) != (None, None, None, None):
            raise ValueError("columns are the labels themselves: separator, names, map and bands do not go with them")
        if self.columns is not None and len(set(self.columns)) < len(self.columns):
            raise ValueError("columns: each column once")
        return self


class Group(Section):
    """Rows that must stay on one side of every split (sentences of one review). A string is short for `{column: STRING}`."""

    column: str
    pattern: str | None = Field(None, description="regular expression; its first group, found in the column, names the group")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                groups = re.compile(pattern).groups
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
            if groups < 1:
                raise ValueError("the pattern needs one group in parentheses")
        return pattern


class Drop(Section):
    """Rows to leave out: those whose `column` has one of `values`."""

    column: str
    values: tuple[str, ...] = Field(min_length=1)


class Splits(Section):
    """Train, dev and test. By default seeded, stratified and group-aware; or given by a column or by separate sources."""

    dev: Fraction = Field(0.1, description="share of the rows for dev (of the train rows where only test is given)")
    test: Fraction = Field(0.2, description="share of the rows for test")
    by: Literal["label", "text"] | None = Field(
        None,
        description="deal by label (stratified), or by text alone, so that tasks that share texts deal them alike; "
        "default: text where tasks share a source, else label",
    )
    column: str | None = Field(None, description="column whose values are train, dev (or validation) and test")
    sources: dict[Literal["dev", "test"], AnySource] | None = Field(
        None, description="dev and test rows from sources of their own; the corpus source is then the train split"
    )
    names: dict[Literal["train", "dev", "test"], str] | None = Field(
        None, description="Hugging Face datasets: the dataset's own split names, e.g. {train: train, test: test}"
    )
    train_rows: int | None = Field(None, ge=1, description="keep at most so many training rows (seeded, stratified)")
    train_rows_seed: int | None = Field(None, ge=0, description="other numbers keep other rows; default: the experiment's seed")

    @model_validator(mode="after")
    def _some_train_left(self) -> Splits:
        if self.dev + self.test >= 1.0:
            raise ValueError("dev and test together leave no training rows")
        if sum(way is not None for way in (self.column, self.sources, self.names)) > 1:
            raise ValueError("give one of column, sources, names")
        return self


class Validation(Section):
    """What is expected of the rows. A critical failure stops the run; a warning goes to the report."""

    min_rows: int = Field(20, ge=1, description="critical: fewer rows than this")
    min_rows_per_class: int = Field(4, ge=1, description="critical: a class with fewer rows than this")
    max_length: int = Field(100_000, ge=1, description="critical: a text of more characters than this")
    usual_length: int = Field(10_000, ge=1, description="warning: a text of more characters than this")
    min_class_share: Fraction = Field(0.05, description="warning: a class with a smaller share of the rows")
    usual_span: int = Field(20, ge=1, description="warning, labels of words: a span of more words than this")
    max_bare: Fraction = Field(0.9, description="warning, labels of words: a larger share of texts without any")
    max_duplicates: Fraction = Field(0.05, description="warning: a larger share of duplicate texts")
    script: str | None = Field(None, description="Unicode script the letters should be of, e.g. Latin, Devanagari, Bengali, Han")
    script_share: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        0.5, description="critical: less than this share of all letters in `script`"
    )
    suite: str | None = Field(None, description="JSON file of a Great Expectations suite, run as well")


class Corpus(Section):
    """Where a task's rows come from and how they are read. A string is short for `{source: STRING}`."""

    source: AnySource
    format: Format | None = Field(
        None,
        description="default: by the file name; `labelled` is label<TAB>text without a header; `folders` is one text a file, in a folder "
        "named by its label (columns id, label, text); conll, conll04, conll2012 and nested_bio hold labels of words",
    )
    encoding: str = Field("utf-8", description="any codec Python knows, e.g. utf-8-sig, latin-1, mac_roman")
    separator: str | None = Field(
        None, min_length=1, max_length=1, description="character between columns; default: comma in csv, tab in tsv and labelled"
    )
    columns: tuple[str, ...] | None = Field(None, description="column names of a file without a header line")
    unit: Unit | None = Field(None, description="labels of words: what a text is; default: sentence in conll, else document")
    text: str = Field("text", description="column that holds the text")
    label: Annotated[Label, BeforeValidator(_column_to_section)] = Label()
    id: str | None = Field(None, description="column that identifies a row; default: its number in the file")
    group: Annotated[Group | None, BeforeValidator(_column_to_section)] = None
    drop: tuple[Drop, ...] = ()
    rows: tuple[int | None, int | None] | None = Field(
        None, description="slice of the data rows [start, stop], negative counts from the end"
    )
    splits: Splits = Splits()

    @field_validator("encoding")
    @classmethod
    def _known_codec(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError:
            raise ValueError(f"unknown encoding '{encoding}'; for instance utf-8, utf-8-sig, latin-1") from None
        return encoding
