"""`python -m fraud_app` does the same as `fraud`."""

from __future__ import annotations

from fraud_app.cli import main

if __name__ == "__main__":
    main()
