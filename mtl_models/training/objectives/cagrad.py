"""CAGrad: the update near the mean gradient that helps the worst-off task most."""

from __future__ import annotations

from torch import Tensor
from torchjd.aggregation import CAGradWeighting

from mtl_models.training.objectives.objective import GradientMethod

__all__ = ["CaGrad"]


class CaGrad(GradientMethod):
    """max_d min_t g_t . d with ||d - g_0|| <= c ||g_0||, g_0 the mean gradient (Liu et al. 2021, equation 3), by torchjd.

    Raises `ImportError` where cvxpy is not installed.
    """

    def __init__(self, c: float) -> None:
        super().__init__()
        self._weighting = CAGradWeighting(c)

    def combination(self, gramian: Tensor) -> Tensor:
        """See `GradientMethod`."""
        return self._weighting(gramian)
