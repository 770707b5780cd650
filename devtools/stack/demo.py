"""`scripts/demo`: everything on this machine from one command, stopped cleanly by Ctrl-C or
SIGTERM. It listens on loopback only.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from devtools.stack import ports, smoke
from devtools.stack.process import ServerProcess, StartFailed
from devtools.stack.say import timed_say
from devtools.stack.services import Service, Supervisor, sinks_service, worker_service
from devtools.stack.stack import HOME, Stack
from fraud_app.errors import FraudError
from fraud_app.settings import ROOT

PREFERRED = {"kafka": 19092, "redis": 16379, "postgres": 15432}
"""The usual ports plus 10000, so that servers of the system are not in the way."""
WEB_PORT = 6066  # Faust's own default
STATE = HOME / "demo"
FRAUD_SHARE = 0.02  # more than in a shop, so that there is something to see


class Demo:
    """Servers, workers, sinks and traffic, in the order in which they need each other."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self.say = timed_say()
        self._stack = Stack(args.state, self.say)
        self._services: list[Service] = []
        self._supervisor: Supervisor | None = None
        self._traffic: ServerProcess | None = None

    def start(self) -> None:
        """Start servers, workers and sinks, and wait until the workers are ready.

        Raises `StartFailed`, and `OSError` when no port is free.
        """
        args = self._args
        if args.fresh:
            self._stack.wipe()
            self.say("kept state wiped")
        self._stack.start(None if args.smoke else PREFERRED)
        environment = {**self._stack.environment(), "FRAUD_DEMO": "true"}
        workers = self._create_workers(environment)
        self._services = [*workers, sinks_service(environment, args.state)]
        self._supervisor = Supervisor(self._services, self.say)
        for service in self._services:
            service.start()
        self.say(f"starting {args.workers} worker{'s' * (args.workers > 1)} and the sinks")
        for service in workers:
            service.wait_ready()
        self.say("workers are ready")

    def _create_workers(self, environment: dict[str, str]) -> list[Service]:
        """The workers on free ports, one after the other from the preferred port on."""
        args = self._args
        workers: list[Service] = []
        preferred = ports.any_free() if args.smoke else WEB_PORT
        for number in range(1, args.workers + 1):
            port = ports.next_free(preferred)
            if port != preferred and not args.smoke and number == 1:
                self.say(f"port {preferred} is in use: the dashboard takes {port}")
            workers.append(worker_service(number, environment, args.state, port))
            preferred = port + 1
        return workers

    @property
    def address(self) -> str:
        """The base URL of the first worker, with a slash at the end."""
        return f"http://127.0.0.1:{self._services[0].port}/"

    def run(self) -> None:
        """Send traffic and watch the services, until `interrupt`."""
        if not self._args.no_traffic:
            self._start_traffic()
        self._print_banner()
        assert self._supervisor is not None  # noqa: S101
        self._supervisor.run()

    def _start_traffic(self) -> None:
        args = self._args
        self._traffic = ServerProcess(
            "traffic",
            [
                *(sys.executable, ROOT / "scripts" / "generate_transactions.py", "--live"),
                *("--rate", str(args.rate), "--fraud-share", str(FRAUD_SHARE)),
                *("--http", self.address),
            ],
            args.state / "logs" / "traffic.log",
            env={"PYTHONPATH": str(ROOT)},
        )
        self.say(
            f"sending {args.rate:g} made-up transactions a second"
            f" ({FRAUD_SHARE * 100:g} % fraud, so that there is something to see)"
        )

    def _print_banner(self) -> None:
        """Print where everything is, and a command to send a transaction."""
        address = self.address
        print(
            f"\n    Dashboard  {address}"
            f"\n    API docs   {address}docs"
            f"\n    Logs       {self._args.state / 'logs'}\n",
            flush=True,
        )
        print(
            f"    curl -s -X POST '{address}api/transactions?wait=1000'"
            " -H 'Content-Type: application/json'"
            f' -d "$(curl -s {address}api/samples/fraud)"\n\n'
            "    Ctrl-C stops everything.\n",
            flush=True,
        )

    def smoke(self) -> int:
        """Send some transactions and check that each is everywhere. Returns the exit code."""
        return smoke.check(self.address, self.say)

    def interrupt(self) -> None:
        """Let `run` return. Safe to call in a signal handler."""
        if self._supervisor:
            self._supervisor.end_watch()

    def stop(self) -> None:
        """Stop everything that was started, in reverse order."""
        self.say("stopping")
        if self._traffic:
            self._traffic.stop(5)
        if self._supervisor:
            self._supervisor.stop()
        self._stack.stop()
        self.say("everything is stopped")


class Stopped(FraudError):
    """A signal came while the demo was starting."""


def main() -> None:
    """Run the demo. The exit code is 1 when it could not start or a check failed, and 130 when a
    signal came during the start.
    """
    args = _arguments()
    demo = Demo(args)
    running = threading.Event()

    def on_signal(_: int, __: FrameType | None) -> None:
        if running.is_set():
            demo.interrupt()
        else:
            raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    code = 0
    try:
        demo.start()
        if args.smoke:
            code = demo.smoke()
        else:
            running.set()
            demo.run()
    except Stopped:
        code = 130
    except (StartFailed, OSError) as error:
        print(f"\nThe demo could not start: {error}", file=sys.stderr, flush=True)
        code = 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        demo.stop()
    sys.exit(code)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description=(
            "Kafka, Redis, PostgreSQL, a worker, the dashboard and demo traffic on this machine."
        ),
    )
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier demo kept")
    parser.add_argument("--no-traffic", action="store_true", help="send nothing")
    parser.add_argument(
        "--rate", type=float, default=8.0, help="transactions a second (default: %(default)s)"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        choices=range(1, 5),
        help="scoring workers (default: %(default)s)",
    )
    parser.add_argument(
        "--smoke", action="store_true", help="send 200 transactions, check that all arrived, stop"
    )
    parser.add_argument("--state", type=Path, default=STATE, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.state = args.state.resolve()
    if args.smoke:
        args.fresh, args.state = True, HOME / "smoke"
    return args


if __name__ == "__main__":
    main()
