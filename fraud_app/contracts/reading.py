"""Reads a transaction without letting optional data cost its decision.

Only the required fields can make a transaction invalid. Every other field that cannot be used is
left out, as if it had not been sent, and is named in a warning. So is card data, which is masked
wherever it stands. What can be used is read by `Transaction` at the first try, so a correct
transaction costs nothing extra.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from fraud_app.contracts import card_data, currency
from fraud_app.contracts.card_data import MAX_DEPTH
from fraud_app.contracts.scored import InputWarning
from fraud_app.contracts.transaction import MAX_METADATA, Transaction

FIELDS = frozenset(Transaction.model_fields)
REQUIRED = frozenset({"transaction_id", "user_id", "amount", "currency", "merchant_id"})
"""Without these there is nothing to decide."""
FLOAT_NOISE = Decimal("1e-9")
"""Share of the amount. What floats leave behind is far below it, every real digit far above."""
NO_RATE = "no rate to the euro is known: the amount is not compared with other amounts"
MAX_TRIES = 4
"""One error can hide another: bounds hide fields, fields hide the amount's digits."""


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
        if _details(error)[0]["type"] == "json_invalid":
            raise
        fields = from_json(data)
        if not isinstance(fields, dict):
            raise
        return _read_again(fields, error)
    return _with_remarks(transaction)


def _read_again(fields: dict[str, Any], error: ValidationError) -> ReadTransaction:
    """Read what is left without card data and what cannot be used."""
    fields, findings = card_data.masked_fields(fields)
    warnings = [*map(warning_of, findings), *_keep_within_bounds(fields)]
    if not warnings:
        warnings = _mend(fields, error)
    for _ in range(MAX_TRIES):
        try:
            transaction = Transaction.model_validate_json(to_json(fields))
        except ValidationError as again:
            error = again
            warnings += _mend(fields, error)
        else:
            return _with_remarks(transaction, warnings)
    raise error


def warning_of(finding: card_data.Finding) -> InputWarning:
    """How a transaction tells where card data was."""
    return InputWarning(field=finding.pointer, problem=finding.problem)


def _mend(fields: dict[str, Any], error: ValidationError) -> list[InputWarning]:
    """Leave out the optional fields that the error is about, or round the amount. Raises the error
    when a required field is wrong.
    """
    details = _details(error)
    if details[0]["type"] == currency.TOO_PRECISE:
        return [_round_amount(fields, details[0]["ctx"]["code"], error)]
    if any(not one["loc"] or one["loc"][0] in REQUIRED for one in details):
        raise error
    return [warning for one in details for warning in _leave_out(fields, one)]


def _leave_out(fields: dict[str, Any], details: ErrorDetails) -> list[InputWarning]:
    """Remove what the error is about. There is no warning when it was null, which is absence."""
    parent, path = fields, [str(details["loc"][0])]
    for name in details["loc"][1:]:
        child = parent[path[-1]]
        if not isinstance(child, dict) or name not in child:
            break
        parent = child
        path.append(str(name))
    if parent.pop(path[-1], None) is None:
        return []
    problem = details["msg"].removeprefix("Value error, ")
    return [InputWarning(field="/" + "/".join(path), problem=problem)]


def _round_amount(fields: dict[str, Any], code: str, error: ValidationError) -> InputWarning:
    """Round an amount that only the noise of a float makes too precise; else raise the error."""
    amount = Decimal(str(fields["amount"]))
    rounded = currency.rounded(amount, code)
    if not rounded or abs(rounded - amount) > amount * FLOAT_NOISE:
        raise error
    fields["amount"] = str(rounded)
    return InputWarning(field="/amount", problem=f"rounded to {rounded}")


def _keep_within_bounds(fields: dict[str, Any]) -> list[InputWarning]:
    """Leave out what is nested too deep, and the entries of the metadata that are too many."""
    metadata = fields.get("metadata")
    entries = metadata if isinstance(metadata, dict) else {}
    deep = {name for name in fields.keys() - {"metadata"} if not _fits(fields[name], MAX_DEPTH)}
    deep_entries = {name for name in entries if not _fits(entries[name], MAX_DEPTH - 1)}
    names = dict.fromkeys([*sorted(fields.keys() - FIELDS - deep), *entries])
    too_many = [name for name in names if name not in deep_entries][MAX_METADATA:]
    for name in (*deep, *too_many):
        fields.pop(name, None)
    for name in (*deep_entries, *too_many):
        entries.pop(name, None)
    too_deep = f"what is nested deeper than {MAX_DEPTH} levels is left out"
    warnings = [InputWarning(field=f"/{name}", problem=too_deep) for name in sorted(deep & FIELDS)]
    if deep_entries or deep - FIELDS:
        warnings.append(InputWarning(field="/metadata", problem=too_deep))
    if too_many:
        problem = f"{len(too_many)} entries are left out; at most {MAX_METADATA} are kept"
        warnings.append(InputWarning(field="/metadata", problem=problem))
    return warnings


def _fits(value: Any, levels: int) -> bool:
    """Whether the value has at most so many levels of objects and arrays."""
    if isinstance(value, dict):
        return levels > 0 and all(_fits(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels > 0 and all(_fits(item, levels - 1) for item in value)
    return True


def _with_remarks(
    transaction: Transaction, warnings: Sequence[InputWarning] = ()
) -> ReadTransaction:
    """The transaction without values that mean nothing, and what there is to say about it."""
    changed: dict[str, Any] = {}
    remarks: list[InputWarning] = []
    if transaction.latitude == 0 and transaction.longitude == 0:
        # The sea off Ghana: what software sends that knows no place.
        changed |= {"latitude": None, "longitude": None}
        remarks.append(InputWarning(field="/latitude", problem="0, 0 is taken as no place"))
    if not currency.has_euro_rate(transaction.currency):
        remarks.append(InputWarning(field="/currency", problem=NO_RATE))
    if transaction.metadata and not _is_finite(transaction.metadata):
        changed["metadata"] = _with_text_for_infinite(transaction.metadata)
    method = transaction.payment_method
    if method.model_extra and not _is_finite(method.model_extra):
        extra = _with_text_for_infinite(method.model_extra)
        changed["payment_method"] = method.model_copy(update=extra)
    if changed:
        transaction = transaction.model_copy(update=changed)
    return ReadTransaction(transaction, (*warnings, *remarks))


def _is_finite(value: Any) -> bool:
    """Whether no number in the value is NaN or infinite, which JSON cannot express."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return not isinstance(value, list) or all(map(_is_finite, value))


def _with_text_for_infinite(value: dict[str, Any]) -> dict[str, Any]:
    """The value with "NaN" and "Infinity" as texts: so nothing is lost."""
    result: dict[str, Any] = from_json(to_json(value, inf_nan_mode="strings"))
    return result


def _details(error: ValidationError) -> list[ErrorDetails]:
    """What is wrong, without the values: they may be data that must not be kept."""
    return error.errors(include_input=False, include_url=False)
