"""The files of a RocksDB database: the damage that they show, and how a damaged one is moved aside.

RocksDB notices most damage by its checksums. Three kinds it does not: a MANIFEST that was cut
between two entries, one whose entry has another length (it takes the rest for an entry that was not
written to its end), and a log that is missing. Rows would be missing below the offset up to which
the database says it has them. So what must stay is noted beside the files now and then.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger(__name__)

KEPT = 2
"""Damaged databases that are kept of a partition: enough to look into, and a bound for the disk."""
_NOTE = "fraud-files.json"
"""In the database's own directory. RocksDB leaves files alone whose names it does not know."""
_NOT_DAMAGE = (
    "No space left on device",
    "Disk quota exceeded",
    "Read-only file system",
    "Too many open files",
    "Cannot allocate memory",
    "lock hold by current process",
    "While lock file",
)
"""In RocksDB's messages: the machine's fault, or another process has the database open. A lock that
a dead process left behind is none: the system released it.
"""


class Files(NamedTuple):
    """What must stay: the current MANIFEST, which only grows, and the logs that it builds on."""

    manifest: str
    size: int
    logs: list[str]
    checksum: int | None = None
    """CRC-32 of the MANIFEST's first `size` bytes; None when it was not noted."""


def is_from_rocksdb(error: Exception) -> bool:
    """Whether RocksDB said this: rocksdict raises it as a plain `Exception`."""
    return type(error) is Exception


def is_damage(error: Exception) -> bool:
    """Whether RocksDB says by this that its files are damaged or cannot be read."""
    return is_from_rocksdb(error) and not any(text in str(error) for text in _NOT_DAMAGE)


def visible_damage(database: Path) -> str:
    """The damage that the files show before they are opened; empty when they show none."""
    if not database.exists():
        return ""
    try:
        names = set(os.listdir(database))
        if "CURRENT" not in names:
            has_data = any(
                name.startswith("MANIFEST-") or name.endswith((".sst", ".log")) for name in names
            )
            return "CURRENT is missing" if has_data else ""
        return _changed(database, _noted(database), _files(database))
    except OSError as error:
        return str(error)


def _changed(database: Path, noted: Files | None, found: Files) -> str:
    if noted is None or noted.manifest != found.manifest:
        return ""  # RocksDB begins a new MANIFEST whenever it opens a database
    if found.size < noted.size:
        return f"{noted.manifest} has {found.size} bytes and had {noted.size}"
    if noted.checksum not in (None, _checksum(database, noted)):
        return f"{noted.manifest} has changed within its first {noted.size} bytes"
    missing = sorted(set(noted.logs) - set(found.logs))
    if found.size == noted.size and missing:  # else their rows were written to a table file
        return f"{missing[0]} is missing"
    return ""


def note_files(database: Path) -> None:
    """Note what must stay until the next start. To be called now and then.

    What cannot be noted is not compared: an error here is no damage, and is left alone.
    """
    with suppress(OSError):
        found, noted = _files(database), _noted(database)
        if noted is None or noted[:2] != found[:2]:
            # A log that was just written to a table file may be there still; the next call tells.
            _write(database, found._replace(logs=[], checksum=_checksum(database, found)))
        elif noted.logs != found.logs:
            _write(database, found._replace(checksum=noted.checksum))


def _files(database: Path) -> Files:
    manifest = (database / "CURRENT").read_text(errors="replace").strip()
    file = database / os.path.basename(manifest)
    size = file.stat().st_size if file.is_file() else 0
    return Files(manifest, size, sorted(path.name for path in database.glob("*.log")))


def _checksum(database: Path, files: Files) -> int:
    with (database / files.manifest).open("rb") as file:
        return zlib.crc32(file.read(files.size))


def _noted(database: Path) -> Files | None:
    """None when nothing is noted, or the note itself is damaged."""
    try:
        return Files(**json.loads((database / _NOTE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _write(database: Path, files: Files) -> None:
    new = database / f"{_NOTE}.new"
    new.write_text(json.dumps(files._asdict()))
    new.replace(database / _NOTE)


def move_aside(database: Path, reason: str) -> Path:
    """Rename a damaged database to `<name>.damaged-<time>`, and delete the oldest beyond `KEPT`.

    Raises `OSError` when it cannot be renamed.
    """
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    aside = database.with_name(f"{database.name}.damaged-{stamp}")
    database.rename(aside)
    log.critical(
        "database_damaged",
        extra={"database": str(database), "moved_to": str(aside), "reason": reason},
    )
    for old in moved_aside(database)[:-KEPT]:
        _delete(old)
        log.warning("damaged_database_deleted", extra={"database": str(old)})
    return aside


def moved_aside(database: Path) -> list[Path]:
    """The damaged databases that were moved aside and are kept, oldest first."""
    return sorted(database.parent.glob(f"{database.name}.damaged-*"))


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
