"""`scripts/chaos`: two workers and the sinks under load from producers of several kinds, faults in
a random order, and then an account of every transaction.

It starts servers of its own and never touches others. The seed decides traffic, order and victims.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import zlib
from functools import partial
from typing import Any

from devtools.audit.audit import audit_delivery, read_topic
from devtools.audit.check_delivery import generate_traffic, wait_until_stored
from devtools.audit.result import AuditResult
from devtools.audit.run_check import run_check
from devtools.chaos import producers
from devtools.chaos.faults import FAULTS
from devtools.chaos.producers import Load
from devtools.chaos.watch import Watch, behind, wait_until_well
from devtools.stack.say import Say
from devtools.stack.test_cluster import Cluster
from fraud_app.topics import DEAD_LETTERS

RECOVERY_S = 120.0
"""Longest time until all is well again before the next fault; longer is a fault of its own."""
SHOWN_FAULTS = 20
KINDS = 6
"""Of producers, see `_send`."""
_DESCRIPTION = "Faults under load, and the account of every transaction afterwards."


def main() -> None:
    """Run; the exit code is 1 when something was lost, counted twice, changed or not well again."""
    args = _arguments()
    run_check("chaos", args.workers, partial(_run, args))


async def _run(args: argparse.Namespace, cluster: Cluster, say: Say) -> list[str]:
    say(f"seed {args.seed}")
    rng = random.Random(args.seed)  # noqa: S311 - chooses victims, protects nothing
    names = args.faults or list(FAULTS)
    order = [name for _ in range(args.rounds) for name in rng.sample(names, len(names))]
    watch = Watch(cluster)
    watching = asyncio.ensure_future(watch.run())
    stopping = asyncio.Event()
    loads = _loads(args, stopping)
    sending = asyncio.ensure_future(_send(cluster, loads))
    not_well = []
    try:
        await wait_until_well(cluster, RECOVERY_S)
        say(f"{'fault':18} {'what':22} {'well after':>10}  health said meanwhile")
        for name in order:
            watch.take()
            what = await FAULTS[name](cluster, rng)
            recovered = await wait_until_well(cluster, RECOVERY_S)
            said = ", ".join(watch.take())
            took = "never" if recovered is None else f"{recovered:.1f} s"
            say(f"{name:18} {what:22} {took:>10}  {said}")
            if recovered is None:
                not_well.append(f"{name}: not well after {RECOVERY_S:.0f} s; health said {said}")
        await asyncio.sleep(args.quiet)
    finally:
        stopping.set()
        await sending
        watching.cancel()
    return await _account(cluster, loads, not_well, say)


def _loads(args: argparse.Namespace, stopping: asyncio.Event) -> list[Load]:
    """One for each kind of producer. A customer belongs to one of them."""
    shares: list[list[dict[str, Any]]] = [[] for _ in range(KINDS)]
    for labelled in generate_traffic(args.transactions, args.seed):
        user = labelled.transaction["user_id"]
        shares[zlib.crc32(user.encode()) % KINDS].append(labelled.transaction)
    return [Load(share, args.rate / KINDS, stopping) for share in shares]


async def _send(cluster: Cluster, loads: list[Load]) -> None:
    brokers = cluster.environment["FRAUD_KAFKA__BROKERS"]
    await asyncio.gather(
        producers.by_http(cluster.addresses, loads[0]),
        producers.by_java_defaults(brokers, loads[1]),
        producers.by_librdkafka(brokers, loads[2], "zstd", "consistent_random"),
        producers.by_librdkafka(brokers, loads[3], "lz4", "murmur2_random"),
        producers.by_librdkafka(brokers, loads[4], "snappy", "random"),
        producers.by_kafka_transactions(brokers, loads[5]),
    )


async def _account(cluster: Cluster, loads: list[Load], not_well: list[str], say: Say) -> list[str]:
    """Compare what was confirmed with everything that is left."""
    confirmed = [transaction for load in loads for transaction in load.confirmed]
    await wait_until_stored(cluster.environment["FRAUD_POSTGRES__DSN"], len(confirmed))
    await wait_until_well(cluster, RECOVERY_S)
    result = await audit_delivery(cluster.environment, confirmed, by_occurred=True)
    result.faults += not_well
    poison = {record for load in loads for record in load.poison}
    await _check_dead_letters(cluster, poison, result)
    for group, records in (await behind(cluster)).items():
        if records:
            result.faults.append(f"{group} has {records} records that it never read")
    restarts = sum(service.restarts for service in (*cluster.workers, cluster.sinks))
    say(
        f"confirmed {result.accepted:,} · scored {result.scored:,} (+{result.copies:,} copies, "
        f"{result.late:,} of them late) · stored {result.stored:,} · miscounted users "
        f"{result.miscounted:,} · features equal {result.features_equal:,} of "
        f"{result.features_compared:,} · processes started again {restarts}"
    )
    for fault in result.faults[:SHOWN_FAULTS]:
        say(f"FAULT {fault}")
    say(f"{len(result.faults)} faults" if result.faults else "nothing lost, nothing counted twice")
    return result.faults


async def _check_dead_letters(cluster: Cluster, poison: set[bytes], result: AuditResult) -> None:
    """Each record that is no transaction, and nothing else, is a dead letter."""
    records = await read_topic(cluster.environment["FRAUD_KAFKA__BROKERS"], DEAD_LETTERS)
    letters = {record.value for record in records}
    if missing := poison - letters:
        result.faults.append(f"{len(missing)} bad records are no dead letters")
    if others := letters - poison:
        codes = {
            dict(record.headers)["dlq_error_code"].decode()
            for record in records
            if record.value in others
        }
        result.faults.append(f"{len(others)} dead letters too many: {', '.join(sorted(codes))}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=_DESCRIPTION)
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"of {', '.join(FAULTS)}")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))  # noqa: S311
    parser.add_argument("--rounds", type=int, default=1, help="each fault so many times")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rate", type=float, default=300.0, help="transactions a second")
    parser.add_argument("--transactions", type=int, default=60_000, help="the most that are sent")
    parser.add_argument(
        "--quiet", type=float, default=65.0, help="seconds under load after the last fault: a"
        " watchdog ends a process after 30, the drift job runs after 60 (default: %(default)s)"
    )  # fmt: skip
    args = parser.parse_args()
    unknown = set(args.faults) - FAULTS.keys()
    if unknown:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    return args


if __name__ == "__main__":
    main()
