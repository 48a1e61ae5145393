"""Nash-MTL: the update as the bargain of the tasks."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence

import torch
from torch import Tensor
from torchjd.aggregation import MGDAWeighting, NashMTL

from mtl_models.training.history import EpochRecord
from mtl_models.training.objectives.objective import GradientMethod

__all__ = ["NashMtl"]


class NashMtl(GradientMethod):
    """Factors alpha > 0 with (G G^T) alpha = 1 / alpha (Navon et al. 2022, claim 3.1), for gradients scaled as one, by torchjd.

    `update_every` updates share a solution. A solution begins from the one before it; every epoch begins anew, so that one taken up
    after an interruption is the same. Raises `ImportError` where cvxpy and ecos are not installed.
    """

    def __init__(self, update_every: int) -> None:
        super().__init__()
        self._update_every = update_every
        self._solvers: dict[int, NashMTL] = {}
        self._solver(1)  # refuses here what is missing, not in the first update

    def begin_epoch(self, tasks: Collection[str], records: Sequence[EpochRecord]) -> None:
        """Forget the solution of the epoch before."""
        super().begin_epoch(tasks, records)
        self._solvers = {}

    def combination(self, gramian: Tensor) -> Tensor:
        """See `GradientMethod`. Only the inner products matter, so any root of `gramian` stands in for the gradients."""
        values, vectors = torch.linalg.eigh(gramian)
        weighting = self._solver(len(gramian)).weighting
        solved_now = weighting.step % self._update_every == 0
        if solved_now and (gramian.numpy() @ weighting.prvs_alpha).min() <= 0.0:
            # The solver cannot begin where a task loses, and would keep the factors it has; at the shortest combination all gain.
            weighting.prvs_alpha = MGDAWeighting()(gramian).clamp(min=1e-4).numpy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cvxpy's, about its own speed, in every update
            return weighting(vectors * values.clamp(min=0.0).sqrt())

    def _solver(self, gradients: int) -> NashMTL:
        """One for each number of gradients: a task without a label in a batch has none."""
        if gradients not in self._solvers:
            self._solvers[gradients] = NashMTL(gradients, max_norm=0.0, update_weights_every=self._update_every)
        return self._solvers[gradients]
