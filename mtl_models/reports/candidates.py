"""What candidates and measures are called in reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mtl_models.config.experiment import ON_WORDS
from mtl_models.evaluation.comparison import CHAMPION, JOINT, POOLED, SINGLE, TWIN
from mtl_models.reports.content import RunReport

__all__ = ["KIND_NAMES", "METRIC_NAMES", "candidate_name", "on_words", "reference_note", "stand_ins"]

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
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "conll": "mean F1 of MUC, B\u00b3 and CEAF-e",
    "muc": "MUC",
    "b_cubed": "B\u00b3",
    "ceaf_e": "CEAF-e",
}

KIND_NAMES = {
    "single_label": "one class",
    "multi_label": "any number of labels",
    "ordinal": "one of ordered classes",
    "rating": "a number",
    "tagging": "spans of words",
    "mentions": "spans of words, also within each other",
    "relations": "pairs of spans",
    "coreference": "clusters of spans",
}

_NAMES = {JOINT: "joint", TWIN: "twin", CHAMPION: "champion"}
_REFERENCES = {SINGLE: "single", POOLED: "pooled"}


def candidate_name(name: str, kinds: Collection[str]) -> str:
    """A candidate's name for people. A reference is called what it is for tasks of these kinds, where it is the same for all of them."""
    if name not in _REFERENCES:
        return _NAMES.get(name, name.replace("_", " "))
    marked = {kind in ON_WORDS for kind in kinds}
    what = "reference" if len(marked) > 1 else "dictionary" if True in marked else "TF-IDF"
    return f"{what}, {_REFERENCES[name]}"


def reference_note(kinds: Mapping[str, str]) -> str:
    """What the references of tasks of these kinds are, task -> kind."""
    marked = [task for task, kind in kinds.items() if kind in ON_WORDS]
    counted, dictionary = "TF-IDF with logistic regression", "a dictionary of the words that the train rows mark"
    what = dictionary if len(marked) == len(kinds) else f"{counted}, and for {', '.join(marked)} {dictionary}" if marked else counted
    return f"A reference is what needs no network: {what}; single: one for every task, pooled: one for all tasks with the same labels."


def _stand_in(task: str, kind: str, metric: str, shown: str) -> str:
    """Why a task is compared by another measure than the others."""
    gives = "gives a number" if kind == "rating" else f"finds {KIND_NAMES[kind]}"
    return f"{task} {gives}, so {METRIC_NAMES[shown]} stands for {METRIC_NAMES[metric]} there."


def on_words(run: RunReport) -> bool:
    """Whether a task of the run labels words."""
    return any(task.on_words for task in run.experiment.tasks.values())


def stand_ins(run: RunReport) -> list[str]:
    """A sentence for every task that is compared by another measure than the others."""
    kinds = {name: task.kind for name, task in run.experiment.tasks.items()}
    compared = run.comparison
    return [_stand_in(name, kinds[name], compared.metric, its.metric) for name, its in compared.tasks.items() if its.metric]
