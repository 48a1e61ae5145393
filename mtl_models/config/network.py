"""The architectures, one section each; `name` tells them apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Protocol

from pydantic import BeforeValidator, Field

from mtl_models.config.backbone import BackboneSource, SentenceEncoder
from mtl_models.config.base import Section
from mtl_models.config.hierarchical import Hierarchical

__all__ = [
    "AttentionSection",
    "Dlnc",
    "Hierarchical",
    "JointLstm",
    "JointLstmAttention",
    "JointTransformerLstm",
    "JointTransformerLstmAttention",
    "LstmLinear",
    "Network",
    "NgramsSection",
    "SentenceEncoder",
    "TransformerSection",
    "backbone_of",
    "vectors_beside",
    "vocabularies_of",
]

Dropout = Annotated[float, Field(ge=0.0, lt=1.0)]
Ways = tuple[Literal["last", "max", "mean"], ...]


class NgramsSection(Section):
    """A bag of hashed word n-grams beside the encoder (Joulin et al. 2017): its vector joins the features of the heads."""

    max_n: int = Field(2, ge=1, le=5, description="words per n-gram, from 1 up to this")
    buckets: int = Field(2**17, ge=64, description="vectors that the n-grams are hashed to")
    dimension: int = Field(32, ge=1, description="numbers per n-gram")
    dropout: Dropout = Field(0.5, description="on the bag's vector")


class TransformerSection(Section):
    """Transformer encoder (Vaswani et al. 2017): post-norm, ReLU; as wide as the word vectors."""

    layers: int = Field(2, ge=1)
    heads: int = Field(4, ge=1, description="attention heads; the vectors' dimension must be divisible by it")
    feedforward: int = Field(128, ge=1, description="inner width of the feed-forward parts")


class AttentionSection(Section):
    """Structured self-attention (Lin et al. 2017), then a fully connected layer."""

    hops: int = Field(20, ge=1, description="attention distributions a text gets (r)")
    hidden: int = Field(150, ge=1, description="width of the attention's own layer (d_a)")
    penalty: float = Field(0.6, ge=0.0, description="weight of the penalty for hops that look alike")
    squared: bool = Field(True, description="penalty by the squared Frobenius norm, as published; false is the original package's norm")
    fc: int = Field(512, ge=1, description="width of the fully connected layer")
    activation: Literal["relu", "none"] = Field("relu", description="after the fully connected layer; none is the original's choice")


class _Recurrent(Section):
    """What the four networks of Joint Learn share."""

    hidden: int = Field(128, ge=1, description="units per direction and layer")
    layers: int = Field(1, ge=1)
    bidirectional: bool = True
    dropout: Dropout = Field(0.5, description="on the embeddings, between layers and on the features")
    trainable_embeddings: bool = Field(True, description="train the embedding matrix, or keep it frozen")
    ngrams: NgramsSection | None = Field(None, description="a bag of n-grams beside the encoder; null is none")
    shared_head: bool = Field(
        False, description="tasks with the same labels share an output layer, to which each adds its own (Daume 2007, as layers)"
    )


class JointLstm(_Recurrent):
    """Embeddings, one shared LSTM, one linear head per task (Khan and Shahid 2022, first network).

    `pooling: [last], bidirectional: false, layers: 4` are the original's choices.
    """

    name: Literal["joint_lstm"] = "joint_lstm"
    pooling: Ways = Field(("max", "mean"), min_length=1, description="states given to the heads, concatenated")


class JointLstmAttention(_Recurrent):
    """The shared LSTM read by structured self-attention (Khan and Shahid 2022, second network)."""

    name: Literal["joint_lstm_attention"]
    attention: AttentionSection = AttentionSection()


class JointTransformerLstm(_Recurrent):
    """A shared transformer encoder before the shared LSTM (Khan and Shahid 2022, third network)."""

    name: Literal["joint_transformer_lstm"]
    transformer: TransformerSection = TransformerSection()
    pooling: Ways = Field(("max", "mean"), min_length=1, description="states given to the heads, concatenated")


class JointTransformerLstmAttention(_Recurrent):
    """Transformer encoder, LSTM and structured self-attention, all shared (Khan and Shahid 2022, fourth network)."""

    name: Literal["joint_transformer_lstm_attention"]
    transformer: TransformerSection = TransformerSection()
    attention: AttentionSection = AttentionSection()


class Dlnc(Section):
    """Domain layer norm classifier (Ghasemi): shared LSTM weights, layer norms and a learned embedding per task."""

    name: Literal["dlnc"]
    hidden: int = Field(256, ge=1, description="units of the cell")
    task_embedding: int | None = Field(32, ge=1, description="numbers of the learned embedding of a task; null drops its term")
    separate_classifier_cell: bool = Field(False, description="the classifier cell's weights per task too, not only its norms")
    cell_activation: Literal["none", "tanh"] = Field("none", description="of the normalised cell state")
    recurrent_dropout: Dropout = Field(0.3, description="on the state fed back, one mask per text")
    dropout: Dropout = Field(0.2, description="before the output layer")
    logit_dropout: Dropout = Field(0.1, description="on the logits")
    trainable_embeddings: bool = Field(True, description="train the embedding matrix, or keep it frozen")


class LstmLinear(Section):
    """DLNC's comparison model: an LSTM, its last state, a linear head per task."""

    name: Literal["lstm_linear"]
    hidden: int = Field(256, ge=1, description="units of the LSTM")
    dropout: Dropout = Field(0.2, description="before the output layer")
    trainable_embeddings: bool = Field(True, description="train the embedding matrix, or keep it frozen")


def _first_by_default(value: Any) -> Any:
    return {"name": "joint_lstm", **value} if isinstance(value, dict) else value


Network = Annotated[
    Annotated[
        JointLstm
        | JointLstmAttention
        | JointTransformerLstm
        | JointTransformerLstmAttention
        | Dlnc
        | LstmLinear
        | SentenceEncoder
        | Hierarchical,
        Field(discriminator="name"),
    ],
    BeforeValidator(_first_by_default),
]
"""Without a `name` it is `joint_lstm`."""


def backbone_of(network: Network) -> BackboneSource | None:
    """Where the pre-trained encoder of a network comes from; None for one that begins with word vectors."""
    return network.backbone if isinstance(network, SentenceEncoder | Hierarchical) else None


def vectors_beside(network: Network) -> str | None:
    """The vocabulary whose word vectors every task reads beside the backbone; None for all networks that have nothing of the kind."""
    return network.word_vectors if isinstance(network, Hierarchical) else None


class _Reader(Protocol):
    @property
    def vocabulary(self) -> str:
        """The vocabulary of a task."""


def vocabularies_of(network: Network, tasks: Iterable[_Reader]) -> list[str]:
    """The names of all vocabularies that texts of `tasks` are read with, sorted."""
    beside = vectors_beside(network)
    return sorted({task.vocabulary for task in tasks} | ({beside} if beside else set()))
