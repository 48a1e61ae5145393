"""MGDA: the shortest vector among the convex combinations of the gradients."""

from __future__ import annotations

from torch import Tensor
from torchjd.aggregation import MGDAWeighting

from mtl_models.training.objectives.objective import GradientMethod

__all__ = ["Mgda"]


class Mgda(GradientMethod):
    """The element of least norm in the gradients' convex hull (Desideri 2012), found by Frank-Wolfe steps, by torchjd.

    Sener and Koltun 2018, algorithm 2.
    """

    def __init__(self) -> None:
        super().__init__()
        self._weighting = MGDAWeighting()

    def combination(self, gramian: Tensor) -> Tensor:
        """See `GradientMethod`."""
        return self._weighting(gramian)
