"""`scripts/check api`: schemathesis sends generated requests, valid and invalid ones, to every
operation of `/openapi.json`, to a worker without keys and to one with keys. No answer may be a
server error, or one that the document does not describe.

It starts servers of its own and never touches others.
"""

from __future__ import annotations

import argparse
import hashlib
import secrets
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from devtools.stack import ports
from devtools.stack.services import worker_service
from devtools.stack.test_cluster import Cluster
from fraud_app.settings import ROOT

SCHEMATHESIS = ROOT / ".fraud" / "check-venv" / "bin" / "schemathesis"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
"""Not `negative_data_rejection`: an optional field that cannot be used is taken as missing, with a
warning. Nor `positive_data_acceptance`: card numbers and unknown currencies are refused, and no
schema can say which texts are such. Nor `allow_header_conformance`: `/api/dead-letters/resend` also
allows what `/api/dead-letters/{offset}` does.
"""
START_S = 120.0
MODES = ("off", "keys")


def command(address: str, examples: int, seed: int, key: str, directory: Path) -> list[str]:
    """The command line of schemathesis; with a key also checks that it is asked for."""
    checks = [*CHECKS, "ignored_auth"] if key else list(CHECKS)
    return [
        str(SCHEMATHESIS),
        "run",
        f"{address}openapi.json",
        f"--checks={','.join(checks)}",
        f"--max-examples={examples}",
        f"--seed={seed}",
        "--phases=examples,coverage,fuzzing",
        "--continue-on-failure",
        "--request-timeout=20",
        "--suppress-health-check=all",
        "--generation-database=none",
        "--report=junit",
        f"--report-junit-path={directory / 'api.xml'}",
        *([f"--header=Authorization: Bearer {key}"] if key else []),
    ]


def main() -> None:
    """Start the servers, a worker for each mode, and schemathesis against it."""
    parser = argparse.ArgumentParser(prog="scripts/check api", description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="of each operation")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    parser.add_argument("--mode", choices=MODES, action="append", help="both when not given")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    key = secrets.token_hex(16)
    cluster = Cluster("check-api", 1, print)
    failed = []
    try:
        for mode in arguments.mode or MODES:
            print(f"── authentication {mode}", flush=True)
            with_key = mode == "keys"
            address = guarded(cluster, key) if with_key else cluster.addresses[0]
            wait_for_history(address, key)
            done = subprocess.run(
                command(
                    address,
                    arguments.examples,
                    arguments.seed,
                    key if with_key else "",
                    cluster.stack.directory / "logs",
                ),
                cwd=cluster.stack.directory,  # it keeps what failed in a folder of its own
                check=False,
            )
            if done.returncode:
                failed.append(mode)
    finally:
        cluster.stop()
    if failed:
        sys.exit(f"schemathesis found failures with authentication {' and '.join(failed)}")


def wait_for_history(address: str, key: str) -> None:
    """Wait until the worker reaches the database, which the sinks bring up to date when they start.
    Raises `SystemExit` when it never does.
    """
    request = urllib.request.Request(  # noqa: S310 - an address of our own
        f"{address}api/transactions", headers={"Authorization": f"Bearer {key}"}
    )
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(request, timeout=5):  # noqa: S310
            return
        time.sleep(0.2)
    sys.exit(f"the history of {address} is not there after {START_S:.0f} s")


def guarded(cluster: Cluster, key: str) -> str:
    """The address of one more worker, which asks for this key. It ends with this process."""
    environment = {
        **cluster.environment,
        "FRAUD_AUTH__MODE": "keys",
        "FRAUD_AUTH__KEY_HASHES": f"tester={hashlib.sha256(key.encode()).hexdigest()}",
    }
    worker = worker_service(9, environment, cluster.stack.directory, ports.any_free())
    worker.start()
    worker.wait_ready()
    return f"http://127.0.0.1:{worker.port}/"


if __name__ == "__main__":
    main()
