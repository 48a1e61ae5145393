"""UPGrad: every gradient projected to where it harms no task, then averaged."""

from __future__ import annotations

from torch import Tensor
from torchjd.aggregation import UPGradWeighting

from mtl_models.training.objectives.objective import GradientMethod

__all__ = ["UpGrad"]


class UpGrad(GradientMethod):
    """The mean of the gradients' projections onto the dual cone of all of them (Quinton and Rey 2024, equation 6), by torchjd.

    Its inner product with no gradient is negative; without conflicts it is the mean gradient.
    """

    def __init__(self) -> None:
        super().__init__()
        self._weighting = UPGradWeighting()

    def combination(self, gramian: Tensor) -> Tensor:
        """See `GradientMethod`."""
        return self._weighting(gramian)
