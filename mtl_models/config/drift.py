"""How far new texts may be from those that a model was trained on."""

from __future__ import annotations

from pydantic import Field

from mtl_models.config.base import Section

__all__ = ["Drift"]


class Drift(Section):
    """New texts against the train rows of a task: `polytask batch` asks as the model was trained, `polytask retrain` as CONFIG has it."""

    length: float = Field(0.15, ge=0.0, description="largest gap between the distributions of lengths (Kolmogorov-Smirnov), 0 to 1")
    unknown_words: float = Field(0.05, ge=0.0, description="rise of the share of words outside the vocabulary")
    labels: float = Field(0.15, ge=0.0, description="share of the rows that answer otherwise; of a rating, shift in standard deviations")
    domain: float = Field(0.8, ge=0.0, description="AUC of a classifier that tells new texts from train texts; 0.5 is a guess")
    sample: int = Field(2000, ge=10, description="texts of either side that are looked at, at most")
    min_texts: int = Field(100, ge=10, description="fewer new texts than this are not judged")
