"""From a network's section of the experiment to the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from mtl_models.config.backbone import SentenceEncoder as SentenceEncoderSection
from mtl_models.config.hierarchical import Hierarchical as HierarchicalSection
from mtl_models.config.network import Dlnc as DlncSection
from mtl_models.config.network import LstmLinear as LstmLinearSection
from mtl_models.config.network import Network as NetworkSection
from mtl_models.config.network import vocabularies_of
from mtl_models.networks.backbone import Backbone
from mtl_models.networks.dlnc import Dlnc
from mtl_models.networks.hierarchical import Hierarchical
from mtl_models.networks.joint import Joint
from mtl_models.networks.lstm_linear import LstmLinear
from mtl_models.networks.network import Network
from mtl_models.networks.sentence_encoder import SentenceEncoder
from mtl_models.tasks.task import Task

__all__ = ["build_network"]


def build_network(section: NetworkSection, tasks: Sequence[Task], start: Mapping[str, Tensor | Backbone]) -> Network:
    """The network `section` describes, with a head for every task and new weights.

    `start` vocabulary -> word vectors (V, E), or a pre-trained backbone, one for every vocabulary that is read. The other weights are
    drawn from PyTorch's global generator: call `torch.manual_seed` first.
    """
    wanted = vocabularies_of(section, tasks)
    if isinstance(section, SentenceEncoderSection):
        return SentenceEncoder(section, tasks, {name: found for name, found in start.items() if isinstance(found, Backbone)})
    if isinstance(section, HierarchicalSection):
        return Hierarchical(section, tasks, {name: found for name, found in start.items() if name in wanted})
    matrices = {name: found for name, found in start.items() if name in wanted and isinstance(found, Tensor)}
    if isinstance(section, DlncSection):
        return Dlnc(section, tasks, matrices)
    if isinstance(section, LstmLinearSection):
        return LstmLinear(section, tasks, matrices)
    return Joint(section, tasks, matrices)
