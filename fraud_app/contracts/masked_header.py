"""The header of a record in `transactions.raw` whose card data was masked before it was written, so
that the decision can still warn of it. Any producer may write the header: it is read with care.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_core import from_json, to_json

from fraud_app.contracts.card_data import KINDS, MAX_FINDINGS, Finding
from fraud_app.contracts.card_text import masked_text
from fraud_app.contracts.message import Headers

NAME = "fraud_masked"
MAX_POINTER = 256
"""Characters of a pointer that are read."""
_PROBLEMS = {kind: problem for problem, kind in KINDS.items()}


def headers_of(findings: Sequence[Finding]) -> Headers:
    """The header that tells of these findings; none when there are none.

    >>> headers_of([Finding("/note", next(iter(KINDS)))])
    [('fraud_masked', b'[["number","/note"]]')]
    """
    told = [(KINDS[finding.problem], finding.pointer) for finding in findings]
    return [(NAME, to_json(told))] if told else []


def findings_of(value: bytes) -> tuple[Finding, ...]:
    """The findings that a header tells of; none when it is not one of ours."""
    try:
        told = from_json(value)
        return tuple(
            Finding(masked_text(pointer[:MAX_POINTER]), _PROBLEMS[kind])
            for kind, pointer in told[:MAX_FINDINGS]
            if pointer.startswith("/")
        )
    except (ValueError, TypeError, AttributeError, KeyError):
        return ()
