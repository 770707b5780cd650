"""The cache in front of the table: what it keeps, and when it must ask again."""

from tables.row_cache import RowCache
from tables.row_update import add_decision
from tables.user_row import EMPTY, encode
from tests.support.builders import decision, event


class Store:
    def __init__(self):
        self.rows = {}
        self.reads = 0

    def read(self, partition, user_id):
        self.reads += 1
        return self.rows.get((partition, user_id))

    def write(self, partition, rows):
        self.rows.update({(partition, user): row for user, row in rows.items()})


def row(offset):
    return encode(add_decision(EMPTY, event(), decision(), 1, offset, -1))


def test_a_written_row_is_read_from_memory_and_is_in_the_store():
    store = Store()
    cache = RowCache(store)
    cache.write(0, {"u": row(1)})
    assert cache.read(0, "u").offset == 1
    assert store.reads == 0
    assert encode(cache.read(0, "u")) == store.rows[0, "u"]


def test_after_a_new_assignment_rows_are_read_from_the_store_again():
    store = Store()
    cache = RowCache(store)
    cache.write(0, {"u": row(1)})
    store.rows[0, "u"] = row(9)
    assert cache.read(0, "u").offset == 1
    cache.forget(0)
    assert cache.read(0, "u").offset == 9


def test_the_cache_is_bounded_and_loses_no_row():
    store = Store()
    cache = RowCache(store, max_rows=3)
    for number in range(10):
        cache.write(0, {f"u{number}": row(number)})
    assert len(cache._rows) == 3
    assert [cache.read(0, f"u{number}").offset for number in range(10)] == list(range(10))


def test_a_user_who_was_never_seen_has_an_empty_row():
    assert RowCache(Store()).read(0, "nobody") is EMPTY
