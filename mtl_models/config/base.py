"""What every section of an experiment shares: frozen, and unknown keys refused with the place or the name that was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

__all__ = ["Section"]


class Section(BaseModel):
    """A part of an experiment. Immutable; a key it does not know is an error that names the nearest one it does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        for key in data:
            if key in known:
                continue
            near = [place] if (place := cls._place_of(str(key))) else difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(sorted(known))}"
            raise PydanticCustomError("unknown_key", "unknown key '{key}'; {hint}", {"key": str(key), "hint": hint})
        return data

    @classmethod
    def _place_of(cls, key: str) -> str | None:
        """Where a key that this section lacks stands in the sections below it, dotted; the highest place."""
        level: list[tuple[str, type[Section]]] = [("", cls)]
        while level:
            below = [
                (f"{at}{name}.", section)
                for at, above in level
                for name, field in above.model_fields.items()
                for section in _sections_in(field.annotation)
            ]
            found = next((f"{at}{key}" for at, section in below if key in section.model_fields), None)
            if found:
                return found
            level = below
        return None


def _sections_in(annotation: Any) -> Iterator[type[Section]]:
    """The sections a key may hold, one of several forms included; not those under names that users give."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    elif get_origin(annotation) is not dict:
        for inner in get_args(annotation):
            yield from _sections_in(inner)
