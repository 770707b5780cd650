"""What the delivery audit measured and which faults it saw. Holds figures only; it reads nothing
itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field


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
    probability: dict[str, float] = field(default_factory=dict)
    decision: dict[str, str] = field(default_factory=dict)

    def compare_ids(self, store: str, accepted_ids: set[str], stored_ids: set[str]) -> None:
        """Add a fault for ids that are missing in `store`, and for ids that were never accepted."""
        lost, extra = accepted_ids - stored_ids, stored_ids - accepted_ids
        if lost:
            self.faults.append(f"{store} lacks {len(lost)}, such as {min(lost)}")
        if extra:
            self.faults.append(
                f"{store} has {len(extra)} that were never accepted, such as {min(extra)}"
            )
