"""Transactions over HTTP: submit one, list the decided ones, read one. A transaction must never be
accepted (202) before the broker has acknowledged it.
"""

from __future__ import annotations

import asyncio
import base64
import re
import time
from datetime import datetime
from urllib.parse import quote

import orjson
from aiohttp import web
from aiokafka.errors import KafkaError
from faust.exceptions import NotReady

from fraud_app.app import app
from fraud_app.contracts.message import Message
from fraud_app.contracts.scored import read_scored
from fraud_app.contracts.transaction import Transaction
from fraud_app.contracts.transaction_key import TransactionKey
from fraud_app.decisions import explanations
from fraud_app.kafka.partitioner import partition_of
from fraud_app.kafka.producer import ProduceBatch
from fraud_app.postgres import transaction_list
from fraud_app.postgres.transaction_list import Position, TransactionFilter
from fraud_app.resources import champion, config, decision_waiters, redis_client, scoring_state
from fraud_app.topics import RAW
from ml.profile.event import event_of
from tables.redis.client import RedisUnavailable
from web.api.query import dead_letters_of, query, requested_key, stored_transaction
from web.api.transaction_body import posted_transaction
from web.http.body import answer, json_object, query_parameters
from web.http.problem import Problem
from web.schemas.transactions import Accepted, ListQuery, StoredDetailQuery, SubmitQuery

RETRY_SOON = {"Retry-After": "1"}
ACK_S = 5.0
"""Longest time for the broker to acknowledge, below the time limit of a request."""
ANSWER_S = 0.5
"""Before the time limit of a request: it was accepted, and that is the answer while there is time.
"""
OWN_WORDS = frozenset({"alerts", "breakdowns", "stats"})
"""What stands in our routes where another one has the id of a transaction."""
MAX_BATCHES_WAITING = 20
"""So many batches of a partition are kept while no broker takes them, each at most 256 KiB.
They are sent when it is back, although their senders were told that nothing is confirmed.
"""
IDEMPOTENCY_PREFIX = "idem:"
IDEMPOTENCY_S = 86_400
"""A client that tries again does so within a day."""
_PREFER_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,2})(?:$|[,;\s])")


async def submit(request: web.Request) -> web.Response:
    """Publish a transaction to Kafka."""
    wait_s = query_parameters(SubmitQuery, request).wait / 1000 or _prefer_wait(request)
    answer_by = time.monotonic() + config.web.request_timeout_s - ANSWER_S
    body = await json_object(request, config.web.max_body_bytes)
    posted = posted_transaction(body, request.headers.get("Idempotency-Key"))
    transaction = posted.read.transaction
    key = transaction.key
    replayed = await _is_repeated(transaction)
    decision = decision_waiters.expect(key) if wait_s else None
    try:
        await _publish(posted.message())
        headers = {
            "Location": _address(key),
            **({"Idempotent-Replayed": "true"} if replayed else {}),
        }
        if decision is not None:
            try:
                time_left = min(wait_s, answer_by - time.monotonic())
                return answer(
                    await asyncio.wait_for(asyncio.shield(decision), time_left), headers=headers
                )
            except TimeoutError:
                pass
        return answer(Accepted(**key._asdict()).model_dump(), 202, headers)
    finally:
        if decision is not None:
            decision_waiters.forget(key, decision)


async def list_all(request: web.Request) -> web.Response:
    """Decided transactions, newest first."""
    return await _list(request, None)


async def list_alerts(request: web.Request) -> web.Response:
    """Those that were sent to review or blocked, newest first."""
    return await _list(request, ("review", "block"))


async def detail(request: web.Request) -> web.Response:
    """One decided transaction."""
    parameters = query_parameters(StoredDetailQuery, request)
    key = await requested_key(request, parameters.user_id)
    stored = await stored_transaction(key)
    letters = await dead_letters_of(key)
    if not parameters.explain and not letters:
        return answer(stored.scored.encode())
    fields = read_scored(stored.scored)
    if parameters.explain:
        fields["explanation"] = explanations.explain_features(fields, champion.scorer)
    if letters:
        fields["dead_letters"] = [letter.model_dump(mode="json") for letter in letters]
    return answer(fields)


