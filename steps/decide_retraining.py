"""decide_retraining: whether the champion is trained anew. Never cached: its age is a matter of today."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from zenml import step

from mtl_models.config.retraining import Retraining
from mtl_models.evaluation.retraining import NewData, RetrainingDecision
from mtl_models.evaluation.retraining import decide_retraining as decide

__all__ = ["decide_retraining"]


@step(enable_cache=False)
def decide_retraining(found: NewData, section: Retraining, forced: bool) -> Annotated[RetrainingDecision, "retraining_decision"]:
    """By drift, by age, by changed tasks, or because it is `forced`."""
    return decide(found, section, datetime.now(UTC), forced)
