"""What a kill leaves of the local database: never the offset without the rows before it."""

import shutil
from typing import Any

import faust
import rocksdict

from tables.user_row import EMPTY, encode
from tables.user_table import UserTable, key_of


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
