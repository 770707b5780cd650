"""Real-time payment fraud detection: a Faust stream-table application."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`faust -A fraud_app` asks the package for its `app`; the module of that name is imported only then."""
    if name == "app":
        from fraud_app.app import app

        globals()["app"] = app  # importing the module has put itself there
        return app
    raise AttributeError(name)
