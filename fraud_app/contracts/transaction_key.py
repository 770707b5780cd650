"""What names a transaction. The id alone may not: it is the shop's own, and two customers may have
one with the same id.
"""

from __future__ import annotations

from typing import NamedTuple


class TransactionKey(NamedTuple):
    """The customer of a transaction and its id."""

    user_id: str
    transaction_id: str

    @property
    def text(self) -> str:
        """Both ids in one text, for the keys of Redis and Kafka. No two keys have the same: an id
        contains no line end.

        >>> TransactionKey("u_42", "order-1001").text
        'u_42\\norder-1001'
        """
        return f"{self.user_id}\n{self.transaction_id}"
