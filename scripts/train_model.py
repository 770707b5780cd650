#!/usr/bin/env python3
"""Train a model on simulated traffic, or on a file of transactions and labels, and write it to models/<name>/<version>/.

scripts/train_model.py                      simulated history, seed 7, becomes the champion
scripts/train_model.py --data tx.jsonl --labels labels.jsonl --no-promote
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import _environment

_environment.enter()

import numpy as np
import orjson

from fraud_app.contracts import Transaction
from ml import model_card, registry
from ml.event import occurred_ms
from ml.features import CATALOGUE, NAMES
from ml.replay import replay
from ml.simulator import Population, simulate
from ml.training import History, train

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    args = _arguments()
    started = time.monotonic()
    if args.data:
        source = f"{args.data.name}, labels {args.labels.name}"
        labelled = _from_files(args.data, args.labels)
    else:
        source = f"simulator seed {args.seed}, {args.users:,} customers, {args.days} days from {START:%Y-%m-%d}"
        labelled = (
            (Transaction.model_validate(one.transaction), one.is_fraud)
            for one in simulate(Population(args.seed, args.users), START, args.days)
        )
    history = _history(labelled)
    _say(
        f"{len(history.fraud):,} transactions, {history.fraud.mean():.2%} fraud, replayed in {time.monotonic() - started:.0f} s"
    )
    trained = train(history, args.seed)
    plain = train(history, args.seed, smote=False)
    metrics = {**trained.metrics, "test_without_smote": plain.metrics["test"]}
    version = args.version or f"{datetime.now(UTC):%Y.%m.%d}-{int(time.time()) % 86400:05d}"
    registry.write(
        args.models / args.name / version,
        {
            "model.txt": trained.model_text.encode(),
            "features.json": _json({"names": list(NAMES), "catalogue": [feature._asdict() for feature in CATALOGUE]}),
            "calibrator.json": _json({"method": "platt", "slope": trained.slope, "intercept": trained.intercept}),
            "thresholds.json": _json(trained.cutoffs._asdict()),
            "metrics.json": _json(metrics),
            "card.md": model_card.write(args.name, version, source, trained, metrics).encode(),
        },
    )
    if not args.no_promote:
        registry.set_alias(args.models, args.name, registry.CHAMPION, version)
    for part, figures in metrics.items():
        _say(
            f"{part:28} PR-AUC {figures['pr_auc']:.3f}  ROC-AUC {figures['roc_auc']:.3f}  recall flagged {figures['recall_flagged']:.3f}"
            f"  precision blocked {figures['precision_blocked']:.3f}  insult {figures['insult_rate']:.5f}"
            f"  ECE {figures['expected_calibration_error']:.4f}  cost €{figures['cost_eur']:,.0f}"
        )
    _say(f"wrote {args.models / args.name / version} ({trained.rounds} trees) in {time.monotonic() - started:.0f} s")


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def _history(labelled: Iterable[tuple[Transaction, bool]]) -> History:
    truth: list[bool] = []

    def transactions() -> Iterator[tuple[Transaction, int]]:
        for transaction, is_fraud in labelled:
            truth.append(is_fraud)
            yield transaction, occurred_ms(transaction)

    rows, amounts = [], []
    for replayed in replay(transactions()):
        rows.append(np.array(replayed.features, dtype=np.float32))
        amounts.append(replayed.event.amount_cents / 100.0)
    if not any(truth):
        sys.exit("no transaction is labelled as fraud; there is nothing to learn from")
    return History(np.stack(rows), np.array(truth), np.array(amounts))


def _from_files(data: Path, labels: Path) -> Iterator[tuple[Transaction, bool]]:
    fraud = {line["transaction_id"] for line in map(orjson.loads, labels.open("rb")) if line["is_fraud"]}
    transactions = sorted((Transaction.model_validate_json(line) for line in data.open("rb")), key=occurred_ms)
    return ((transaction, transaction.transaction_id in fraud) for transaction in transactions)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="fraud-lgbm")
    parser.add_argument("--version", help="default: today's date and the second of the day")
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--data", type=Path, help="JSON lines of transactions; default: simulated")
    parser.add_argument("--labels", type=Path, help="JSON lines with transaction_id and is_fraud")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--users", type=int, default=150_000)
    parser.add_argument("--days", type=float, default=50)
    parser.add_argument("--no-promote", action="store_true", help="leave the champion as it is")
    args = parser.parse_args()
    if bool(args.data) != bool(args.labels):
        parser.error("--data and --labels go together")
    return args


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
