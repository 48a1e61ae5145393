"""What the documentation shows: every experiment parses, every command and option exists, every key and default is as stated.

A ```yaml block is an experiment, or a part of one: a part's top-level keys take the place of those of a minimal experiment. YAML of
another kind is fenced as ```yml.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from pydantic import BaseModel

from mtl_models.config import Experiment, load_experiment
from pipelines.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "benchmarks" / "README.md"]
FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
TABLE_ROW = re.compile(r"^\| `([\w.*]+)` \| `(.*?)` \| (.+) \|$", re.MULTILINE)
MINIMAL = {"name": "example", "tasks": {"movie": "movie.csv"}}
COMMAND: Any = typer.main.get_command(app)
WITH_FORMS = ("source", "label", "sampler", "objective")
"""Sections of several forms: one entry of the tables each."""
IN_BLOCKS_ONLY = {"name", "description", "tasks.*.corpus.source", "tasks.*.corpus.label"}
"""What has no one default; the blocks of the page show it."""


def blocks(language: str) -> list[Any]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for fence in FENCE.finditer(text):
            if fence[1] == language:
                line = text[: fence.start()].count("\n") + 1
                found.append(pytest.param(fence[2], id=f"{page.relative_to(ROOT)}:{line}"))
    return found


def command_lines() -> list[Any]:
    found = []
    for block in blocks("sh"):
        joined = block.values[0].replace("\\\n", " ")
        for line in joined.splitlines():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words.pop(0)
            if words and words[0] == "polytask":
                found.append(pytest.param(words[1:], id=f"{block.id} {line.strip()}"))
    return found


def inline_commands() -> list[Any]:
    """Commands named in running text: `polytask models rollback`."""
    found = []
    for page in PAGES:
        text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for shown in sorted(set(re.findall(r"`polytask\s([^`]*)`", text))):
            words = shlex.split(shown)
            found.append(pytest.param(words, id=f"{page.relative_to(ROOT)}: {' '.join(words)}"))
    return found


def found_command(words: list[str]) -> tuple[Any, list[str]]:
    """The command that `words` begin with, and what follows its name."""
    command, rest = COMMAND, list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"there is no command {rest[0]}; there are {sorted(command.commands)}"
        command = command.commands[rest.pop(0)]
    return command, rest


def test_there_is_something_to_check() -> None:
    assert len(blocks("yaml")) > 10
    assert len(command_lines()) > 5
    assert len(inline_commands()) > 5


@pytest.mark.parametrize("block", blocks("yaml"))
def test_an_experiment_shown_is_one(block: str, tmp_path: Path) -> None:
    shown = yaml.safe_load(block)
    whole = shown if "name" in shown else MINIMAL | shown
    path = tmp_path / "example.yaml"
    path.write_text(block if "name" in shown else yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    assert load_experiment(path).name == whole["name"]


@pytest.mark.parametrize("words", command_lines())
def test_a_command_shown_exists_with_its_options(words: list[str]) -> None:
    command, rest = found_command(words)
    if "--help" in rest or (hasattr(command, "commands") and "--version" in rest):
        return
    command.make_context("polytask", rest)  # parses and checks the words, and runs nothing


@pytest.mark.parametrize("words", inline_commands())
def test_a_command_named_in_running_text_exists_with_its_options(words: list[str]) -> None:
    """It may be shown without its arguments."""
    command, rest = found_command(words)
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    own = rest[: rest.index("--")] if "--" in rest else rest  # behind it stands another command
    assert {word for word in own if word.startswith("-")} <= known


def stated_defaults() -> dict[str, str]:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = TABLE_ROW.findall(page)
    assert len(rows) == len({key for key, _, _ in rows}), "a key stands in two tables"
    return {key: default for key, default, _ in rows}


def defaults_of(value: Any, at: str = "") -> dict[str, Any]:
    """Dotted key -> default, with * for the names that users give."""
    if isinstance(value, BaseModel):
        found: dict[str, Any] = {}
        for name in type(value).model_fields:
            free = name in ("tasks", "vocabularies")
            below = next(iter(getattr(value, name).values())) if free else getattr(value, name)
            key = f"{at}{name}.*" if free else f"{at}{name}"
            found |= {key: below} if name in WITH_FORMS else defaults_of(below, f"{key}.")
        return found
    return {at.rstrip("."): value}


def test_every_key_is_in_the_tables_with_its_default() -> None:
    experiment = Experiment.model_validate(MINIMAL)
    real = {
        key: json.loads(value.model_dump_json()) if isinstance(value, BaseModel) else list(value) if isinstance(value, tuple) else value
        for key, value in defaults_of(experiment).items()
        if key not in IN_BLOCKS_ONLY
    }
    stated = {key: yaml.safe_load(default) for key, default in stated_defaults().items()}
    assert stated == real
