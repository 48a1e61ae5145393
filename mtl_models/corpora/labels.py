"""From a raw cell to a class name: as it stands, through a map, or by the band a rating falls into."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mtl_models.config.corpus import Band, Label
from mtl_models.corpora.columns import as_name, nearest
from mtl_models.errors import CorpusError

__all__ = ["MAPPED_AWAY", "OUTSIDE_BANDS", "LabelError", "Labeller", "labeller"]

Labeller = Callable[[Any], str | None]
"""Raw cell -> class name, or None where the row is to be dropped; raises `LabelError`."""

MAPPED_AWAY = "label mapped to null"
OUTSIDE_BANDS = "rating outside every band"


class LabelError(ValueError):
    """A cell that yields no class; the message says why, whoever catches it adds the row."""


def labeller(label: Label) -> Labeller:
    """The way from cells to classes that the configuration asks for; a target that `names` lacks is a `CorpusError` at once."""
    targets: Sequence[str] = [name for name in (label.map or {}).values() if name is not None] or list(label.bands or ())
    for target in targets:
        if label.names is not None and target not in label.names:
            raise CorpusError(f"label '{target}', to which map or bands lead, is not among label.names: {', '.join(label.names)}")
    if label.bands is not None:
        return _by_bands(label.bands)
    if label.map is not None:
        return _by_map(label.map)
    return _as_it_stands(None if label.names is None else frozenset(label.names), label.names or ())


def _as_it_stands(known: frozenset[str] | None, names: Sequence[str]) -> Labeller:
    def read(cell: Any) -> str:
        name = as_name(cell)
        if not name:
            raise LabelError("the row has no label")
        if known is not None and name not in known:
            raise LabelError(f"label '{name}' is not among label.names: {', '.join(names)}{nearest(name, names)}")
        return name

    return read


def _by_map(targets: Mapping[str, str | None]) -> Labeller:
    def read(cell: Any) -> str | None:
        name = as_name(cell)
        if name not in targets:
            if not name:
                raise LabelError("the row has no label")
            raise LabelError(f"label '{name}' is not in label.map, which lists {', '.join(map(repr, targets))}")
        return targets[name]

    return read


def _by_bands(bands: Mapping[str, Band]) -> Labeller:
    def read(cell: Any) -> str | None:
        try:
            rating = float(cell)
        except (TypeError, ValueError):
            rating = float("nan")
        if rating != rating:
            raise LabelError(f"rating {as_name(cell)!r} is not a number" if as_name(cell) else "the row has no rating")
        found = [name for name, band in bands.items() if _holds(band, rating)]
        if len(found) > 1:
            raise LabelError(f"rating {rating:g} lies in the bands of {' and '.join(found)}; bands must not overlap")
        return found[0] if found else None

    return read


def _holds(band: Band, rating: float) -> bool:
    return (
        (band.below is None or rating < band.below)
        and (band.at_most is None or rating <= band.at_most)
        and (band.above is None or rating > band.above)
        and (band.at_least is None or rating >= band.at_least)
    )
