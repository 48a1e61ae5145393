"""The pages' templates: everything that goes into an HTML page is escaped."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mtl_models.reports import numbers

__all__ = ["render_html", "render_markdown"]

_MARKED = re.compile(r"([\\`*{}\[\]<>#|~!&]|(?<![^\W_])_|_(?![^\W_]))")


def render_html(template: str, **values: Any) -> str:
    """A page from a template beside this file."""
    return _environment(escaping=True).get_template(template).render(values)


def render_markdown(template: str, **values: Any) -> str:
    """A Markdown document; its template passes what people wrote through the filter `md`."""
    return _environment(escaping=False).get_template(template).render(values)


@cache
def _environment(escaping: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("mtl_models.reports", "."),
        autoescape=escaping,  # noqa: S701 (Markdown has its own filter)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name in ("count", "duration", "interval", "score", "share", "signed", "verdict"):
        environment.filters[name] = getattr(numbers, name)
    environment.filters["md"] = _plain_in_markdown
    return environment


def _plain_in_markdown(text: object) -> str:
    """Text on one line that Markdown shows as it is, in tables too."""
    return _MARKED.sub(r"\\\1", " ".join(str(text).split()))
