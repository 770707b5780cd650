"""Real-time fraud detection for online transactions: a Faust stream-table application. Importing
this package must not import the application.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`faust -A fraud_app` asks the package for `app`. Only then is the module of that name
    imported. Raises `AttributeError` for every other name.
    """
    if name == "app":
        app = importlib.import_module("fraud_app.app").app
        globals()["app"] = app  # the import has set this name to the module
        return app
    raise AttributeError(name)
