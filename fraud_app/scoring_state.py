"""Whether this worker scores. What stands still must be visible: health and readiness read it."""

from __future__ import annotations


class ScoringState:
    """`stopped` says why no transaction is scored; empty while all is well."""

    def __init__(self) -> None:
        self.stopped = ""
        self.held = ""
        """What waits for the end of a producer's open Kafka transaction."""
