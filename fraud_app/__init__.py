"""Real-time payment fraud detection: a Faust stream-table application."""

from __future__ import annotations

import importlib

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`faust -A fraud_app` asks the package for its `app`; the module of that name is imported only
    then.
    """
    if name == "app":
        app = importlib.import_module("fraud_app.app").app
        globals()["app"] = app  # importing the module has put itself there
        return app
    raise AttributeError(name)
