"""The job for one transaction, as the contenders do it: our feature functions and model, without
our batches and our bookkeeping.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from lightgbm import LGBMClassifier

from fraud_app.contracts.transaction import Transaction
from fraud_app.decisions.parse import Record, ScoringInput
from fraud_app.decisions.score import score
from fraud_app.decisions.scored_message import scored_message
from ml.features import Matrix
from ml.profile.event import Signals, event_of, hash64, occurred_ms
from ml.serving import registry
from ml.serving.scorer import Scorer
from tables.row_update import add_decision
from tables.user_row import EMPTY, UserRow, decode

MODELS = Path(os.environ.get("FRAUD_MODEL__DIR", "models"))
NAME = "fraud-lgbm"


class SklearnScorer(Scorer):
    """The model behind scikit-learn's interface, as most services have it."""

    def __init__(self, files: registry.ModelFiles) -> None:
        super().__init__(files)
        self._classifier: Any = LGBMClassifier()
        self._classifier._Booster = booster = lightgbm.Booster(model_str=files.text)
        self._classifier.fitted_ = True
        self._classifier._n_features = self._classifier._n_features_in = booster.num_feature()
        self._classifier._classes, self._classifier._n_classes = np.array([False, True]), 2

    def probabilities(self, matrix: Matrix) -> list[float]:
        if not hasattr(self, "_classifier"):
            return super().probabilities(matrix)
        return self.calibrated(self._classifier.predict(matrix, raw_score=True, num_threads=1))


def champion(kind: type[Scorer] = Scorer) -> Scorer:
    return kind(registry.read(MODELS / NAME / registry.version_of(MODELS, NAME)))


def payment_of(partition: int, offset: int, value: bytes) -> ScoringInput:
    """Validated, with the client's clock: every contender then sees the same times."""
    transaction = Transaction.model_validate_json(value)
    received = occurred_ms(transaction)
    record = Record(partition, offset, transaction.user_id.encode(), value, received)
    return ScoringInput(
        record, transaction, event_of(transaction, received), hash64(transaction.user_id)
    )


def decided(
    payment: ScoringInput, row: UserRow, shared: Signals, scorer: Scorer
) -> tuple[UserRow, bytes]:
    """The user's row after it, and the scored message."""
    user = payment.transaction.user_id
    ((_, outcome),) = score([(payment, shared)], {user: row}, scorer)
    following = add_decision(
        row._replace(pending=()), payment.event, outcome, 0, payment.record.offset, -1
    )
    return following._replace(pending=()), scored_message(payment.transaction, outcome)


def row_of(stored: Any) -> UserRow:
    return decode(stored) if stored else EMPTY
