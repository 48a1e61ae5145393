"""PCGrad: from each gradient what opposes another one is taken out."""

from __future__ import annotations

from torch import Tensor
from torchjd.aggregation import PCGradWeighting

from mtl_models.training.objectives.objective import GradientMethod

__all__ = ["PcGrad"]


class PcGrad(GradientMethod):
    """The sum of the gradients, each projected onto the normal plane of those it conflicts with, in random order, by torchjd.

    Yu et al. 2020, algorithm 1. The order comes from PyTorch's random state, which every epoch seeds.
    """

    def __init__(self) -> None:
        super().__init__()
        self._weighting = PCGradWeighting()

    def combination(self, gramian: Tensor) -> Tensor:
        """See `GradientMethod`."""
        return self._weighting(gramian)
