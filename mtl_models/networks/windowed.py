"""A pre-trained encoder over texts of any length, for networks that read word by word."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtl_models.layers.dropout import with_fast_dropout
from mtl_models.layers.masks import text_mask
from mtl_models.networks.backbone import Backbone

__all__ = ["WindowedBackbone"]


class WindowedBackbone(nn.Module):
    """A Hugging Face encoder over texts of any length, in windows that it reads each by itself (Joshi et al. 2019, "independent").

    A word's state is that of its first piece (Devlin et al. 2019, section 5.3). So that memory and time are linear in the length.
    """

    def __init__(self, origin: Backbone, dropout: float) -> None:
        super().__init__()
        self.origin = Backbone(origin.config)
        self.encoder = with_fast_dropout(origin.build(dropout, 0.0))
        self.features = origin.width
        self.padding = int(origin.config.get("pad_token_id") or 0)
        self.before, self.after = origin.marks

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Pieces (B, m) without special tokens and lengths (B,), on one device -> states (B, m, D); zero on padding."""
        room = min((self.origin.positions or ids.shape[1] + self.marks) - self.marks, ids.shape[1])
        windows = -(-ids.shape[1] // room)
        cut = nn.functional.pad(ids, (0, windows * room - ids.shape[1])).view(-1, room)
        left = (lengths.unsqueeze(1) - room * torch.arange(windows, device=ids.device)).clamp(0, room).view(-1)
        used = left.nonzero().squeeze(1)
        states = self._read(cut[used], left[used])
        whole = states.new_zeros(len(cut), *states.shape[1:]).index_copy(0, used, states)
        return whole.view(len(ids), windows * room, -1)[:, : ids.shape[1]]

    @property
    def marks(self) -> int:
        """Special tokens that a window gets."""
        return len(self.before) + len(self.after)

    def _read(self, pieces: Tensor, lengths: Tensor) -> Tensor:
        """States (w, room, D) of windows, each between its special tokens."""
        longest, first = int(lengths.max()), len(self.before)
        text = text_mask(lengths, longest)
        ids = nn.functional.pad(pieces[:, :longest].masked_fill(~text, self.padding), (first, len(self.after)), value=self.padding)
        for place, mark in enumerate(self.before):
            ids[:, place] = mark
        for place, mark in enumerate(self.after):
            ids.scatter_(1, (lengths + first + place).unsqueeze(1), mark)
        mask = text_mask(lengths + self.marks, longest + self.marks).to(torch.int64)
        states: Tensor = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        found = states[:, first : first + longest].float().masked_fill(~text.unsqueeze(2), 0.0)
        return nn.functional.pad(found, (0, 0, 0, pieces.shape[1] - longest))
