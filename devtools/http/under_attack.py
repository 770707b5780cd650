"""`scripts/check attacks`: transactions are posted at a steady rate while hostile clients do their
worst. Every one must be accepted, 99 % of them within 50 ms, and none decided without Redis.

It starts servers of its own and never touches others.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import secrets
import sys
import time
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from devtools.http.attacks import ATTACKS, BEGUN
from devtools.stack.process import ServerProcess
from devtools.stack.test_cluster import Cluster
from fraud_app.settings import ROOT

RATE = 50.0
"""Transactions a second: the machine also runs the servers and the attackers."""
BEGIN_S = 60.0
"""Longest time for an attacker to make what it sends."""
SETTLE_S = 2.0
"""Then until the first transaction that counts: its sockets are opened."""
TARGET_MS = 50.0
"""A machine that needs more than half of it without an attack is busy otherwise: then twice that.
"""
NO_ATTACK = "none"


class Outcome(NamedTuple):
    """What the transactions met during one attack."""

    attack: str
    sent: int
    accepted: int
    decided: int
    degraded: int
    p50_ms: float
    p99_ms: float
    worst_ms: float

    def passed(self, target_ms: float) -> bool:
        """All accepted and decided, none without Redis, 99 % within the target."""
        return (
            self.accepted == self.sent <= self.decided
            and self.degraded == 0
            and self.p99_ms <= target_ms
        )


class Client:
    """Posts transactions and reads the worker's metrics."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def post(self, due: float) -> float:
        """Seconds from the due moment to the answer; infinite when it was not accepted."""
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        try:
            async with self._session.post("/api/transactions", json=_transaction()) as response:
                await response.read()
        except aiohttp.ClientError:
            return float("inf")
        return time.perf_counter() - due if response.status == 202 else float("inf")

    async def count(self, name: str) -> int:
        """The sum of a counter over its labels."""
        async with self._session.get("/metrics") as response:
            families = text_string_to_metric_families(await response.text())
        return int(
            sum(
                sample.value
                for family in families
                for sample in family.samples
                if sample.name == name
            )
        )


def _transaction() -> dict[str, Any]:
    mark = uuid.uuid4().hex
    return {
        "transaction_id": f"attacked-{mark}",
        "user_id": f"user-{mark[:2]}",
        "amount": "12.90",
        "currency": "EUR",
        "merchant_id": "m_1",
    }


async def measure(client: Client, attack: str, seconds: float) -> Outcome:
    """Post for so many seconds, and wait until all is decided."""
    decided = await client.count("fraud_transactions_scored_total")
    degraded = await client.count("fraud_degraded_decisions_total")
    started = time.perf_counter()
    count = int(RATE * seconds)
    latencies = sorted(
        await asyncio.gather(*(client.post(started + number / RATE) for number in range(count)))
    )
    decided_now = decided
    deadline = time.monotonic() + 10
    while decided_now - decided < count and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
        decided_now = await client.count("fraud_transactions_scored_total")
    return Outcome(
        attack,
        count,
        sum(latency < float("inf") for latency in latencies),
        decided_now - decided,
        await client.count("fraud_degraded_decisions_total") - degraded,
        *(1000 * latencies[int(share * (count - 1))] for share in (0.5, 0.99, 1)),
    )


async def run(cluster: Cluster, key: str, attacks: Sequence[str], seconds: float) -> bool:
    """One attack after the other, with a table of what came of each. Whether all were borne."""
    session = aiohttp.ClientSession(
        cluster.addresses[0], headers={"Authorization": f"Bearer {key}"}
    )
    passed, target_ms = True, TARGET_MS
    print(
        f"{'attack':<20}{'sent':>6}{'decided':>9}{'degraded':>10}{'p50':>8}{'p99':>8}{'worst':>8}"
    )
    async with session:
        client = Client(session)
        await measure(client, "warm-up", SETTLE_S)
        for attack in attacks:
            attacker = _start(attack, cluster, key)
            try:
                if attacker is not None:
                    await asyncio.to_thread(attacker.wait_until, partial(_begun, attacker), BEGIN_S)
                await asyncio.sleep(SETTLE_S)
                outcome = await measure(client, attack, seconds)
            finally:
                if attacker is not None:
                    attacker.stop(5)
            if attack == NO_ATTACK:
                target_ms = max(TARGET_MS, 2 * outcome.p99_ms)
            print(
                f"{attack:<20}{outcome.sent:>6}{outcome.decided:>9}{outcome.degraded:>10}"
                f"{outcome.p50_ms:>8.1f}{outcome.p99_ms:>8.1f}{outcome.worst_ms:>8.1f}"
                f"{'' if outcome.passed(target_ms) else '  ✗'}"
            )
            passed = passed and outcome.passed(target_ms)
    return passed


def _start(attack: str, cluster: Cluster, key: str) -> ServerProcess | None:
    if attack == NO_ATTACK:
        return None
    port = str(cluster.workers[0].port)
    return ServerProcess(
        attack,
        [sys.executable, "-m", "devtools.http.attacks", attack, port, key],
        cluster.stack.directory / "logs" / f"{attack}.log",
        cwd=ROOT,
    )


def _begun(attacker: ServerProcess) -> bool:
    return BEGUN in attacker.log.read_text()


def main() -> None:
    """Start the servers and a worker with keys, and attack it."""
    parser = argparse.ArgumentParser(prog="scripts/check attacks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each attack")
    parser.add_argument(
        "attacks", nargs="*", default=[NO_ATTACK, *ATTACKS], help=f"of {', '.join(ATTACKS)}"
    )
    arguments = parser.parse_args()
    key = secrets.token_hex(16)
    cluster = Cluster(
        "attacks",
        1,
        print,
        FRAUD_AUTH__MODE="keys",
        FRAUD_AUTH__KEY_HASHES=f"tester={hashlib.sha256(key.encode()).hexdigest()}",
    )
    try:
        passed = asyncio.run(run(cluster, key, arguments.attacks, arguments.seconds))
    finally:
        cluster.stop()
    if not passed:
        sys.exit(
            "A line with ✗ was not borne: all decided, none degraded, 99 % within "
            f"{TARGET_MS:.0f} ms, or twice what it takes without an attack."
        )


if __name__ == "__main__":
    main()
