"""Names of Unicode scripts."""

from __future__ import annotations

import difflib
import re

import regex

from mtl_models.errors import ConfigError

__all__ = ["check_script"]

_IN_USE = (
    *("Arabic", "Armenian", "Bengali", "Bopomofo", "Cherokee", "Cyrillic", "Devanagari", "Ethiopic", "Georgian", "Greek", "Gujarati"),
    *("Gurmukhi", "Han", "Hangul", "Hebrew", "Hiragana", "Javanese", "Kannada", "Katakana", "Khmer", "Lao", "Latin", "Malayalam"),
    *("Meetei_Mayek", "Mongolian", "Myanmar", "Nko", "Ol_Chiki", "Oriya", "Sinhala", "Syriac", "Tamil", "Telugu", "Thaana", "Thai"),
    *("Tibetan", "Tifinagh", "Vai", "Yi"),
)
"""Scripts of living languages: those worth suggesting. Every script of the Unicode standard is accepted."""


def check_script(task: str, script: str) -> None:
    """Raise `ConfigError`, naming near names, where Unicode has no script of that name."""
    try:
        if re.fullmatch(r"[A-Za-z_ -]+", script):
            regex.compile(rf"\p{{Script={script}}}")
            return
    except regex.error:
        pass
    near = difflib.get_close_matches(script.capitalize(), _IN_USE, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"for instance {', '.join(_IN_USE[:12])}"
    raise ConfigError(f"tasks.{task}.validation.script: Unicode has no script '{script}'; {hint}")
