"""The job for one transaction, as the contenders do it: our feature functions and our model,
without our batches and our bookkeeping for redelivery.
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
from ml.profile.event import Signals, event_of, event_time_ms, hash64
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
        booster = lightgbm.Booster(model_str=files.text)
        # LightGBM has no public way to make a fitted classifier from a stored model.
        classifier: Any = LGBMClassifier()
        classifier._Booster = booster
        classifier.fitted_ = True
        classifier._n_features = classifier._n_features_in = booster.num_feature()
        classifier._classes, classifier._n_classes = np.array([False, True]), 2
        self._classifier = classifier

    def probabilities(self, matrix: Matrix) -> list[float]:
        """One calibrated probability per row of the matrix."""
        if not hasattr(self, "_classifier"):  # the base class scores while it is constructed
            return super().probabilities(matrix)
        return self.calibrated(self._classifier.predict(matrix, raw_score=True, num_threads=1))


def champion(kind: type[Scorer] = Scorer) -> Scorer:
    """The champion model of the registry in `FRAUD_MODEL__DIR`."""
    return kind(registry.read_alias(MODELS, NAME))


def scoring_input_of(partition: int, offset: int, value: bytes) -> ScoringInput:
    """The validated transaction with the client's clock: so every contender sees the same times.

    Raises `ValidationError`.
    """
    transaction = Transaction.model_validate_json(value)
    received_ms = event_time_ms(transaction, 0)
    record = Record(partition, offset, transaction.user_id.encode(), value, received_ms)
    return ScoringInput(
        record, transaction, event_of(transaction, received_ms), hash64(transaction.user_id)
    )


def decide(
    scoring_input: ScoringInput, row: UserRow, shared: Signals, scorer: Scorer
) -> tuple[UserRow, bytes]:
    """The user's row after the transaction, and the scored message."""
    user_id = scoring_input.transaction.user_id
    ((_, decision),) = score([(scoring_input, shared)], {user_id: row}, scorer)
    new_row = add_decision(
        row._replace(pending=()),
        scoring_input.event,
        decision,
        0,
        scoring_input.record.offset,
        -1,
    )
    return new_row._replace(pending=()), scored_message(scoring_input.transaction, decision)


def row_of(stored: bytes | None) -> UserRow:
    """The decoded row, empty for a user without one."""
    return decode(stored) if stored else EMPTY
