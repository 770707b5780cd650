"""Damage of any file of a database: it is moved aside, and no row is ever missing or old below the
offset from which Faust reads the changelog again.
"""

import os
import random
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import faust
import pytest
from faust.types import TP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fraud_app.kafka import crash, database_files
from fraud_app.kafka.table_store import memory_options
from fraud_app.settings import ROOT
from tables.user_row import EMPTY, encode
from tables.user_table import UserTable

PARTITIONS, USERS = 4, 400
CHANGELOG = TP("damage-user_rows-changelog", 0)
DATABASE = Path("v1/tables/user_rows-0.db")
KILLED_WORKER = """
import os, sys
from tests.unit.kafka.test_table_store import USERS, row, table_in, wait_until_written
table = table_in(sys.argv[1])
for number in range(USERS):
    table.write(0, {f"u{number}": row(number)})
    table.rows_sent({(table.changelog_topic_name, 0): number})
    if number % 3 == 0:
        table.note_offsets()
table.note_offsets()
wait_until_written(table, 0)
table.databases.note_files()
table.databases.note_files()
os._exit(1)
"""


@pytest.mark.parametrize(("partitions", "mib"), [(1, 96), (4, 96), (12, 96), (64, 192)])
def test_the_memory_of_all_databases_is_bounded_together(partitions, mib):
    options = memory_options(partitions)
    memtables = options["write_buffer_size"] * options["max_write_buffer_number"]
    assert (options["block_cache_size"] + memtables) * partitions <= mib << 20


class EndedError(Exception):
    """The process would have ended."""


@cache
def row(number):
    """A row that compresses badly, so that a few hundred fill several files."""
    seen = random.Random(number).randbytes(700).hex()
    return encode(EMPTY._replace(offset=number)) + seen.encode()


def table_in(directory):
    app = faust.App("damage", store="rocksdb://", datadir=str(directory), broker="kafka://nowhere")
    table = UserTable.register(app, PARTITIONS)
    table.options = memory_options(PARTITIONS) | {"write_buffer_size": 1 << 16}
    return table


def wait_until_written(table, partition):
    """Wait until RocksDB has moved its rows between files and deleted those that it needs no more,
    so that each file that is left matters.
    """
    database = table.databases._dbs[partition]
    directory = table.databases.partition_path(partition)
    busy = (
        "mem-table-flush-pending",
        "num-running-flushes",
        "compaction-pending",
        "num-running-compactions",
    )
    while True:
        needed = {Path(file["name"]).name for file in database.live_files()}
        if needed == {file.name for file in directory.glob("*.sst")} and not any(
            database.property_int_value(f"rocksdb.{what}") for what in busy
        ):
            return


@pytest.fixture(scope="module")
def left_by_a_kill(tmp_path_factory):
    """What a killed worker leaves: table files, a MANIFEST with many entries, a log."""
    directory = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-c", KILLED_WORKER, str(directory)]
    subprocess.run(command, cwd=ROOT, check=False, timeout=60)
    assert list((directory / DATABASE).glob("*.sst"))
    return directory


@pytest.fixture
def killed(left_by_a_kill, tmp_path, monkeypatch):
    """A copy of it, in a process that cannot end."""
    monkeypatch.setattr(crash, "end_process", end)
    return shutil.copytree(left_by_a_kill, tmp_path / "data")


def end(reason, error=None):
    raise EndedError(reason) from error


def moved_aside(directory):
    return database_files.moved_aside(directory / DATABASE)


def rows_below_the_offset(directory):
    """Open the table as a start does and read it; the offset that Faust would go on from.

    A process that ends on the way is started again.
    """
    for _ in range(2):
        table = table_in(directory)
        try:
            offset = table.persisted_offset(CHANGELOG)
            for number in range(-1 if offset is None else offset + 1):
                assert table.read(0, f"u{number}") == row(number), (number, offset)
            found = dict(table.rows(0))
            assert set(found) >= {f"u{number}" for number in range((offset or -1) + 1)}
        except EndedError:
            continue
        finally:
            close(table)
        return offset
    raise AssertionError("the database was damaged again after it was made anew")


def close(table):
    """What the end of a process does."""
    for database in table.databases._dbs.values():
        database.close()


def the(pattern):
    return lambda database: sorted(database.glob(pattern))[-1]


def flip(position):
    def damage(file):
        content = bytearray(file.read_bytes())
        start = int(position * max(len(content) - 8, 0))
        content[start : start + 8] = bytes(byte ^ 0xFF for byte in content[start : start + 8])
        file.write_bytes(content)

    return damage


