"""The one base of our own exceptions."""

from __future__ import annotations


class FraudError(Exception):
    """Something went wrong in the fraud system."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").partition("\n")[0])
