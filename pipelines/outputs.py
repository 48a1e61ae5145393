"""What the steps of a finished run gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mtl_models.errors import PolytaskError

if TYPE_CHECKING:
    from zenml.models import StepRunResponse

__all__ = ["output"]

T = TypeVar("T")


def output(step: StepRunResponse, name: str, kind: type[T]) -> T:
    """The artifact `name` of a step, which must be a `kind`."""
    found = step.outputs[name][0].load()
    if not isinstance(found, kind):
        raise PolytaskError(f"the step {step.name} gave a {type(found).__name__} as {name}, not a {kind.__name__}")
    return found
