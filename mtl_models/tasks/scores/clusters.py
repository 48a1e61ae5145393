"""Scores of clusters of mentions, all sums over texts: MUC, B-cubed, CEAF-e and the mean of their F1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from mtl_models.tasks.scores.confusion import ratio

__all__ = ["ClusterScores"]

Sums = NDArray[Any]
Values = NDArray[np.float64]


class ClusterScores:
    """MUC (Vilain et al. 1995), B-cubed (Bagga and Baldwin 1998), CEAF with phi_4 (Luo 2005), as the reference scorer of the CoNLL
    shared tasks defines them for found mentions (Pradhan et al. 2014). A mention given twice counts in the first of its clusters.

    `conll` is the mean of their F1; it stands for accuracy, macro-F1 and MCC where tasks are compared.
    """

    def __init__(self, classes: int = 1) -> None:
        if classes != 1:
            raise ValueError(f"clusters have one label, not {classes}")

    @property
    def metrics(self) -> Mapping[str, Callable[[Sums], Values]]:
        """Name -> function of sums (..., 12): of each measure the share of recall, its whole, the share of precision, its whole."""
        own: dict[str, Callable[[Sums], Values]] = {"conll": _mean, "muc": _muc, "b_cubed": _b_cubed, "ceaf_e": _ceaf_e}
        return {**dict.fromkeys(("accuracy", "macro_f1", "mcc"), _mean), **own}

    def answers(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """What was found is the answer: annotations, object array (N,)."""
        return probabilities

    def parts(self, gold: NDArray[Any], answers: NDArray[Any]) -> csr_array:
        """Twelve numbers of every text, `gold` and `answers` object arrays (N,) of mentions (M, 3)."""
        return csr_array(np.array([_of_text(*pair) for pair in zip(gold, answers, strict=True)]).reshape(len(gold), 12))


def _of_text(gold: NDArray[Any], found: NDArray[Any]) -> list[float]:
    gold_of, found_of = _cluster_of(gold), _cluster_of(found)
    common = np.zeros((max(gold_of.values(), default=-1) + 1, max(found_of.values(), default=-1) + 1))
    for mention, cluster in gold_of.items():
        if mention in found_of:
            common[cluster, found_of[mention]] += 1
    gold_sizes = np.bincount([*gold_of.values()], minlength=common.shape[0]).astype(np.float64)
    found_sizes = np.bincount([*found_of.values()], minlength=common.shape[1]).astype(np.float64)
    alike = ratio(2 * common, gold_sizes[:, None] + found_sizes)
    matched = float(alike[linear_sum_assignment(alike, maximize=True)].sum())
    return [
        *_links(common, gold_sizes),
        *_links(common.T, found_sizes),
        float((common**2 / gold_sizes[:, None]).sum()),
        float(gold_sizes.sum()),
        float((common**2 / found_sizes).sum()),
        float(found_sizes.sum()),
        matched,
        float(len(gold_sizes)),
        matched,
        float(len(found_sizes)),
    ]


def _cluster_of(mentions: NDArray[Any]) -> dict[tuple[int, int], int]:
    """Start and end of a mention -> its cluster, numbered without gaps."""
    found: dict[tuple[int, int], int] = {}
    for start, end, cluster in mentions.tolist():
        found.setdefault((start, end), cluster)
    rank = {cluster: index for index, cluster in enumerate(dict.fromkeys(found.values()))}
    return {mention: rank[cluster] for mention, cluster in found.items()}


def _links(common: Values, sizes: Values) -> tuple[float, float]:
    """MUC: the links of the clusters (C, other) less those that are missing, and all of them."""
    pieces = (common > 0).sum(axis=1) + (sizes - common.sum(axis=1))
    return float((sizes - pieces).sum()), float((sizes - 1).sum())


def _f1(sums: Sums, measure: int) -> Values:
    part = np.asarray(sums, dtype=np.float64)[..., 4 * measure : 4 * measure + 4]
    recall, precision = ratio(part[..., 0], part[..., 1]), ratio(part[..., 2], part[..., 3])
    return ratio(2 * precision * recall, precision + recall)


def _muc(sums: Sums) -> Values:
    return _f1(sums, 0)


def _b_cubed(sums: Sums) -> Values:
    return _f1(sums, 1)


def _ceaf_e(sums: Sums) -> Values:
    return _f1(sums, 2)


def _mean(sums: Sums) -> Values:
    return np.asarray(np.mean([_f1(sums, measure) for measure in range(3)], axis=0))
