"""What happens around every step: a plain line when it has ended well."""

from __future__ import annotations

from datetime import UTC, datetime

from zenml import get_step_context

from mtl_models.progress import say

__all__ = ["say_done"]


def say_done() -> None:
    """Print the step's name and its seconds."""
    step = get_step_context().step_run
    seconds = (datetime.now(UTC).replace(tzinfo=None) - step.start_time.replace(tzinfo=None)).total_seconds() if step.start_time else 0.0
    say(f"  done  {step.name:<32} {seconds:7.1f} s")
