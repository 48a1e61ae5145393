"""Experiment files: YAML, or a mapping like it, in; `Experiment` out, with errors that name file, line, key and value."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from mtl_models.config.experiment import TASK_NAME, Experiment
from mtl_models.config.resources import SIZE
from mtl_models.errors import ConfigError

__all__ = ["load_experiment", "parse_experiment"]

Path_ = tuple[str | int, ...]

_SECTION = "must be a section, `key: value` lines or {key: value}"
_IN_OUR_WORDS = {
    ("dict_type", ""): _SECTION,
    ("model_type", ""): _SECTION,
    (
        "string_pattern_mismatch",
        r"^[a-z0-9][a-z0-9-]{0,39}$",
    ): "small letters, digits and hyphens only, 40 at most, a letter or digit first",
    ("string_pattern_mismatch", TASK_NAME): "a name is of small letters, digits and _, 32 at most, a letter first",
    ("string_pattern_mismatch", SIZE): "a size is a whole number with Mi, Gi or Ti: 512Mi, 8Gi",
}
"""(type of fault, pattern) -> message, where pydantic's own speaks of Python."""


def load_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Read an experiment file; `overrides` are `KEY=VALUE` with dotted keys and YAML values.

    A top-level `defaults:` is merged under every task, at every depth. `tasks.NAME=null` leaves a task out. Raises `ConfigError` with every
    fault found.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the path of an experiment file, for instance configs/demo.yaml") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder; give the path of an experiment file in it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        hint = "" if path.suffix in (".yaml", ".yml") else "; an experiment is a YAML file that names the files with rows"
        raise ConfigError(f"{path}:{line}: not valid YAML: {error.problem}{hint}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}:1: an experiment is a mapping with at least the keys name and tasks")
    lines: dict[Path_, int] = {}
    _collect_lines(root, (), lines)
    for override in overrides:
        _override(data, override)
    changed: dict[Path_, str] = {tuple(override.partition("=")[0].split(".")): override for override in overrides}
    return _validated(data, path, lines, changed)


def parse_experiment(data: Mapping[str, Any]) -> Experiment:
    """An experiment from a mapping with the keys of an experiment file. Raises `ConfigError` with every fault found."""
    return _validated(copy.deepcopy(dict(data)), Path("experiment"), {}, {})


def _validated(data: dict[str, Any], path: Path, lines: dict[Path_, int], changed: Mapping[Path_, str]) -> Experiment:
    """`lines` is empty where there is no file; `path` is then only a name."""
    _merge_defaults(data, lines, path)
    try:
        return Experiment.model_validate(data)
    except ValidationError as error:
        raise ConfigError("\n".join(_describe(path, data, lines, changed, fault) for fault in error.errors())) from None


class _UniqueKeys(yaml.SafeLoader):
    """YAML without silent overwriting: a key that stands twice in one mapping is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = key_node.value
            if key in seen and key != "<<":
                raise yaml.constructor.ConstructorError(None, None, f"the key '{key}' stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _collect_lines(node: yaml.Node | None, at: Path_, lines: dict[Path_, int]) -> None:
    if node is None:
        return
    lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines[(*at, key.value)] = key.start_mark.line + 1
            _collect_lines(value, (*at, key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _collect_lines(value, (*at, index), lines)


def _override(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {override}: expected KEY=VALUE, for instance --set training.epochs=3")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"--set {override}: the value is not valid YAML") from None
    *parents, last = key.split(".")
    section: Any = data
    for name in parents:
        if section.get(name) is None:
            section[name] = {}
        section = section[name]
        if not isinstance(section, dict):
            raise ConfigError(f"--set {override}: '{name}' is not a section")
    if value is None and parents == ["tasks"]:
        if section.pop(last, None) is None:
            raise ConfigError(f"--set {override}: there is no task '{last}' to leave out; the tasks are {', '.join(section)}")
        return
    section[last] = value


def _merge_defaults(data: dict[str, Any], lines: dict[Path_, int], path: Path) -> None:
    defaults = data.pop("defaults", None)
    if defaults is None:
        return
    tasks = data.get("tasks")
    if not isinstance(defaults, dict) or not isinstance(tasks, dict):
        raise ConfigError(f"{_place(path, lines, ('defaults',))}: defaults: a mapping of task keys, beside tasks")
    for name, task in tasks.items():
        own = {"corpus": {"source": task}} if isinstance(task, str) else task
        if isinstance(own, dict) and isinstance(own.get("corpus"), str):
            own = {**own, "corpus": {"source": own["corpus"]}}
        tasks[name] = _merged(own, defaults)
        for at, line in list(lines.items()):
            if at[:1] == ("defaults",):
                lines.setdefault(("tasks", name, *at[1:]), line)


def _merged(own: Any, default: Any) -> Any:
    if not isinstance(own, Mapping) or not isinstance(default, Mapping):
        return own
    return {
        key: _merged(own[key], default[key]) if key in own and key in default else own.get(key, default.get(key))
        for key in [*default, *own]
    }


def _describe(path: Path, data: Any, lines: dict[Path_, int], changed: Mapping[Path_, str], fault: Any) -> str:
    """One line for one fault: file and line, or the `--set`; key path, what is wrong, the value found."""
    at: Path_ = tuple(_plain(data, fault["loc"]))
    found = ""
    if fault["type"] == "unknown_key":
        at, message = (*at, fault["ctx"]["key"]), fault["msg"]
    elif fault["type"] == "union_tag_invalid":
        at, message = (*at, "name"), _unknown_name(fault["ctx"])
    else:
        message = _IN_OUR_WORDS.get((fault["type"], fault.get("ctx", {}).get("pattern", "")), fault["msg"].removeprefix("Value error, "))
        found = "" if fault["type"] in ("missing", "value_error") else f" (found: {fault['input']!r})"
    override = next((changed[at[:depth]] for depth in range(len(at), 0, -1) if at[:depth] in changed), None)
    where = _place(path, lines, at) if override is None else f"--set {override}"
    return f"{where}: {_dotted(at)}: {message}{found}"


def _unknown_name(context: Mapping[str, str]) -> str:
    """A section's `name` that no section of the kind has."""
    known = [name.strip("' ") for name in context["expected_tags"].split(",")]
    near = difflib.get_close_matches(context["tag"], known, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"there is no '{context['tag']}'; {hint}known: {', '.join(known)}"


def _plain(data: Any, loc: Sequence[str | int]) -> Path_:
    """The location in the file: pydantic's, less the names of union members that it puts in between."""
    at: list[str | int] = []
    for index, part in enumerate(loc):
        known = (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int) and part < len(data))
        if known:
            data = data[part]
            at.append(part)
        elif index == len(loc) - 1 and part != "[key]":
            at.append(part)
    return tuple(at)


def _place(path: Path, lines: dict[Path_, int], at: Path_) -> str:
    """The file, with the line of the key or of the nearest section around it that stands there."""
    while at and at not in lines:
        at = at[:-1]
    return f"{path}:{lines.get(at, 1)}" if lines else str(path)


def _dotted(at: Path_) -> str:
    return ".".join(str(part) for part in at) or "(top level)"
