"""What becomes of a model that learns from the decisions of the one before, of which blocked
transactions get no chargeback. Prints each model's figures on a later time with the whole truth.

    python -m devtools.experiments.own_decisions --users 25000 1 2 3
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime

from ml.simulator import Population, simulate
from ml.training import evaluation
from ml.training.history import from_simulator, history_of
from ml.training.train import Array, TrainedModel, TrainingHistory, score, train

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS, FIRST_UNTIL, SECOND_UNTIL = 100, 45, 80
"""The first part trains a model, which decides the second; all are judged on the third."""
_DAY_MS = 86_400_000


def main() -> None:
    """Run the experiment for each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, nargs="+")
    parser.add_argument("--users", type=int, default=25_000)
    args = parser.parse_args()
    for seed in args.seeds:
        simulated = simulate(Population(seed, args.users), START, DAYS)
        history = history_of(map(from_simulator, simulated))
        day = (history.at_ms - history.at_ms[0]) / _DAY_MS
        judged = history.part(day >= SECOND_UNTIL)
        first = train(history.part(day < FIRST_UNTIL), seed)
        second = history.part((day >= FIRST_UNTIL) & (day < SECOND_UNTIL))
        blocked = _probability(first, second.features) >= first.cutoffs.block
        print(
            f"seed {seed}: {blocked.sum()} blocked, {second.fraud[blocked].sum()} of"
            f" {second.fraud.sum()} frauds among them"
        )
        print(_line("the first model", first, judged))
        for name, learnt in _variants(second, blocked):
            print(_line(name, train(learnt, seed), judged), flush=True)


def _variants(history: TrainingHistory, blocked: Array) -> Iterator[tuple[str, TrainingHistory]]:
    yield (
        "blocked as legitimate",
        history._replace(fraud=history.fraud & ~blocked, known=history.known & ~blocked),
    )
    yield "blocked left out", history.part(~blocked)
    yield (
        "blocked as fraud",
        history._replace(fraud=history.fraud | blocked, known=history.known | blocked),
    )


def _probability(model: TrainedModel, features: Array) -> Array:
    return score(model.model_text, model.slope, model.intercept, features)


def _line(name: str, model: TrainedModel, judged: TrainingHistory) -> str:
    figures = evaluation.quality(
        _probability(model, judged.features),
        judged.fraud,
        judged.amount,
        model.cutoffs,
        evaluation.read_costs(),
    )
    return (
        f"  {name:24} PR-AUC {figures['pr_auc']:.3f}  cost €{figures['cost_eur']:,.0f} (without a"
        f" model €{figures['cost_eur_without_model']:,.0f})  reviews {figures['review_rate']:.2%}"
        f"  insults {figures['insult_rate']:.3%}"
    )


if __name__ == "__main__":
    main()