async def _publish(message: Message) -> None:
    """Send a transaction and wait for the acknowledgement. Raises `Problem` 503 without one."""
    if scoring_state.topic_unusable:
        raise Problem(503, "topic_unusable", scoring_state.topic_unusable, headers=RETRY_SOON)
    user = (message[0] or b"").decode()
    partition = partition_of(user, config.kafka.partitions)
    try:
        async with asyncio.timeout(ACK_S):
            produce = ProduceBatch(app)
            if produce.batches_waiting(RAW, partition) >= MAX_BATCHES_WAITING:
                raise TimeoutError
            await produce.add(RAW, partition, [message])
            await produce.acknowledged()
    except (TimeoutError, KafkaError, NotReady) as error:
        raise Problem(
            503,
            "broker_away",
            "the broker did not confirm the transaction; send it again with the same id",
            headers=RETRY_SOON,
        ) from error


async def _is_repeated(transaction: Transaction) -> bool:
    """Whether this customer's id was posted within the last day. Raises `Problem` 422 when it was
    used for another transaction of theirs.

    Without Redis nothing is refused here; the user's row still counts each id once.
    """
    body_hash = str(event_of(transaction, 0).body_hash)
    key = IDEMPOTENCY_PREFIX + transaction.key.text
    deadline = config.redis.deadline_ms / 1000
    try:
        if await redis_client.call(
            redis_client.client.set(key, body_hash, nx=True, ex=IDEMPOTENCY_S), deadline
        ):
            return False
        earlier_hash = await redis_client.call(redis_client.client.get(key), deadline)
    except RedisUnavailable:
        return False
    if earlier_hash is not None and earlier_hash.decode() != body_hash:
        raise Problem(
            422,
            "id_reused",
            f"transaction_id {transaction.transaction_id} was used for another transaction before",
        )
    return True


async def _list(request: web.Request, decisions: tuple[str, ...] | None) -> web.Response:
    """A page of the transactions with these decisions (None: all) that pass the query's filters."""
    parameters = query_parameters(ListQuery, request)
    if parameters.decision is not None:
        requested = parameters.decision.value
        decisions = (requested,) if decisions is None or requested in decisions else ()
    row_filter = TransactionFilter(
        decisions=decisions,
        min_score=parameters.min_score,
        max_score=parameters.max_score,
        user_id=parameters.user_id,
        country=parameters.country,
        reason=parameters.reason,
        q=parameters.q or None,
        since=parameters.since,
        until=parameters.until,
    )
    limit = parameters.limit
    after = _position(parameters.cursor) if parameters.cursor else None
    # One row more than the page holds, to see whether there is a next page.
    rows = await query(lambda pool: transaction_list.page(pool, row_filter, limit + 1, after))
    shown = rows[:limit]
    next_cursor = _cursor(shown[-1].position) if len(rows) > limit else None
    # The stored messages are JSON already; parsing them again would only cost time.
    body = (
        b'{"items":['
        + b",".join(row.scored.encode() for row in shown)
        + b'],"next_cursor":'
        + orjson.dumps(next_cursor)
        + b"}"
    )
    headers = {}
    if next_cursor:
        headers["Link"] = f'<{request.rel_url.update_query(cursor=next_cursor)}>; rel="next"'
    return answer(body, headers=headers)


def _cursor(position: Position) -> str:
    """The position of a row in the list, as an opaque text for clients."""
    at, *key = position
    return base64.urlsafe_b64encode(orjson.dumps([at.isoformat(), *key])).decode()


def _position(cursor: str) -> Position:
    """The position that a cursor stands for. Raises `Problem` 422 when it is not one of ours."""
    try:
        at, identity, *user = orjson.loads(base64.urlsafe_b64decode(cursor))
        # Without a user: of the version before, in which an id was there once.
        return Position(datetime.fromisoformat(at), str(identity), "".join(user))
    except (ValueError, TypeError) as error:
        raise Problem(422, "validation_failed", "cursor: not one that this API gave") from error


def _address(key: TransactionKey) -> str:
    """Where the decided transaction will be found; an id that is a word of our own routes, in the
    list.
    """
    identity, user = quote(key.transaction_id, safe=""), quote(key.user_id, safe="")
    if key.transaction_id in OWN_WORDS:
        return f"/api/transactions?q={identity}&user_id={user}"
    return f"/api/transactions/{identity}?user_id={user}"


def _prefer_wait(request: web.Request) -> float:
    """Seconds of `Prefer: wait=…` (RFC 7240, section 4.3), at most ten; 0 without it."""
    match = _PREFER_WAIT.search(request.headers.get("Prefer", ""))
    return min(float(match.group(1)), 10.0) if match else 0.0
