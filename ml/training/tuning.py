"""A search for better parameters within a time budget. It compares them on the calibration part and
must never use the test part.
"""

from __future__ import annotations

from typing import Any

from ml.training import evaluation
from ml.training.train import TrainingHistory, split_by_time, train


def tune(history: TrainingHistory, seed: int, minutes: float) -> dict[str, Any]:
    """The parameters of the best PR-AUC (TPE; Bergstra et al., NeurIPS 2011). Needs Optuna: `pip
    install .[train]`.

    Trees stay few and shallow, because explanations are computed in the hot path.
    """
    import optuna

    part = split_by_time(history.at_ms).calibration
    costs = evaluation.read_costs()

    def objective(trial: Any) -> float:
        parameters = {
            "learning_rate": trial.suggest_float("learning_rate", 0.05, 0.25, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 6, 12),
            "max_depth": trial.suggest_int("max_depth", 3, 4),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 120, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.4, 1.0),
            "lambda_l2": trial.suggest_float("lambda_l2", 0.5, 50.0, log=True),
        }
        trained = train(history, seed, parameters=parameters)
        probability, known = trained.probability[part], history.known[part]
        measured = evaluation.quality(
            probability, known, history.amount[part], trained.cutoffs, costs
        )
        return measured["pr_auc"]

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, timeout=minutes * 60, show_progress_bar=True)
    best: dict[str, Any] = study.best_params
    return best
