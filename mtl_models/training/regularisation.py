"""Successive regularisation: while one task has its pass, the shared weights are held near where the tasks before left them."""

from __future__ import annotations

import torch

from mtl_models.networks.network import Network

__all__ = ["SuccessiveRegularisation"]


class SuccessiveRegularisation:
    """Adds delta ||theta - theta'||^2 to the loss (Hashimoto et al. 2017, section 3): theta the shared parameters, theta' as a pass began.

    By its gradient, 2 delta (theta - theta'), so that no graph is built for it. A twin has nothing to forget and is not held.
    """

    def __init__(self, network: Network, delta: float) -> None:
        self._parameters = network.shared_parameters() if len(network.tasks) > 1 else []
        self._delta = delta
        self._task: str | None = None

    def begin_epoch(self) -> None:
        """Passes do not reach over the end of an epoch, so that one taken up after an interruption is the same."""
        self._task = None

    @torch.no_grad()
    def pull(self, task: str) -> None:
        """Add the gradient for an update of `task`; the first one after another task's begins a pass."""
        if task != self._task:
            self._task = task
            self._anchors = [parameter.detach().clone() for parameter in self._parameters]
        for parameter, anchor in zip(self._parameters, self._anchors, strict=True):
            if parameter.grad is not None:
                parameter.grad.add_(parameter - anchor, alpha=2.0 * self._delta)
