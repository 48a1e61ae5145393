"""`polytask stack`: what a stack file says, brought into ZenML; only what differs is touched, and every change is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from mtl_models.errors import ConfigError, PolytaskError
from pipelines.environment import prepare
from pipelines.stack_file import Component, StackFile, load_stack
from pipelines.zenml_store import lay_out_store

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import ComponentResponse, SecretResponse, StackResponse

__all__ = ["IMAGE", "find_stack", "list_stacks", "register", "register_stack"]

IMAGE = "polytask_image"
"""Label of a stack: the image of its pods."""

_LOCAL = "local"
_FLAVORS = {"polytask_kubeflow": "steps.kubeflow.flavor.PolytaskKubeflowFlavor"}


def register_stack(path: Path) -> None:
    """Bring ZenML's stack into line with the file, and say what that changed."""
    file = load_stack(path)
    prepare()
    lay_out_store()
    changes = register(file)
    for change in changes:
        typer.echo(f"  {change}")
    if changes:
        typer.secho(f"stack '{file.name}': registered. Next: polytask run CONFIG --stack {file.name}", fg="green")
    else:
        typer.secho(f"stack '{file.name}': nothing to change", fg="green")


def register(file: StackFile) -> list[str]:
    """The changes that were made, in words and without any secret value; none where all was as the file says."""
    from zenml.client import Client

    client = Client()
    changes = [*_secrets(file, client)]
    for kind, component in file.components.items():
        changes += _component(file.name, kind, component, client)
    return [*changes, *_stack(file, client)]


def list_stacks() -> None:
    """Print every stack of the ZenML store that is connected."""
    prepare()
    lay_out_store()
    from zenml.client import Client

    table = Table("stack", "orchestrator", "artifact store", "image", header_style="bold")
    for stack in Client().list_stacks(size=100, hydrate=True).items:
        parts = {str(kind): found[0] for kind, found in stack.components.items()}
        store = parts["artifact_store"]
        table.add_row(
            stack.name,
            parts["orchestrator"].flavor_name,
            str(store.configuration.get("path") or "local"),
            (stack.labels or {}).get(IMAGE, ""),
        )
    Console(width=max(Console().width, 120)).print(table)


def find_stack(name: str) -> StackResponse:
    """The registered stack; `local` is, where none is called so, the one that ZenML has from the start. `ConfigError` names all."""
    from zenml.client import Client

    known = {stack.name: stack for stack in Client().list_stacks(size=100, hydrate=True).items}
    found = known.get(name) or (known.get("default") if name == _LOCAL else None)
    if found is None:
        raise ConfigError(
            f"--stack {name}: no such stack in the ZenML store connected here; there are: {', '.join(sorted(known))}. "
            "`polytask stack register FILE` makes one, for instance of configs/stacks/kubernetes.yaml"
        )
    return found


def _secrets(file: StackFile, client: Client) -> Iterator[str]:
    """Values come from the environment; a variable that is not set leaves the value that is stored."""
    for name, variables in file.secrets.items():
        stored = _stored_secret(name, client)
        values = stored.secret_values if stored else {}
        given = {variable: os.environ[variable] for variable in variables if os.environ.get(variable)}
        missing = [variable for variable in variables if variable not in given and variable not in values]
        if missing:
            raise ConfigError(f"secrets.{name}: set the environment variable {' and '.join(missing)}, then register the stack again")
        changed = {variable: value for variable, value in given.items() if values.get(variable) != value}
        gone = [variable for variable in values if variable not in variables]
        if stored is None:
            client.create_secret(name, given)
            yield f"secret {name}: created with {', '.join(variables)}"
        elif changed or gone:
            client.update_secret(name, add_or_update_values=changed, remove_values=gone)
            told = [*(f"{variable} changed" for variable in changed), *(f"{variable} removed" for variable in gone)]
            yield f"secret {name}: {', '.join(told)}"


def _stored_secret(name: str, client: Client) -> SecretResponse | None:
    try:
        return client.get_secret(name, allow_partial_name_match=False)
    except KeyError:
        return None


