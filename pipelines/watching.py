"""A run in pods, watched from here: what is done, what waits and for what, and an end to waiting for what never comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtl_models.config.resources import StepResources
from mtl_models.progress import say
from pipelines.placing import Place

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse, StepRunResponse

__all__ = ["Watch", "failures", "watching"]

_EVERY = 3.0
_PATIENCE = 1800
"""Seconds that a pod may wait for a node where its step has no `timeout`; clusters that grow take minutes to."""
_ENDED = ("completed", "cached", "failed", "stopped", "retried", "skipped")


@dataclass
class _Wait:
    """A pod that no node takes: since when, when it was last seen so, and why."""

    since: float
    seen: float
    reason: str

    def told(self, name: str) -> str:
        return f"{name} waited {self.seen - self.since:.0f} s for a node and got none: {self.reason}"


class Watch:
    """Looks at a run every few seconds and tells what is new; `given_up` says why it stopped the run, if it did."""

    def __init__(self, run_name: str, place: Place) -> None:
        self.given_up: str | None = None
        self._run_name = run_name
        self._place = place
        self._told: set[tuple[str, str]] = set()
        self._waiting: dict[str, _Wait] = {}

    def look(self) -> None:
        """Tell what changed since the last look."""
        from zenml.client import Client

        runs = Client().list_pipeline_runs(name=self._run_name, hydrate=False).items
        if not runs:
            return
        for step in Client().list_run_steps(pipeline_run_id=runs[0].id, size=500, exclude_retried=False).items:
            self._tell(step)
        for name, reason in self._pods(str(runs[0].id)):
            if reason is None:
                self._waiting.pop(name, None)
            else:
                self._wait(name, reason, runs[0])

    def without_node(self) -> list[str]:
        """A line for every step whose pod waited for a node when it was last seen, before the cluster took it away."""
        return [waiting.told(name) for name, waiting in self._waiting.items()]

    def _tell(self, step: StepRunResponse) -> None:
        status = str(step.status)
        key = (str(step.id), status)
        if status not in _ENDED or key in self._told:
            return
        self._told.add(key)
        seconds = (step.end_time - step.start_time).total_seconds() if step.end_time and step.start_time else 0.0
        word = {"completed": "done", "retried": "failed, is tried again"}.get(status, status)
        say(f"  {word:<6} {step.name:<32} {seconds:7.1f} s")

    def _wait(self, name: str, reason: str, run: PipelineRunResponse) -> None:
        from zenml.client import Client
        from zenml.utils.run_utils import stop_run

        now = time.monotonic()
        waiting = self._waiting.setdefault(name, _Wait(now, now, reason))
        waiting.seen, waiting.reason = now, reason
        if (name, reason) not in self._told:
            self._told.add((name, reason))
            say(f"  waits  {name:<32} {reason}")
        patience = self._place.steps.get(name, StepResources()).timeout or _PATIENCE
        if now - waiting.since > patience and self.given_up is None:
            self.given_up = waiting.told(name)
            stop_run(Client().get_pipeline_run(run.id))

    def _pods(self, run_id: str) -> Iterator[tuple[str, str | None]]:
        """Step of every pod of the run, and why no node takes it, if so; those that wait come last."""
        from zenml.client import Client

        from steps.resources import KUBERNETES

        if self._place.flavor != KUBERNETES:
            return
        from kubernetes.client import CoreV1Api

        orchestrator: Any = Client().active_stack.orchestrator
        pods = CoreV1Api(orchestrator.get_kube_client()).list_namespaced_pod(
            orchestrator.config.kubernetes_namespace, label_selector=f"run_id={run_id}"
        )
        found = [(pod.metadata.labels.get("step_name", "(the run itself)"), _refusal(pod)) for pod in pods.items]
        yield from sorted(found, key=lambda pod: pod[1] is not None)


def _refusal(pod: Any) -> str | None:
    """Why no node takes the pod; None where one has."""
    for condition in pod.status.conditions or []:
        if condition.type == "PodScheduled" and condition.status == "False":
            return str(condition.message or condition.reason)
    return None


@contextmanager
def watching(run_name: str, place: Place) -> Iterator[Watch]:
    """Watch the run of this name inside the block, in a thread; nothing is watched where steps run in this process."""
    watch, stopped = Watch(run_name, place), threading.Event()
    if not place.in_pods:
        yield watch
        return

    def run() -> None:
        from zenml.exceptions import ZenMLBaseException

        while not stopped.wait(_EVERY):
            try:
                watch.look()
            except (ZenMLBaseException, OSError, RuntimeError) as error:
                say(f"  the run cannot be looked at just now: {str(error).splitlines()[0] if str(error) else type(error).__name__}")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        stopped.set()
        thread.join()
        watch.look()


def failures(run: PipelineRunResponse) -> list[str]:
    """A line for every step that failed, with its error's last line."""
    found = []
    for name, step in run.steps.items():
        if str(step.status) == "failed":
            error = step.exception_info
            lines = (error.traceback if error else "").strip().splitlines()
            found.append(f"{name}: {lines[-1] if lines else 'its container ended without a word; look at the log of its pod'}")
    return found
