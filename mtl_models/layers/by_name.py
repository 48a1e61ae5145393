"""Modules looked up by a name the user chose."""

from __future__ import annotations

from torch import nn

__all__ = ["ModulesByName"]


class ModulesByName(nn.ModuleDict):
    """An `nn.ModuleDict` that takes any name without a dot; PyTorch's own refuses `type`, `keys`, `half` and others."""

    def add_module(self, name: str, module: nn.Module | None) -> None:
        """Register `module` under `name`; only look-ups by key are offered, so it cannot hide an attribute."""
        if not name or "." in name:
            raise KeyError(f"'{name}' cannot name a module: it must not be empty nor contain a dot")
        self._modules[name] = module  # type: ignore[assignment]
