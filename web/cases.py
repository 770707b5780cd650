"""One decided transaction with all that is known of it, and one customer: what an analyst needs on one screen."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from fraud_app.app import model
from fraud_app.contracts.scored import DECISIONS
from fraud_app.decisions import explanations
from fraud_app.postgres import customers, labels, related, review_queue, transactions, verdicts
from ml.profile.layout import ProfileView, view
from ml.profile.windows import WINDOWS
from web.analyst_models import (
    Behaviour,
    Customer,
    Used,
    WindowUse,
)
from web.asking import ask
from web.body import answer
from web.problem import Problem
from web.score import rows_of


async def case(request: web.Request) -> web.Response:
    """A decided transaction, why, what was said of it, and what it is related to."""
    identity = request.match_info["transaction_id"]
    stored = await ask(lambda connected: transactions.get(connected, identity))
    if stored is None:
        raise Problem(404, "not_found", f"no transaction {identity[:128]} is stored; it may still be on its way")
    scored = orjson.loads(stored.scored)
    shared = {
        "user_id": scored["user_id"], "device_id": scored["device_id"], "ip": scored["ip"], "card": scored["payment_method"]["fingerprint"],
    }  # fmt: skip
    item, said, known, others = await asyncio.gather(
        ask(lambda connected: review_queue.item(connected, identity)),
        ask(lambda connected: verdicts.for_transaction(connected, identity)),
        ask(lambda connected: labels.for_transaction(connected, identity)),
        ask(lambda connected: related.related_to(connected, identity, shared)),
    )
    return answer(
        {
            "analyst": request["analyst"],
            "transaction": {name: value for name, value in scored.items() if name != "features"},
            "stored_at": stored.stored_at,
            "explanation": explanations.explain_features(scored, model.scorer),
            "queue": dict(item) if item else None,
            "verdicts": [dict(one) for one in said],
            "labels": [dict(one) for one in known],
            "related": [_related(by, shared[by], rows) for by, rows in others.items()],
        }
    )


async def customer(request: web.Request) -> web.Response:
    """A customer: what they use, what they do now against their usual, and what was decided."""
    user = request.match_info["user_id"]
    counted, fraud, used = await asyncio.gather(
        ask(lambda connected: customers.totals(connected, user)),
        ask(lambda connected: customers.fraud_count(connected, user)),
        ask(lambda connected: customers.entities(connected, user)),
    )
    rows, mirrored = await rows_of([user])
    memory = view(rows[user].profile)
    if not counted["payments"] and not memory.payments:
        raise Problem(404, "not_found", f"no payment of customer {user[:128]} is known")
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    found = Customer(
        user_id=user,
        payments=counted["payments"],
        decisions={decision.value: counted[decision] for decision in DECISIONS},
        fraud=fraud,
        first_at=counted["first_at"],
        last_at=counted["last_at"],
        behaviour=profile_of(memory, now_ms) if memory.payments else None,
        behaviour_away=not mirrored,
        used={name: [Used(**one) for one in things] for name, things in used.items()},
    )
    return answer(found.model_dump(mode="json"))


def _related(by: str, value: str | None, rows: list[Any]) -> dict[str, Any]:
    briefs = [{**row, "amount": format(row["amount"], "f")} for row in rows]
    found = briefs[0]["found"] if briefs else 0
    return {
        "by": by,
        "value": value,
        "found": found,
        "items": [{k: v for k, v in one.items() if k != "found"} for one in briefs],
    }


def profile_of(memory: ProfileView, now_ms: int) -> Behaviour:
    """A memory in words and figures. The usual of a window is the last seven days' figure over the number of such windows since the
    first payment, so that a new customer is not told to be lively.
    """
    week = WINDOWS[-1]
    payments, cents = memory.in_window(len(WINDOWS) - 1, now_ms)
    lived_ms = min(week.span_ms, max(now_ms - memory.first_ms, 1))
    windows = []
    for number, window in enumerate(WINDOWS):
        count, spent = memory.in_window(number, now_ms)
        parts = max(1.0, lived_ms / window.span_ms)
        windows.append(
            WindowUse(
                window=window.name, payments=count, usual_payments=payments / parts, amount_eur=spent / 100,
                usual_amount_eur=cents / 100 / parts,
            )
        )  # fmt: skip
    return Behaviour(
        payments=memory.payments, first_at=_moment(memory.first_ms), last_at=_moment(memory.last_ms),
        largest_eur=memory.amount_max_cents / 100, windows=windows, hours=list(memory.hours),
    )  # fmt: skip


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
