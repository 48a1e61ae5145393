"""Pages made while the site is built, so that they cannot fall behind the code: commands, keys of an experiment, library, benchmarks.

A hook of mkdocs (`hooks:` in mkdocs.yml); nothing of it is kept in the repository.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.cli import get_docs_for_click

from mtl_models.config import json_schema
from pipelines.cli import app

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("config", "corpora", "text", "tasks", "layers", "networks", "training", "evaluation", "inference", "serving", "reports")
ENTRANCE = """# The library

What people import; how to use it is told in [From Python](../../python.md). The rooms below are what it is made of.

::: mtl_models.api

::: mtl_models.errors
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the files of the site."""
    pages = {"reference/commands.md": commands_page(), "reference/experiment.md": experiment_page(json_schema())}
    pages |= {f"reference/library/{room}.md": library_page(room) for room in ROOMS if (ROOT / "mtl_models" / room).is_dir()}
    pages["reference/library/index.md"] = ENTRANCE
    pages["benchmarks.md"] = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    pages["changelog.md"] = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Lead links to files beside docs/ to their pages: one folder less to climb."""
    return re.sub(r"\]\(\.\./((?:\.\./)*)benchmarks/README\.md", r"](\1benchmarks.md", markdown)


def commands_page() -> str:
    """Every command with its arguments and options, as `--help` tells them."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="polytask")
    return re.sub(r"\{([A-Z_]+)\}", r"\1", text.replace("# `polytask`", "# Commands", 1))


def library_page(room: str) -> str:
    """The modules of a room with a public name each, from their docstrings."""
    folder = ROOT / "mtl_models" / room
    lines = [f"# mtl_models.{room}", ""]
    for path in sorted(folder.rglob("*.py"), key=lambda path: (path.name != "__init__.py", path)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(part for part in inside if part != "__init__")
        if path.name == "__init__.py":
            first = ast.get_docstring(tree)
            lines += [first, ""] if first and path.parent == folder else []
        elif any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" for node in tree.body):
            lines += [f"::: {module}", ""]
    return "\n".join(lines)


def experiment_page(schema: dict[str, Any]) -> str:
    """Every section of an experiment file, its keys with types, defaults and meanings."""
    lines = [
        "# Keys of an experiment",
        "",
        "Made from the schema that checks experiment files and that editors complete them by (`polytask schema`). "
        "The same by subject, with examples: [Experiments as YAML](../configuration.md).",
        "",
        "## Experiment",
        "",
        *_section(schema),
    ]
    for name, section in sorted(schema["$defs"].items()):
        whole = next((form for form in section.get("anyOf", [section]) if "properties" in form), None)
        if whole is not None:
            short = ["A string is short for it.", ""] if "anyOf" in section and "string" not in whole.get("description", "") else []
            lines += [f"## {name}", "", *short, *_section(whole)]
    return "\n".join(lines) + "\n"


def _section(section: dict[str, Any]) -> Iterator[str]:
    yield section.get("description", "")
    yield ""
    yield "| key | takes | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for key, form in section["properties"].items():
        default = "must be given" if key in section.get("required", ()) else _value(form.get("default"))
        yield f"| `{key}` | {_takes(form)} | {default} | {_cell(form.get('description', ''))} |"
    yield ""


def _takes(form: dict[str, Any]) -> str:
    """What may stand there, in words, with links to the sections it may be."""
    if "$ref" in form:
        name = form["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf", "allOf"):
        if several in form:
            return " or ".join(dict.fromkeys(_takes(one) for one in form[several]))
    if "const" in form or "enum" in form:
        return ", ".join(_value(one) for one in form.get("enum", [form.get("const")]))
    kind = form.get("type", "anything")
    if kind == "array":
        inside = [_takes(one) for one in form.get("prefixItems", [form["items"]] if "items" in form else [])]
        return f"list of {', '.join(inside)}" if inside else "list"
    if kind == "object":
        named = [*form.get("patternProperties", {}).values(), form.get("additionalProperties")]
        return next((f"names, each with {_takes(one)}" for one in named if isinstance(one, dict)), "section")
    return {"null": "`null`", "integer": "whole number"}.get(kind, kind) + _bounds(form)


def _bounds(form: dict[str, Any]) -> str:
    words = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    found = " and ".join(f"{word} {form[key]:.10g}" for key, word in words.items() if key in form)
    return f" {found}" if found else ""


def _value(value: Any) -> str:
    """A default as YAML has it; of a section that is its own default, its name where it has one."""
    if isinstance(value, dict):
        return f"`{{name: {value['name']}, …}}`" if "name" in value else "`{…}`" if value else "`{}`"
    words = {None: "null", True: "true", False: "false", "": '""'}
    known = words.get(value) if isinstance(value, (str, bool, type(None))) else None
    return f"`{known or _cell(str(value))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
