"""One customer: what they use, what they do now against their usual, and what was decided."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from aiohttp import web

from fraud_app.contracts.scored import DECISIONS
from fraud_app.postgres import customers
from ml.profile.layout import ProfileView, view
from ml.profile.windows import WINDOWS
from web.api.query import query
from web.api.rows import rows_of
from web.http.body import answer
from web.http.problem import Problem
from web.schemas.users import Behaviour, Customer, Used, WindowUse


async def customer(request: web.Request) -> web.Response:
    """A customer: what they use, what they do now against their usual, and what was decided."""
    user = request.match_info["user_id"]
    counted, fraud, used = await asyncio.gather(
        query(lambda connected: customers.totals(connected, user)),
        query(lambda connected: customers.fraud_count(connected, user)),
        query(lambda connected: customers.entities(connected, user)),
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


def profile_of(memory: ProfileView, now_ms: int) -> Behaviour:
    """A memory in words and figures. The usual of a window is the last seven days' figure over the
    number of such windows since the first payment, so that a new customer is not told to be lively.
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
                window=window.name,
                payments=count,
                usual_payments=payments / parts,
                amount_eur=spent / 100,
                usual_amount_eur=cents / 100 / parts,
            )
        )
    return Behaviour(
        payments=memory.payments,
        first_at=_moment(memory.first_ms),
        last_at=_moment(memory.last_ms),
        largest_eur=memory.amount_max_cents / 100,
        windows=windows,
        hours=list(memory.hours),
    )


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
