"""What the delivery audit measured and which faults it saw. Holds figures only; it reads nothing
itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fraud_app.contracts.transaction_key import TransactionKey


@dataclass
class AuditResult:
    """Counts, and a sentence for each fault.

    When `faults` is empty, each accepted transaction was scored, stored and counted exactly once.
    """

    accepted: int = 0
    stored: int = 0
    scored_messages: int = 0
    scored: int = 0
    copies: int = 0
    late: int = 0
    """Copies by a worker that was taken for dead; readers drop them."""
    users: int = 0
    miscounted: int = 0
    features_compared: int = 0
    features_equal: int = 0
    shared_equal: float = 1.0
    faults: list[str] = field(default_factory=list)
    probability: dict[TransactionKey, float] = field(default_factory=dict, repr=False)
    decision: dict[TransactionKey, str] = field(default_factory=dict, repr=False)

    def compare_keys(
        self, store: str, accepted: set[TransactionKey], stored: set[TransactionKey]
    ) -> None:
        """Add a fault for transactions that are missing in `store`, and for those that were never
        accepted.
        """
        lost, extra = accepted - stored, stored - accepted
        if lost:
            self.faults.append(f"{store} lacks {len(lost)}, such as {min(lost)}")
        if extra:
            self.faults.append(
                f"{store} has {len(extra)} that were never accepted, such as {min(extra)}"
            )