def cut(size):
    return lambda file: os.truncate(file, max(0, file.stat().st_size - size))


def lengthen_entry(position):
    """Another length of one entry: RocksDB takes the rest for one that was not written whole."""

    def damage(file):
        content, start, starts = bytearray(file.read_bytes()), 0, []
        while start < len(content):
            starts.append(start)
            start += 7 + int.from_bytes(content[start + 4 : start + 6], "little")
        content[starts[int(position * len(starts))] + 5] ^= 0xFF
        file.write_bytes(content)

    return damage


def replace_by_a_directory(file):
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        (the("MANIFEST-*"), flip(0.0)),
        (the("MANIFEST-*"), flip(0.6)),
        *((the("MANIFEST-*"), lengthen_entry(tenth / 10)) for tenth in range(10)),
        (the("MANIFEST-*"), Path.unlink),
        (the("MANIFEST-*"), cut(1)),
        (the("MANIFEST-*"), cut(150)),
        (the("*.sst"), flip(0.0)),
        (the("*.sst"), flip(0.5)),
        (the("*.sst"), flip(0.99)),
        (the("*.sst"), cut(1)),
        (the("*.sst"), Path.unlink),
        (the("*.log"), Path.unlink),
        (the("CURRENT"), Path.unlink),
        (the("CURRENT"), cut(1)),
        (the("CURRENT"), lambda file: file.write_text("MANIFEST-999999\n")),
        (the("CURRENT"), replace_by_a_directory),
        (the("LOCK"), replace_by_a_directory),
    ],
)
def test_a_damaged_database_is_moved_aside_and_read_from_the_changelog_again(killed, file, damage):
    damage(file(killed / DATABASE))
    assert rows_below_the_offset(killed) is None
    assert len(moved_aside(killed)) == 1


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        (the("*.log"), cut(100)),
        (the("*.log"), flip(0.9)),
        (the("OPTIONS-*"), flip(0.5)),
        (the("OPTIONS-*"), Path.unlink),
        (the("IDENTITY"), Path.unlink),
        (the("LOCK"), lambda file: file.write_text("held by 4711, who is dead")),
        (the("rocksdict-config.json"), flip(0.5)),
        (the("fraud-files.json"), flip(0.5)),
    ],
)
def test_what_only_costs_the_latest_writes_is_no_damage(killed, file, damage):
    damage(file(killed / DATABASE))
    assert rows_below_the_offset(killed) is not None
    assert moved_aside(killed) == []


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    name=st.integers(0, 99),
    damage=st.one_of(
        st.floats(0, 1).map(flip), st.integers(1, 5000).map(cut), st.just(Path.unlink)
    ),
)
def test_no_damage_of_any_file_leaves_a_hole(left_by_a_kill, killed, name, damage):
    shutil.rmtree(killed)
    shutil.copytree(left_by_a_kill, killed)
    files = sorted(file for file in (killed / DATABASE).iterdir())
    damage(files[name % len(files)])
    rows_below_the_offset(killed)


def test_an_emptied_directory_is_read_from_the_changelog_again(killed):
    for file in (killed / DATABASE).iterdir():
        file.unlink()
    assert rows_below_the_offset(killed) is None


def test_a_file_in_the_place_of_a_database_is_moved_aside(killed):
    shutil.rmtree(killed / DATABASE)
    (killed / DATABASE).write_text("not a directory")
    assert rows_below_the_offset(killed) is None
    assert len(moved_aside(killed)) == 1


def test_a_database_that_another_process_has_open_is_left_where_it_is(killed):
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, rocksdict; open_one = rocksdict.Rdict(sys.argv[1],"
            " rocksdict.Options(raw_mode=True)); print('open', flush=True); sys.stdin.read()",
            str(killed / DATABASE),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(Exception, match=r"lock"):
            table_in(killed).persisted_offset(CHANGELOG)
    finally:
        holder.communicate()
    assert moved_aside(killed) == []
    assert rows_below_the_offset(killed) == USERS - 1


def rebuilding_after_a_start(directory):
    table = table_in(directory)
    assert table.persisted_offset(CHANGELOG) is None
    return table.rebuilding


def test_the_partitions_that_are_being_rebuilt_are_named_until_they_are(killed):
    the("CURRENT")(killed / DATABASE).unlink()
    assert rebuilding_after_a_start(killed) == [0]


def test_a_rebuild_is_named_as_such_after_the_process_ended(killed):
    flip(0.5)(the("*.sst")(killed / DATABASE))
    table = table_in(killed)
    with pytest.raises(EndedError):
        list(table.rows(0))
    close(table)
    assert rebuilding_after_a_start(killed) == [0]
