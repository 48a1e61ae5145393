"""What candidates and measures are called in reports."""

from __future__ import annotations

from mtl_models.evaluation.comparison import CHAMPION, JOINT, TWIN

__all__ = ["METRIC_NAMES", "candidate_name"]

METRIC_NAMES = {"accuracy": "accuracy", "macro_f1": "macro-F1", "mcc": "MCC"}

_NAMES = {
    JOINT: "joint",
    TWIN: "twin",
    CHAMPION: "champion",
    "tfidf_single": "TF-IDF, single",
    "tfidf_pooled": "TF-IDF, pooled",
}


def candidate_name(name: str) -> str:
    """A candidate's name for people."""
    return _NAMES.get(name, name.replace("_", " "))
