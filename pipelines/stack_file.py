"""A stack file: where experiments run, as typed values. Addresses may come from the environment, secrets always do."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, model_validator

from mtl_models.config.base import Section
from mtl_models.errors import ConfigError

__all__ = ["Component", "StackFile", "load_stack"]

_VARIABLE = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)(?::-([^}]*))?\}")

Variable = Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")]


class Component(Section):
    """One component of a ZenML stack."""

    flavor: str = Field(min_length=1, description="as ZenML calls it, or polytask_kubeflow")
    config: dict[str, Any] = Field({}, description="as ZenML documents it for the flavor; {{SECRET.KEY}} stands for a value of `secrets`")


class StackFile(Section):
    """A stack as `polytask stack register` takes it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="what --stack takes")
    description: str = ""
    image: str | None = Field(None, description="image of the pods, by a tag that never moves or by digest")
    environment: dict[Variable, str] = Field({}, description="environment of every step")
    secrets: dict[Annotated[str, Field(pattern=r"^[a-z0-9-]+$")], tuple[Variable, ...]] = Field(
        {}, description="secret -> the environment variables it holds; every step gets them, under the same names"
    )
    components: dict[Annotated[str, Field(pattern=r"^[a-z_]+$")], Component] = Field(description="ZenML's kinds of components, by name")

    @model_validator(mode="after")
    def _whole(self) -> StackFile:
        missing = [kind for kind in ("orchestrator", "artifact_store") if kind not in self.components]
        if missing:
            raise ValueError(f"components lacks {' and '.join(missing)}; every stack has both")
        return self


def load_stack(path: Path) -> StackFile:
    """Read a stack file, with `${NAME}` and `${NAME:-DEFAULT}` put in from the environment; `ConfigError` names what is wrong or unset."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give a stack file, for instance configs/stacks/kubernetes.yaml") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: a stack file is a mapping with at least the keys name and components")
    try:
        return StackFile.model_validate(_filled_in(data, path))
    except ValidationError as error:
        faults = ((".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, ")) for fault in error.errors())
        raise ConfigError("\n".join(f"{path}: {place or '(top level)'}: {message}" for place, message in faults)) from None


def _filled_in(value: Any, path: Path) -> Any:
    """The value with every `${...}` in every text replaced."""
    if isinstance(value, dict):
        return {key: _filled_in(below, path) for key, below in value.items()}
    if isinstance(value, list):
        return [_filled_in(below, path) for below in value]
    return _VARIABLE.sub(lambda found: _looked_up(found, path), value) if isinstance(value, str) else value


def _looked_up(found: re.Match[str], path: Path) -> str:
    value = os.environ.get(found[1]) or found[2]
    if value is None:
        raise ConfigError(f"{path}: ${{{found[1]}}}: the environment variable is not set; set it, or write the value into the file")
    return value
