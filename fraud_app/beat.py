"""What is true of an application now, for the fleet."""

from __future__ import annotations

import time
from typing import Any

import faust

from fraud_app import __version__, faust_compat
from tables.fleet import Beat

EVERY_S = 2.0
_started = time.time()


def beat_of(app: faust.App, role: str, topic: str, identity: str, **more: Any) -> Beat:
    """The beat of this process's application; `topic`: the one that it reads."""
    return Beat(
        identity, role, time.time(), _started, __version__, sorted(faust_compat.assigned_partitions(app, topic)),
        sum(faust_compat.lag(app, topic).values()), faust_compat.to_recover(app), **more,
    )  # fmt: skip
