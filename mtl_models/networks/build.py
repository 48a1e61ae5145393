"""From a network's section of the experiment to the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from mtl_models.config.network import Dlnc as DlncSection
from mtl_models.config.network import LstmLinear as LstmLinearSection
from mtl_models.config.network import Network as NetworkSection
from mtl_models.networks.dlnc import Dlnc
from mtl_models.networks.joint import Joint
from mtl_models.networks.lstm_linear import LstmLinear
from mtl_models.networks.network import Network
from mtl_models.tasks.task import Task

__all__ = ["build_network"]


def build_network(section: NetworkSection, tasks: Sequence[Task], matrices: Mapping[str, Tensor]) -> Network:
    """The network `section` describes, with a head for every task and new weights.

    `matrices` vocabulary -> word vectors (V, E), one for every vocabulary the tasks name. The weights are drawn from PyTorch's
    global generator: call `torch.manual_seed` first.
    """
    wanted = {task.vocabulary for task in tasks}
    matrices = {name: matrix for name, matrix in matrices.items() if name in wanted}
    if isinstance(section, DlncSection):
        return Dlnc(section, tasks, matrices)
    if isinstance(section, LstmLinearSection):
        return LstmLinear(section, tasks, matrices)
    return Joint(section, tasks, matrices)
