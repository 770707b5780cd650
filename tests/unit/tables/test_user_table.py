"""What a kill leaves of the local database: never the offset without the rows before it."""

import shutil
from types import SimpleNamespace
from typing import Any

import faust
import pytest
import rocksdict
from faust.types import TP

from tables import source_topic
from tables.source_topic import SourceTopic
from tables.user_row import EMPTY, encode
from tables.user_table import _SOURCE_KEY, UserTable, key_of


def databases(table) -> Any:
    """The databases of a table, as Faust keeps them."""
    return table.data


def after_a_kill(table, partition, tmp_path):
    """The database as a process finds it that starts after this one was killed: its files of this
    moment, opened again.
    """
    left = tmp_path / "left"
    shutil.copytree(
        table.data.partition_path(partition), left, ignore=shutil.ignore_patterns("LOCK")
    )
    return rocksdict.Rdict(str(left), rocksdict.Options(raw_mode=True))


def test_the_offset_never_outlives_the_rows_before_it(tmp_path):
    app = faust.App(
        "kill", store="rocksdb://", datadir=str(tmp_path / "data"), broker="kafka://nowhere"
    )
    table = UserTable.register(app, 4)
    rows = {f"u{number}": encode(EMPTY._replace(offset=number)) for number in range(50)}
    table.write(0, rows)
    table.rows_sent({(table.changelog_topic_name, 0): 49, ("transactions.scored", 0): 70})
    table.note_offsets()
    left = after_a_kill(table, 0, tmp_path)
    assert int(left[databases(table).offset_key]) == 49
    assert {user: left.get(key_of(user)) for user in rows} == rows


def test_an_offset_of_a_partition_that_moved_away_is_forgotten(tmp_path):
    app = faust.App(
        "moved", store="rocksdb://", datadir=str(tmp_path / "data"), broker="kafka://nowhere"
    )
    table = UserTable.register(app, 4)
    table.rows_sent({(table.changelog_topic_name, 3): 7})
    table.note_offsets()
    assert not databases(table)._dbs


ROW, NEWER = encode(EMPTY._replace(offset=3)), encode(EMPTY._replace(offset=4))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, ROW),
        (None, None),
        (b"\xff", ROW),
        (b"", b""),
        (b"u:ann", b""),
        (b"u:ann", b"{}"),
        (b"u:ann", b"\x00" * 40),
        (b"u:ann", b'{"user_id": "ann", "amount": 12}'),
        (b"__faust\0offset__", b"7"),
    ],
)
def test_a_strangers_message_on_the_changelog_neither_stops_the_recovery_nor_changes_a_row(
    tmp_path, key, value
):
    app = faust.App(
        "foreign", store="rocksdb://", datadir=str(tmp_path / "data"), broker="kafka://nowhere"
    )
    table = UserTable.register(app, 4)
    tp = TP(table.changelog_topic_name, 1)
    records = [(b"u:ann", ROW), (key, value), (b"u:bob", NEWER), (None, None)]
    table.apply_changelog_batch(
        SimpleNamespace(
            message=SimpleNamespace(tp=tp, partition=1, offset=offset, key=key, value=value)
        )
        for offset, (key, value) in enumerate(records)
    )
    assert dict(table.rows(1)) == {"ann": ROW, "bob": NEWER}
    assert table.persisted_offset(tp) == 3, "the recovery is at the end of the changelog"


def test_a_recovery_keeps_the_life_of_the_topic_that_the_rows_belong_to(tmp_path):
    """Without it, a worker with an empty disk would take every new record for counted."""
    app = faust.App(
        "lives", store="rocksdb://", datadir=str(tmp_path / "data"), broker="kafka://nowhere"
    )
    table = UserTable.register(app, 4)
    first, second = (source_topic.encode(SourceTopic(epoch, b"a" * 16)) for epoch in (1, 2))
    table.write_source(1, first)
    table.apply_changelog_batch(
        SimpleNamespace(
            message=SimpleNamespace(
                tp=TP(table.changelog_topic_name, 1),
                partition=1,
                offset=offset,
                key=_SOURCE_KEY,
                value=value,
            )
        )
        for offset, value in enumerate([first, second, first])
    )
    assert table.read_source(1) == second, "an older copy does not replace it"
