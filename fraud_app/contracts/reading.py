"""Reads a transaction without letting optional data cost its decision.

Only the required fields can make a transaction invalid. Every other field that cannot be used is
left out, as if it had not been sent, and is named in a warning. What can be used is read by
`Transaction` at the first try, so a correct transaction costs nothing extra.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json

from fraud_app.contracts.scored import InputWarning
from fraud_app.contracts.transaction import Transaction

REQUIRED = frozenset({"transaction_id", "user_id", "amount", "currency", "merchant_id"})
"""Without these there is nothing to decide."""


class ReadTransaction(NamedTuple):
    """A transaction and what of it could not be used."""

    transaction: Transaction
    warnings: tuple[InputWarning, ...] = ()


def read_json(data: bytes) -> ReadTransaction:
    """The transaction of a JSON text. Raises `pydantic.ValidationError` naming each wrong required
    field, and for text that is no JSON object.
    """
    try:
        return ReadTransaction(Transaction.model_validate_json(data))
    except ValidationError as error:
        if not _is_readable_without(error):
            raise
        return _read_again(from_json(data), error)


def read_fields(fields: dict[str, Any]) -> ReadTransaction:
    """The transaction of these fields. Raises `pydantic.ValidationError` as `read_json` does."""
    try:
        return ReadTransaction(Transaction.model_validate(fields))
    except ValidationError as error:
        if not _is_readable_without(error):
            raise
        return _read_again(fields, error)


def _is_readable_without(error: ValidationError) -> bool:
    """Whether every error is of a field that may be missing."""
    places = [details["loc"] for details in error.errors(include_input=False, include_url=False)]
    return all(place and place[0] not in REQUIRED for place in places)


def _read_again(fields: dict[str, Any], error: ValidationError) -> ReadTransaction:
    remaining: dict[str, Any] = dict(fields)
    warnings: list[InputWarning] = []
    for details in error.errors(include_input=False, include_url=False):
        path = _leave_out(remaining, details["loc"])
        if path is not None:
            problem = details["msg"].removeprefix("Value error, ")
            warnings.append(InputWarning(field="/" + "/".join(path), problem=problem))
    return ReadTransaction(Transaction.model_validate(remaining), tuple(warnings))


def _leave_out(fields: dict[str, Any], place: tuple[int | str, ...]) -> list[str] | None:
    """Remove what the error is about; its path, or None when it was null, which is absence.

    Nested objects are copied before they are changed: they belong to the caller.
    """
    parent, path = fields, [str(place[0])]
    for name in place[1:]:
        child = parent[path[-1]]
        if not isinstance(child, dict) or name not in child:
            break
        parent[path[-1]] = dict(child)
        parent = parent[path[-1]]
        path.append(str(name))
    return path if parent.pop(path[-1], None) is not None else None
