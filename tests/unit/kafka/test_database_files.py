"""What the files of a database show before it is opened, and how many damaged ones are kept."""

import pytest

from fraud_app.kafka import database_files
from fraud_app.kafka.database_files import KEPT, is_damage, move_aside, moved_aside, visible_damage


@pytest.fixture
def database(tmp_path):
    directory = tmp_path / "rows-0.db"
    directory.mkdir()
    (directory / "CURRENT").write_text("MANIFEST-000005\n")
    (directory / "MANIFEST-000005").write_bytes(b"x" * 100)
    (directory / "000007.log").write_bytes(b"first")
    (directory / "000009.log").write_bytes(b"second")
    for _ in range(2):
        database_files.note_files(directory)
    return directory


def test_a_database_as_it_was_noted_shows_no_damage(database):
    assert visible_damage(database) == ""


def test_a_shorter_manifest_is_damage(database):
    (database / "MANIFEST-000005").write_bytes(b"x" * 99)
    assert visible_damage(database) == "MANIFEST-000005 has 99 bytes and had 100"


def test_a_log_that_is_missing_is_damage(database):
    (database / "000007.log").unlink()
    assert visible_damage(database) == "000007.log is missing"


def test_a_log_whose_rows_were_written_to_a_table_file_may_be_missing(database):
    (database / "000007.log").unlink()
    (database / "MANIFEST-000005").write_bytes(b"x" * 130)
    assert visible_damage(database) == ""


def test_a_log_counts_only_when_it_outlives_the_entry_that_may_have_ended_it(database):
    (database / "MANIFEST-000005").write_bytes(b"x" * 130)
    database_files.note_files(database)
    (database / "000007.log").unlink()
    assert visible_damage(database) == ""
    database_files.note_files(database)
    (database / "000009.log").unlink()
    assert visible_damage(database) == "000009.log is missing"


def test_another_manifest_is_not_compared(database):
    (database / "MANIFEST-000011").write_bytes(b"x")
    (database / "CURRENT").write_text("MANIFEST-000011\n")
    assert visible_damage(database) == ""


@pytest.mark.parametrize(
    "note", ["", "[]", "{}", '{"manifest": "MANIFEST-000005"}', "\0", '{"manifest": "x"']
)
def test_a_damaged_note_costs_only_the_comparison(database, note):
    (database / "fraud-files.json").write_text(note)
    assert visible_damage(database) == ""


def test_files_without_current_are_damage_and_an_empty_directory_is_none(database, tmp_path):
    (database / "CURRENT").unlink()
    assert visible_damage(database) == "CURRENT is missing"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert visible_damage(empty) == ""
    assert visible_damage(tmp_path / "none") == ""


def test_what_cannot_be_noted_raises_nothing(tmp_path):
    database_files.note_files(tmp_path / "none")


def test_the_latest_damaged_databases_are_kept_under_the_name_of_theirs(tmp_path):
    database = tmp_path / "rows-0.db"
    other = tmp_path / "rows-1.db"
    other.mkdir()
    kept_of_other = move_aside(other, "test")
    moved = []
    for number in range(KEPT + 2):
        database.mkdir()
        (database / "number").write_text(str(number))
        moved.append(move_aside(database, "test"))
    assert moved_aside(database) == moved[-KEPT:]
    assert [(path / "number").read_text() for path in moved[-KEPT:]] == ["2", "3"]
    assert moved_aside(other) == [kept_of_other]
    assert not database.exists()


@pytest.mark.parametrize(
    "message",
    [
        "Corruption: block checksum mismatch: stored(context removed) = 1, computed = 2",
        "Corruption: CURRENT file does not end with newline",
        "IO error: No such file or directory: While opening a file for sequentially reading: x",
        "IO error: While pread offset 0 len 9: /d/000009.sst: Input/output error",
        "IO error: While opening a file for sequentially reading: /d/CURRENT: Permission denied",
        "File exists (os error 17)",
    ],
)
def test_rocksdb_speaks_of_damage(message):
    assert is_damage(Exception(message))


@pytest.mark.parametrize(
    "error",
    [
        Exception("IO error: No space left on device: While appending to file: /d/000009.log"),
        Exception("IO error: While lock file: /d/LOCK: Resource temporarily unavailable"),
        Exception("IO error: lock hold by current process, acquire time 1: No locks available"),
        Exception("IO error: While open a file for appending: x: Too many open files"),
        MemoryError("Corruption"),
        KeyError("u:1"),
    ],
)
def test_a_fault_of_the_machine_or_a_database_in_use_is_no_damage(error):
    assert not is_damage(error)
