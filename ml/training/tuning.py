"""A search for better parameters under a time budget, judged on the calibration part; the test part
is never looked at.
"""

from __future__ import annotations

from typing import Any

from ml.training import evaluation
from ml.training.train import TrainingHistory, split_by_time, train


def tune(history: TrainingHistory, seed: int, minutes: float) -> dict[str, Any]:
    """The best parameters found (TPE; Bergstra et al., NeurIPS 2011). Needs Optuna: `pip install
    .[train]`.

    Trees stay as few and as shallow as explanations in the hot path allow.
    """
    import optuna

    split = split_by_time(history.at_ms)
    part = split.calibration

    def objective(trial: Any) -> float:
        chosen = {
            "learning_rate": trial.suggest_float("learning_rate", 0.05, 0.25, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 6, 12),
            "max_depth": trial.suggest_int("max_depth", 3, 4),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 120, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.4, 1.0),
            "lambda_l2": trial.suggest_float("lambda_l2", 0.5, 50.0, log=True),
        }
        trained = train(history, seed, parameters=chosen)
        found = evaluation.quality(
            trained.probability[part],
            history.known[part],
            history.amount[part],
            trained.cutoffs,
            evaluation.read_costs(),
        )
        return found["pr_auc"]

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, timeout=minutes * 60, show_progress_bar=True)
    best: dict[str, Any] = study.best_params
    return best
