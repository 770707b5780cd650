"""`python -m fraud_app`, also installed as `fraud`: Faust's own commands on the scoring app, and ours beside them."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command. `--help` lists them all."""
    if sys.argv[1:2] == ["sinks"]:
        from fraud_app import sinks

        sinks.run()
        return
    from fraud_app import commands  # noqa: F401 - registers our commands on Faust's group
    from fraud_app.app import app

    if "-L" not in sys.argv and "--loop" not in sys.argv and sys.platform != "win32":
        sys.argv[1:1] = ["-L", "uvloop"]
    app.main()


if __name__ == "__main__":
    main()
