"""The two pipelines of a retraining: a look at new data, and the training that may follow. Both are static graphs.

Whether the second runs is for the first to say, so it is not a branch inside one graph: a graph that ends early is no failed run.
"""

from __future__ import annotations

from zenml import pipeline

from mtl_models.config import Experiment
from mtl_models.config.finetuning import Finetuning
from mtl_models.evaluation.retraining import RetrainingDecision
from pipelines.parts import Artifacts, build_words, gather_corpora, judge
from steps.compare_data import compare_data
from steps.decide_retraining import decide_retraining
from steps.finetune_model import finetune_model
from steps.hold_apart import hold_apart
from steps.hooks import say_done
from steps.keep_regression import keep_regression
from steps.load_base import load_base
from steps.log_retraining import log_retraining
from steps.report_retraining import report_retraining
from steps.train_joint import train_joint

__all__ = ["retraining", "retraining_check"]

_EVERYTHING_MOVES = Finetuning(freeze="none")


@pipeline(on_success=say_done)
def retraining_check(experiment: Experiment, fingerprints: dict[str, str], champion: str, forced: bool) -> None:
    """Read the corpora as they are now, compare them with those behind `champion` (models:/NAME/VERSION), decide, log.

    `fingerprints` also holds `base`, that of the champion.
    """
    corpora, _ = gather_corpora(experiment, fingerprints)
    everything = [*corpora.values()]
    found = compare_data(everything, champion, fingerprints["base"], experiment.drift, experiment.seed)
    decision = decide_retraining(found, experiment.retraining, forced)
    log_retraining(experiment.name, found, decision, everything)


@pipeline(on_success=say_done)
def retraining(
    experiment: Experiment, fingerprints: dict[str, str], champion: str, remembered: list[str], decision: RetrainingDecision
) -> None:
    """As `training`, but on corpora where the champion's train rows do not test and the regression set does not train.

    `fingerprints` also holds `base`, that of the champion, and `regression:TASK` of configured sources. `remembered` are the tasks that
    have a regression set; `decision` is what the look came to.
    """
    found_corpora, checked = gather_corpora(experiment, fingerprints)
    regression = _regression_sets(experiment, fingerprints, champion, remembered)
    corpora = {
        name: hold_apart.with_options(substitutions={"task": name})(
            name,
            corpus,
            [*regression.values()],
            champion,
            fingerprints["base"],
            experiment.retraining.min_test_rows,
            id=f"hold_apart_{name}",
        )
        for name, corpus in found_corpora.items()
    }
    vocabularies, matrices = build_words(experiment, fingerprints, corpora)
    words = [*vocabularies.values()], [*matrices.values()], [*vocabularies]
    settings = {name: task.settings for name, task in experiment.tasks.items()}
    everything, preservation = [*corpora.values()], None
    if experiment.retraining.start == "warm":
        base = load_base(champion, fingerprints["base"])
        joint, history, preservation = finetune_model(
            base, everything, *words, settings, _EVERYTHING_MOVES, experiment.training, experiment.seed
        )
    else:
        joint, history = train_joint(everything, *words, settings, experiment.network, experiment.training, experiment.seed)
    registration = judge(experiment, (joint, history), corpora, checked, (vocabularies, matrices), preservation, [*regression.values()])
    found = compare_data([*found_corpora.values()], champion, fingerprints["base"], experiment.drift, experiment.seed)
    report_retraining(experiment.name, experiment.retraining.start, found, decision, everything, registration)


def _regression_sets(experiment: Experiment, fingerprints: dict[str, str], champion: str, remembered: list[str]) -> Artifacts:
    """Task -> its regression set."""
    return {
        name: keep_regression.with_options(substitutions={"task": name})(
            name,
            experiment.tasks[name].kind,
            experiment.tasks[name].corpus,
            experiment.retraining,
            champion,
            fingerprints["base"],
            experiment.seed,
            fingerprints.get(f"regression:{name}", ""),
            id=f"keep_regression_{name}",
        )
        for name in remembered
    }
