"""The model card: a page about a model for the people who have to trust it (after Mitchell et al.,
Model Cards, FAT* 2019). It must state the protocol and where the data comes from.
"""

from __future__ import annotations

from ml.features import NAMES
from ml.training.sampling import SMOTE_SHARE
from ml.training.train import PARAMETERS, ROUNDS, TrainedModel

_ROWS = {
    "transactions": "transactions",
    "fraud_share": "fraud share",
    "pr_auc": "PR-AUC (average precision)",
    "roc_auc": "ROC-AUC",
    "precision_at_half_percent": "precision in the riskiest 0.5 %",
    "brier": "Brier score",
    "expected_calibration_error": "expected calibration error",
    "block_rate": "blocked",
    "review_rate": "reviewed",
    "recall_blocked": "fraud blocked",
    "recall_flagged": "fraud blocked or reviewed",
    "precision_blocked": "fraud among blocked",
    "insult_rate": "honest payments blocked (insult rate)",
    "cost_eur": "cost in euro",
    "cost_eur_without_model": "cost in euro, everything approved",
}


def write(
    name: str,
    version: str,
    source: str,
    trained: TrainedModel,
    metrics: dict[str, dict[str, float]],
) -> str:
    """The card in Markdown. `source`: where the data comes from; `metrics`: for each part, the
    figures of `evaluation.quality`.
    """
    parts = list(metrics)
    table = [
        "| | " + " | ".join(part.replace("_", " ") for part in parts) + " |",
        "|---|" + "---|" * len(parts),
        *(
            f"| {label} | " + " | ".join(f"{metrics[part][key]:,.4f}" for part in parts) + " |"
            for key, label in _ROWS.items()
        ),
    ]
    return "\n".join(
        (
            f"# {name} {version}",
            "",
            f"LightGBM, {trained.rounds} trees of at most {ROUNDS} (early stopping), "
            f"{len(NAMES)} features, learning rate {PARAMETERS['learning_rate']}, "
            f"{PARAMETERS['num_leaves']} leaves, depth {PARAMETERS['max_depth']}.",
            "",
            f"**Data:** {source}. Synthetic: these figures say how the pipeline works, "
            "not how it will do on your customers.",
            "",
            "**Protocol:** in time order 12 % warm-up, "
            f"38 % training (SMOTE-NC to {SMOTE_SHARE:.1%} fraud, only here; shared signals "
            "blanked in 10 % of the rows; monotone where the domain says so), "
            "10 % early stopping and Platt calibration, "
            "8 % for the cutoffs of least cost (`ml/training/costs.toml`), "
            "12 % left out while its chargebacks may still come, "
            "20 % test (reported once, against the truth). "
            "Learnt from is only fraud that was reported before the test part begins.",
            "",
            f"**Cutoffs:** review from {trained.cutoffs.review}, "
            f"block from {trained.cutoffs.block} (calibrated probability).",
            "",
            *table,
            "",
            "`test without shared signals` is the test part with Redis away; "
            "`test without smote` is a twin trained without SMOTE.",
            "",
        )
    )
