"""The present champion on the new model's test rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtl_models.config.judging import Evaluation
from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.comparison import CHAMPION, Comparison, compare_candidates
from mtl_models.evaluation.predictions import Predictions, predict_split

if TYPE_CHECKING:
    from mtl_models.networks.model import Model

__all__ = ["compare_with_champion"]


def compare_with_champion(
    joint: Mapping[str, Predictions], champion: Model, corpora: Mapping[str, Corpus], evaluation: Evaluation, seed: int
) -> Comparison:
    """The new model against the champion, on the test splits of the tasks that both answer with the same labels.

    `joint` task -> the new model's predictions on the test split of `corpora[task]`. Tasks of either side that cannot be compared
    are in `left_out`, with the reason; `tasks` is empty where nothing can.
    """
    known = {task.name: task for task in champion.tasks}
    left_out = {task: "there are no rows of it here" for task in known if task not in joint}
    common: dict[str, Predictions] = {}
    for task, predictions in joint.items():
        if task not in known:
            left_out[task] = "the champion does not know this task"
        elif known[task].kind != predictions.kind:
            left_out[task] = f"the champion's kind is {known[task].kind}, the new model's {predictions.kind}"
        elif set(known[task].labels) != set(predictions.labels):
            left_out[task] = f"the champion's labels are {', '.join(known[task].labels)}, the new model's {', '.join(predictions.labels)}"
        else:
            common[task] = predictions
    theirs = {task: predict_split(champion, corpora[task]) for task in common}
    return compare_candidates(common, {CHAMPION: theirs}, evaluation, seed).model_copy(update={"left_out": left_out})
