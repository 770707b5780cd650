"""How the tools tell what they do."""

from __future__ import annotations

import time
from collections.abc import Callable

Say = Callable[[str], None]
"""Prints one line."""


def timed_say() -> Say:
    """Prints each line with the seconds since this call."""
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:6.1f} s] {text}", flush=True)

    return say
