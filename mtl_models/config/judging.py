"""How models are compared, and when the joint model may serve."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mtl_models.config.base import Section

__all__ = ["Evaluation", "Gate", "Reference", "Registry"]


class Evaluation(Section):
    """Measures on the test split, which is touched once, here."""

    metric: Literal["macro_f1", "accuracy", "mcc"] = Field("macro_f1", description="the measure that comparisons and the gate use")
    resamples: int = Field(2000, ge=100, description="paired bootstrap resamples of the test rows")
    confidence: float = Field(0.95, gt=0.5, lt=1.0, description="of the intervals")


class Reference(Section):
    """TF-IDF and logistic regression: what a user would pick instead."""

    max_ngram: int = Field(2, ge=1, le=5, description="words per n-gram, from 1 up to this")
    min_df: int = Field(2, ge=1, description="an n-gram in fewer train texts is ignored")
    c: float = Field(10.0, gt=0.0, description="inverse strength of the L2 penalty")


class Gate(Section):
    """When the joint model passes: mean gain over the twins, and no task that clearly loses."""

    min_mean_gain: float = Field(0.0, description="least mean difference joint minus twin")
    max_regression: float = Field(0.01, ge=0.0, description="a task may lose more than this only while its interval reaches zero")


class Registry(Section):
    """The registered model."""

    model: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="name in MLflow; default: polytask-NAME")
