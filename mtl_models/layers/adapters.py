"""Low-rank adapters (Hu et al. 2022), by `peft`: several beside one frozen encoder, each row of a batch through its own."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import nn

from mtl_models.config.backbone import LoraSection
from mtl_models.errors import ConfigError

__all__ = ["Adapters"]


class Adapters:
    """Adapters with the given names, put into `encoder`, whose own weights are frozen from then on.

    Raises `ConfigError` where the encoder has no layers of the names asked for.
    """

    def __init__(self, encoder: nn.Module, section: LoraSection, names: Sequence[str]) -> None:
        from peft import LoraConfig, inject_adapter_in_model
        from peft.tuners.lora import LoraLayer

        config = LoraConfig(
            r=section.rank,
            lora_alpha=section.alpha,  # type: ignore[arg-type]  # peft says int and takes any number
            lora_dropout=section.dropout,
            target_modules=None if section.targets is None else list(section.targets),
        )
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Already found a `peft_config`")
                for name in names:
                    inject_adapter_in_model(config, encoder, _registered(name))
        except ValueError as error:
            raise ConfigError(f"network.lora.targets: {str(error).strip().splitlines()[0]}") from error
        self._encoder = encoder
        self._rows: list[str] = []
        for module in encoder.modules():
            if isinstance(module, LoraLayer):
                module.register_forward_pre_hook(self._tell, with_kwargs=True)
        for name, parameter in encoder.named_parameters():
            parameter.requires_grad_(".lora_" in name)

    @contextmanager
    def chosen(self, names: Sequence[str | None]) -> Iterator[None]:
        """Within the block row i of every batch goes through the adapter `names[i]`; through none where that is None."""
        self._rows = [_NONE if name is None else _registered(name) for name in names]
        try:
            yield
        finally:
            self._rows = []

    def weights_of(self, names: Collection[str]) -> tuple[str, ...]:
        """Names, within the encoder, of the weights of these adapters."""
        marks = tuple(f".{_registered(name)}." for name in names)
        return tuple(name for name, _ in self._encoder.named_parameters() if ".lora_" in name and any(mark in name for mark in marks))

    def _tell(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:  # noqa: ARG002
        return args, {**kwargs, "adapter_names": self._rows} if self._rows else kwargs


_NONE = "__base__"
"""peft's word for a row without adapter."""


def _registered(name: str) -> str:
    """As a module may be called; a task may be called `keys`."""
    return f"of_{name}"
