"""One customer over HTTP: the devices, cards and countries they use, their current activity
compared with their usual one, and their decisions. This module only reads.
"""

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
    totals, fraud, used = await asyncio.gather(
        query(lambda pool: customers.totals(pool, user)),
        query(lambda pool: customers.fraud_count(pool, user)),
        query(lambda pool: customers.entities(pool, user)),
    )
    rows, mirrored = await rows_of([user])
    profile = view(rows[user].profile)
    if not totals["payments"] and not profile.payments:
        raise Problem(404, "not_found", f"no payment of customer {user[:128]} is known")
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    report = Customer(
        user_id=user,
        payments=totals["payments"],
        decisions={decision.value: totals[decision] for decision in DECISIONS},
        fraud=fraud,
        first_at=totals["first_at"],
        last_at=totals["last_at"],
        behaviour=activity_of(profile, now_ms) if profile.payments else None,
        behaviour_away=not mirrored,
        used={name: [Used(**row) for row in entities] for name, entities in used.items()},
    )
    return answer(report.model_dump(mode="json"))


def activity_of(profile: ProfileView, now_ms: int) -> Behaviour:
    """The activity in each window, and the usual one. The usual activity is that of the last seven
    days divided by the number of such windows in them. Only the time since the first transaction
    counts, so that a new customer does not seem unusually active.
    """
    week = WINDOWS[-1]
    week_count, week_cents = profile.in_window(len(WINDOWS) - 1, now_ms)
    observed_ms = min(week.span_ms, max(now_ms - profile.first_ms, 1))
    windows = []
    for index, window in enumerate(WINDOWS):
        count, cents = profile.in_window(index, now_ms)
        windows_observed = max(1.0, observed_ms / window.span_ms)
        windows.append(
            WindowUse(
                window=window.name,
                payments=count,
                usual_payments=week_count / windows_observed,
                amount_eur=cents / 100,
                usual_amount_eur=week_cents / 100 / windows_observed,
            )
        )
    return Behaviour(
        payments=profile.payments,
        first_at=_moment(profile.first_ms),
        last_at=_moment(profile.last_ms),
        largest_eur=profile.amount_max_cents / 100,
        windows=windows,
        hours=list(profile.hours),
    )


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
