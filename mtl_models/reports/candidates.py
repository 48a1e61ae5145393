"""What candidates and measures are called in reports."""

from __future__ import annotations

from mtl_models.evaluation.comparison import CHAMPION, JOINT, POOLED, SINGLE, TWIN

__all__ = ["KIND_NAMES", "METRIC_NAMES", "candidate_name"]

METRIC_NAMES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "mcc": "MCC",
    "micro_f1": "micro-F1",
    "rank_error": "mean error in ranks",
    "quadratic_kappa": "quadratic weighted kappa",
    "pearson": "Pearson's r",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
}

KIND_NAMES = {
    "single_label": "one class",
    "multi_label": "any number of labels",
    "ordinal": "one of ordered classes",
    "rating": "a number",
}

_NAMES = {
    JOINT: "joint",
    TWIN: "twin",
    CHAMPION: "champion",
    SINGLE: "TF-IDF, single",
    POOLED: "TF-IDF, pooled",
}


def candidate_name(name: str) -> str:
    """A candidate's name for people."""
    return _NAMES.get(name, name.replace("_", " "))
