"""Which of our modules a step's result depends on, so that an edited helper reruns just the steps behind it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from zenml.config.cache_policy import CachePolicy

__all__ = ["depends_on", "modules_behind", "templates"]

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = ("steps", "mtl_models")


def depends_on(module: str, *data: str) -> CachePolicy:
    """A cache policy that hashes `module` and every module of ours that it imports, at any depth, lazily or not, and kernels beside them.

    `data` are further files (templates), relative to the source root.
    """
    files = {_file(name) for name in modules_behind(module)}
    files |= {kernel for file in files for kernel in file.parent.glob("*.c")}
    return CachePolicy(file_dependencies=[*sorted(str(file.relative_to(_ROOT)) for file in files), *data])


def templates() -> list[str]:
    """The templates and styles of all pages, relative to the source root."""
    found = [*_ROOT.glob("mtl_models/reports/*.jinja"), *_ROOT.glob("mtl_models/reports/*.css")]
    return sorted(str(path.relative_to(_ROOT)) for path in found)


def modules_behind(module: str) -> frozenset[str]:
    """`module` and all modules of ours that its import statements reach, read from the source without importing."""
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(_imports(name))
    return frozenset(reached)


@cache
def _imports(module: str) -> frozenset[str]:
    tree = ast.parse(_file(module).read_text(encoding="utf-8"))
    return frozenset(name for node in ast.walk(tree) for name in _named(node) if name.split(".")[0] in _PACKAGES)


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if _is_module(alias.name))
    elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
        below = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name for name in below if _is_module(name))
        if not all(_is_module(name) for name in below):
            yield node.module


def _is_module(name: str) -> bool:
    return name.split(".")[0] in _PACKAGES and _file(name).exists()


def _file(module: str) -> Path:
    path = _ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
