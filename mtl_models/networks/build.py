"""From a network's section of the experiment to the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from mtl_models.config.network import Network as NetworkConfig
from mtl_models.networks.joint_lstm import JointLstm
from mtl_models.networks.network import Network
from mtl_models.tasks.task import Task

__all__ = ["build_network"]


def build_network(config: NetworkConfig, tasks: Sequence[Task], matrices: Mapping[str, Tensor]) -> Network:
    """The network `config` describes, with a head for every task and new weights.

    `matrices` vocabulary -> word vectors (V, E), one for every vocabulary the tasks name. The weights are drawn from PyTorch's
    global generator: call `torch.manual_seed` first.
    """
    wanted = {task.vocabulary for task in tasks}
    return JointLstm(config, tasks, {name: matrix for name, matrix in matrices.items() if name in wanted})