def _component(stack: str, kind: str, component: Component, client: Client) -> Iterator[str]:
    """A component carries the name of its stack."""
    from zenml.enums import StackComponentType

    try:
        of_kind = StackComponentType(kind)
    except ValueError:
        raise ConfigError(f"components.{kind}: ZenML has no such kind; it has {', '.join(StackComponentType.values())}") from None
    _add_flavor(component.flavor, of_kind, client)
    found = client.list_stack_components(name=stack, type=of_kind, hydrate=True).items
    told = f"{kind} {stack} ({component.flavor})"
    try:
        if not found:
            client.create_stack_component(stack, component.flavor, of_kind, component.config)
            yield f"{told}: created"
        elif found[0].flavor_name != component.flavor:
            _swap(stack, found[0], component, client)
            yield f"{told}: was {found[0].flavor_name}"
        else:
            yield from _configure(told, found[0], component, client)
    except (ValueError, ImportError) as error:
        raise ConfigError(f"components.{kind}: {error}") from error


def _swap(stack: str, old: ComponentResponse, component: Component, client: Client) -> None:
    """A flavor cannot change; the old component keeps its runs' lineage under another name."""
    client.update_stack_component(old.id, old.type, name=f"{stack}-{old.flavor_name}-{str(old.id)[:8]}")
    client.create_stack_component(stack, component.flavor, old.type, component.config)


def _configure(told: str, found: ComponentResponse, component: Component, client: Client) -> Iterator[str]:
    from zenml.stack.utils import validate_stack_component_config

    checked = validate_stack_component_config(dict(component.config), component.flavor, found.type, validate_custom_flavors=True)
    wanted: dict[str, Any] = checked.model_dump(mode="json", exclude_unset=True) if checked else {}
    before = found.configuration
    changed = sorted(key for key in {*wanted, *before} if wanted.get(key) != before.get(key))
    if changed:
        gone: dict[str, Any] = dict.fromkeys(key for key in before if key not in wanted)
        client.update_stack_component(found.id, found.type, configuration={**component.config, **gone})
        yield f"{told}: {', '.join(changed)} changed"


def _add_flavor(flavor: str, kind: Any, client: Client) -> None:
    source = _FLAVORS.get(flavor)
    if source is None:
        return
    known = client.list_flavors(name=flavor, type=kind).items
    if not known:
        try:
            client.create_flavor(source, kind)
        except ImportError as error:
            raise PolytaskError(
                f"the flavor {flavor} needs packages that are not installed; run `pip install 'polytask[kubeflow]'`"
            ) from error


def _stack(file: StackFile, client: Client) -> Iterator[str]:
    from zenml.enums import StackComponentType

    found = client.list_stacks(name=file.name, hydrate=True).items
    parts: dict[Any, Any] = {StackComponentType(kind): file.name for kind in file.components}
    if not found:
        client.create_stack(file.name, parts, labels=_labels(file), secrets=[*file.secrets])
        if file.environment:
            client.update_stack(file.name, environment=dict(file.environment))
        yield f"stack {file.name}: created"
        return
    stack = found[0]
    updates = [*_updates(file, stack, client)]
    for what, options in updates:
        client.update_stack(stack.id, **options)
        yield f"stack {file.name}: {what}"


def _updates(file: StackFile, stack: StackResponse, client: Client) -> Iterator[tuple[str, dict[str, Any]]]:
    """What differs, in words and as the options of ZenML's update."""
    from zenml.enums import StackComponentType

    for kind in file.components:
        component = client.get_stack_component(StackComponentType(kind), file.name, allow_name_prefix_match=False)
        if component.id not in {part.id for part in stack.components.get(component.type, [])}:
            yield f"{kind} is now {component.flavor_name}", {"component_updates": {component.type: [component.id]}}
    labels = stack.labels or {}
    if labels.get(IMAGE) != file.image:
        yield f"image {labels.get(IMAGE)} -> {file.image}", {"labels": {IMAGE: file.image}}
    changed: dict[str, Any] = {key: value for key, value in file.environment.items() if stack.environment.get(key) != value}
    changed |= dict.fromkeys(key for key in stack.environment if key not in file.environment)
    if changed:
        yield f"environment {', '.join(changed)} changed", {"environment": changed}
    wanted = {client.get_secret(name, allow_partial_name_match=False).id for name in file.secrets}
    if wanted != set(stack.secrets):
        options = {"add_secrets": [*(wanted - set(stack.secrets))], "remove_secrets": [*(set(stack.secrets) - wanted)]}
        yield "secrets changed", options


def _labels(file: StackFile) -> dict[str, Any]:
    return {IMAGE: file.image} if file.image else {}
