"""The printed report of the delivery check: the audit's counts and faults, and the quality of the
decisions on the generator's labels.
"""

from __future__ import annotations

import numpy as np

from devtools.audit.result import AuditResult
from devtools.stack.say import Say
from fraud_app.contracts.transaction_key import TransactionKey
from ml.serving.cutoffs import Cutoffs
from ml.training.evaluation import quality, read_costs

SHOWN_FAULTS = 20  # one cause often makes thousands of faults


def report(
    result: AuditResult,
    fraud: dict[TransactionKey, bool],
    amounts: dict[TransactionKey, float],
    say: Say,
) -> None:
    """Print the result of the audit, and how good the decisions were.

    `fraud` and `amounts`: the generator's label and the amount of each transaction.
    """
    say(
        f"accepted {result.accepted:,} · stored {result.stored:,} · scored {result.scored:,}"
        f" (+{result.copies:,} identical copies)"
    )
    say(f"users {result.users:,}, {result.miscounted:,} of them not counted as often as accepted")
    say(
        f"features: {result.features_equal:,} of {result.features_compared:,} equal to the offline"
        " replay bit for bit"
    )
    say(f"shared signals as in an ideal replay in global order: {result.shared_equal:.2%}")
    _report_quality(result, fraud, amounts, say)
    for fault in result.faults[:SHOWN_FAULTS]:
        say(f"FAULT {fault}")
    say(
        "nothing lost, nothing counted twice, no decision changed"
        if not result.faults
        else f"{len(result.faults)} faults"
    )


def _report_quality(
    result: AuditResult,
    fraud: dict[TransactionKey, bool],
    amounts: dict[TransactionKey, float],
    say: Say,
) -> None:
    """Print the quality of the decisions, unless the traffic holds no fraud."""
    ids = [key for key, probability in result.probability.items() if probability is not None]
    is_fraud = np.array([fraud[key] for key in ids])
    if not is_fraud.any():
        return
    probability = np.array([result.probability[key] for key in ids])
    amount = np.array([amounts[key] for key in ids])
    # Cut-offs above 1: the decisions are measured below, as the system made them.
    figures = quality(probability, is_fraud, amount, Cutoffs(2.0, 2.0), read_costs())
    blocked = np.array([result.decision[key] == "block" for key in ids])
    flagged = np.array([result.decision[key] != "approve" for key in ids])
    say(
        f"quality on the generator's labels ({is_fraud.sum():,} fraud, {is_fraud.mean():.2%}):"
        f" PR-AUC {figures['pr_auc']:.3f}, ROC-AUC {figures['roc_auc']:.3f},"
        f" flagged {flagged[is_fraud].mean():.1%} of fraud,"
        f" blocked {blocked[is_fraud].mean():.1%},"
        f" precision of blocks {is_fraud[blocked].mean():.1%},"
        f" insult rate {blocked[~is_fraud].mean():.3%},"
        f" review rate {(flagged & ~blocked).mean():.2%},"
        f" ECE {figures['expected_calibration_error']:.4f}"
    )
