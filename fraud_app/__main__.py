"""`python -m fraud_app`, also installed as `fraud`: Faust's own commands on the scoring app, and ours beside them."""

from __future__ import annotations

import asyncio
import sys

import uvloop


def main() -> None:
    """Run a command. `--help` lists them all."""
    # Faust's own --loop comes too late here: importing the app makes the first use of the policy.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    if sys.argv[1:2] == ["sinks"]:
        from fraud_app import sinks

        sinks.run()
        return
    from fraud_app import commands, model_commands  # noqa: F401 - register our commands on Faust's group
    from fraud_app.app import app

    app.main()


if __name__ == "__main__":
    main()
