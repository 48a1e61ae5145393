"""From shares to rows of an epoch: exactly, or with every row's task (every batch's, where updates are of one task) drawn at random."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mtl_models.config.training import Training
from mtl_models.training.samplers.build import build_sampler
from mtl_models.training.seeds import generator

__all__ = ["count_updates", "drawn_quotas", "expected_quotas"]


def expected_quotas(training: Training, rows: Mapping[str, int], epoch: int) -> dict[str, int]:
    """Task -> rows in `epoch`, where `rows` is task -> training rows: p_t of the epoch's rows within one row, by largest remainders.

    Every task gets one row at least, and one in every update where updates aggregate tasks. Exact draws are these; random draws are
    so on average.
    """
    sampler = build_sampler(training.sampler)
    exact = _largest_remainders(sampler.shares(rows, epoch, training.epochs), sampler.epoch_rows(rows))
    return _at_least_in_every_update(training, exact)


def drawn_quotas(training: Training, rows: Mapping[str, int], epoch: int, seed: int) -> dict[str, int]:
    """Task -> rows in `epoch`: `expected_quotas`, or where the sampler draws at random a multinomial sample of them."""
    if getattr(training.sampler, "draws", "exact") == "exact":
        return expected_quotas(training, rows, epoch)
    sampler = build_sampler(training.sampler)
    shares = sampler.shares(rows, epoch, training.epochs)
    unit = training.batch_size if training.updates == "single_task" else 1
    draws = -(-sampler.epoch_rows(rows) // unit)
    counts = generator(seed, "tasks", epoch).multinomial(draws, list(shares.values()))
    drawn = {task: unit * max(1, int(count)) for task, count in zip(shares, counts, strict=True)}
    return _at_least_in_every_update(training, drawn)


def count_updates(training: Training, quotas: Mapping[str, int]) -> int:
    """Updates of an epoch that holds `quotas`, task -> rows.

    Mixed: batches of all rows together. Of single tasks: each task's batches. Aggregating: so many that an update has
    `batch_size` rows of each of the tasks, on average over them.
    """
    size, total = training.batch_size, sum(quotas.values())
    match training.updates:
        case "mixed":
            return math.ceil(total / size)
        case "single_task":
            return sum(math.ceil(count / size) for count in quotas.values())
        case "aggregate":
            return math.ceil(total / (size * len(quotas)))


def _at_least_in_every_update(training: Training, quotas: dict[str, int]) -> dict[str, int]:
    """`quotas` with one row at least, in every update where updates aggregate; rows given to one task may make for more updates."""
    found = {task: max(1, count) for task, count in quotas.items()}
    while training.updates == "aggregate" and min(found.values()) < (least := count_updates(training, found)):
        found = {task: max(least, count) for task, count in found.items()}
    return found


def _largest_remainders(shares: Mapping[str, float], total: int) -> dict[str, int]:
    """Whole numbers that sum to `total`, each within one of its share; of equal remainders the first ones are rounded up."""
    exact = {task: share * total for task, share in shares.items()}
    floors = {task: math.floor(value + 1e-9) for task, value in exact.items()}
    left = total - sum(floors.values())
    raised = sorted(exact, key=lambda task: -round(exact[task] - floors[task], 9))[:left]
    return {task: count + (task in raised) for task, count in floors.items()}
