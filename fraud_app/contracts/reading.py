"""Reads a transaction without letting optional data cost its decision.

Only the required fields can make a transaction invalid. Every other field that cannot be used is
left out, as if it had not been sent, and is named in a warning. What can be used is read by
`Transaction` at the first try, so a correct transaction costs nothing extra.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from fraud_app.contracts import currency
from fraud_app.contracts.scored import InputWarning
from fraud_app.contracts.transaction import Transaction

REQUIRED = frozenset({"transaction_id", "user_id", "amount", "currency", "merchant_id"})
"""Without these there is nothing to decide."""
FLOAT_NOISE = Decimal("1e-9")
"""Share of the amount. What floats leave behind is far below it, every real digit far above."""


def place_of(details: ErrorDetails) -> tuple[int | str, ...]:
    """Where an error is. A rule over several fields names its field in the error's context."""
    field = details.get("ctx", {}).get("field")
    return details["loc"] or ((field,) if field else ())


class ReadTransaction(NamedTuple):
    """A transaction and what of it could not be used."""

    transaction: Transaction
    warnings: tuple[InputWarning, ...] = ()


def read_json(data: bytes) -> ReadTransaction:
    """The transaction of a JSON text. Raises `pydantic.ValidationError` naming each wrong required
    field, and for text that is no JSON object.
    """
    try:
        transaction = Transaction.model_validate_json(data)
    except ValidationError as error:
        if not _can_be_read_otherwise(error):
            raise
        return _read_again(from_json(data), error)
    return _without_null_island(transaction)


def read_fields(fields: dict[str, Any]) -> ReadTransaction:
    """The transaction of these fields. Raises `pydantic.ValidationError` as `read_json` does."""
    try:
        transaction = Transaction.model_validate(fields)
    except ValidationError as error:
        if not _can_be_read_otherwise(error):
            raise
        return _read_again(fields, error)
    return _without_null_island(transaction)


def _can_be_read_otherwise(error: ValidationError) -> bool:
    """Whether every error is of a field that may be missing, or of an amount to be rounded."""
    return all(
        details["type"] == currency.TOO_PRECISE
        or (details["loc"] and details["loc"][0] not in REQUIRED)
        for details in error.errors(include_input=False, include_url=False)
    )


def _read_again(fields: dict[str, Any], error: ValidationError) -> ReadTransaction:
    """Read what is left without the wrong fields. An amount can be found too precise only then."""
    remaining: dict[str, Any] = dict(fields)
    warnings: list[InputWarning] = []
    for details in error.errors(include_input=False, include_url=False):
        if details["type"] == currency.TOO_PRECISE:
            warnings.append(_round_amount(remaining, error))
            continue
        path = _leave_out(remaining, details["loc"])
        if path is not None:
            problem = details["msg"].removeprefix("Value error, ")
            warnings.append(InputWarning(field="/" + "/".join(path), problem=problem))
    try:
        transaction, more = _without_null_island(Transaction.model_validate(remaining))
    except ValidationError as again:
        if [details["type"] for details in again.errors()] != [currency.TOO_PRECISE]:
            raise
        warnings.append(_round_amount(remaining, again))
        transaction, more = _without_null_island(Transaction.model_validate(remaining))
    return ReadTransaction(transaction, (*warnings, *more))


def _round_amount(fields: dict[str, Any], error: ValidationError) -> InputWarning:
    """Round an amount that only the noise of a float makes too precise; else raise the error."""
    amount, code = Decimal(str(fields["amount"])), str(fields["currency"]).upper()
    rounded = amount.quantize(Decimal(1).scaleb(-currency.minor_digits(code)))
    if not rounded or abs(rounded - amount) > amount * FLOAT_NOISE:
        raise error
    fields["amount"] = str(rounded)
    return InputWarning(field="/amount", problem=f"rounded to {rounded}")


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


def _without_null_island(transaction: Transaction) -> ReadTransaction:
    """0°, 0° is the sea off Ghana: what software sends that knows no place."""
    if transaction.latitude != 0 or transaction.longitude != 0:
        return ReadTransaction(transaction)
    nowhere = transaction.model_copy(update={"latitude": None, "longitude": None})
    warning = InputWarning(field="/latitude", problem="0, 0 is taken as no place")
    return ReadTransaction(nowhere, (warning,))
