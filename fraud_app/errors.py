"""The base of every exception of this project."""

from __future__ import annotations


class FraudError(Exception):
    """The fraud system could not do what it was asked.

    The first sentence of a subclass's docstring is its message, unless it is raised with another.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self._documented())

    @classmethod
    def _documented(cls) -> str:
        paragraph = " ".join((cls.__doc__ or "").strip().partition("\n\n")[0].split())
        return paragraph.partition(". ")[0].rstrip(".")
