"""For how long partitions are not read further because a producer keeps a Kafka transaction open.

Pure: it gets the time and the offsets, and only measures.
"""

from __future__ import annotations

from collections.abc import Mapping

TOLD_AFTER_S = 10.0
"""A transaction that a producer works on ends sooner. The broker aborts one that was left behind
after its `transaction.timeout.ms`, a minute by default.
"""


class OpenTransactions:
    """Measures for how long each partition has stood at the same open transaction."""

    def __init__(self) -> None:
        self._since: dict[int, tuple[int, float]] = {}
        """By partition: the first offset of the open transaction, and when it was seen first."""

    def sentence(self, held: Mapping[int, tuple[int, int]], now: float) -> str:
        """What stands still and for how long; empty while nothing does for long.

        `held`: by partition, the offset up to which it can be read, and the number of messages
        behind it. `now`: seconds of a monotonic clock.
        """
        before, self._since = self._since, {}
        for partition, (offset, _) in held.items():
            known = before.get(partition)
            self._since[partition] = known if known and known[0] == offset else (offset, now)
        waits = {
            partition: now - since
            for partition, (_, since) in self._since.items()
            if now - since > TOLD_AFTER_S
        }
        if not waits:
            return ""
        count = sum(held[partition][1] for partition in waits)
        names = ", ".join(str(partition) for partition in sorted(waits))
        return (
            f"{count} messages of partition {names} wait for the end of a producer's open Kafka "
            f"transaction, for {max(waits.values()):.0f} s now"
        )
