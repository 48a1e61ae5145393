"""Word vectors: one table per vocabulary."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mtl_models.errors import ConfigError
from mtl_models.layers.by_name import ModulesByName
from mtl_models.text.vocabulary import PAD

__all__ = ["Embeddings"]


class Embeddings(nn.Module):
    """Token ids -> vectors, each row of a batch in the vocabulary of the tasks that ask for it.

    `matrices` vocabulary -> (V, E), all of one E; `vocabulary_of` task -> vocabulary. The vector of `<pad>` is zero and stays so.
    """

    def __init__(self, matrices: Mapping[str, Tensor], vocabulary_of: Mapping[str, str], trainable: bool) -> None:
        super().__init__()
        dimensions = {name: matrix.shape[1] for name, matrix in matrices.items()}
        if len(set(dimensions.values())) > 1:
            found = ", ".join(f"{name} {dimension}" for name, dimension in dimensions.items())
            raise ConfigError(f"vocabularies: a shared encoder needs word vectors of one dimension everywhere, found {found}")
        self.vocabulary_of = dict(vocabulary_of)
        self.dimension = next(iter(dimensions.values()))
        self.tables = ModulesByName({name: _table(matrix, trainable) for name, matrix in matrices.items()})

    def matrices(self) -> dict[str, Tensor]:
        """Vocabulary -> its vectors (V, E) as they are now, without gradient."""
        return {name: table.get_parameter("weight").detach() for name, table in self.tables.items()}

    def forward(self, ids: Tensor, rows: Mapping[str, Tensor]) -> Tensor:
        """Ids (B, n) -> vectors (B, n, E); `rows` task -> indices of its rows, whose union tells the vocabulary of every row.

        A row that no task asks for gets zeros where the batch has several vocabularies.
        """
        wanted = {self.vocabulary_of[task] for task in rows}
        if len(wanted) == 1 or len(self.tables) == 1:
            table = self.tables[next(iter(wanted))] if wanted else next(iter(self.tables.values()))
            return table(ids)  # type: ignore[no-any-return]
        vectors = ids.new_zeros(*ids.shape, self.dimension, dtype=next(self.parameters()).dtype)
        for name in sorted(wanted):
            own = _members([index for task, index in rows.items() if self.vocabulary_of[task] == name], len(ids))
            vectors = torch.where(own.view(-1, 1, 1), self.tables[name](ids.masked_fill(~own.view(-1, 1), PAD)), vectors)
        return vectors


def _members(indices: list[Tensor], size: int) -> Tensor:
    """(size,) bool, True at any of the indices; a row that two tasks ask for counts once."""
    members = torch.zeros(size, dtype=torch.bool, device=indices[0].device)
    for index in indices:
        members = members.index_fill(0, index, True)
    return members


def _table(matrix: Tensor, trainable: bool) -> nn.Embedding:
    values = matrix.detach().clone().to(torch.get_default_dtype())
    values[PAD] = 0.0
    table = nn.Embedding(values.shape[0], values.shape[1], padding_idx=PAD, _weight=values)
    table.weight.requires_grad_(trainable)
    return table
