"""Whether this worker scores. What stands still must be visible: health and readiness read it."""

from __future__ import annotations

import asyncio

LOOK_AGAIN_S = 0.5


class ScoringState:
    """Why no transaction is scored; empty texts while all is well."""

    def __init__(self) -> None:
        self.stopped = ""
        """Transactions cannot be decided; see `agents/scoring.py`."""
        self.held = ""
        """What waits for the end of a producer's open Kafka transaction."""
        self.topic_unusable = ""
        """The topic of the transactions is missing, or is not what this worker needs."""

    async def topic_usable(self) -> None:
        """Wait while the topic cannot be used."""
        while self.topic_unusable:  # noqa: ASYNC110 - rare, and found by looking every two seconds
            await asyncio.sleep(LOOK_AGAIN_S)

    @property
    def reason(self) -> str:
        """Why scoring has stopped; empty while it goes on."""
        return self.topic_unusable or self.stopped
