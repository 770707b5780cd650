#!/usr/bin/env python3
"""Train a model and write it to models/<name>/<version>/ with its card, its figures and a report
that opens by itself.

scripts/train_model.py                      simulated history, seed 7, becomes the champion
scripts/train_model.py --data tx.jsonl --labels labels.jsonl --alias challenger
scripts/train_model.py --from-database      what the running system decided, with the labels that
came since
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import _environment

_environment.enter()

import numpy as np
import orjson

from fraud_app.contracts.transaction import Transaction
from fraud_app.postgres import training_history
from fraud_app.postgres.connection import connect
from fraud_app.settings import settings
from ml.features import CATALOGUE, NAMES
from ml.profile.event import occurred_ms
from ml.serving import registry
from ml.serving.drift import SCORE, bins_of
from ml.simulator import Population, simulate
from ml.training import comparison, evaluation, model_card, report, tuning
from ml.training.replay import replay
from ml.training.sampling import SAMPLERS
from ml.training.train import TrainedModel, TrainingHistory, reported_before, split_by_time, train

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2026, 1, 1, tzinfo=UTC)
EXPLAINED = 5_000


class Labelled(NamedTuple):
    transaction: Transaction
    is_fraud: bool
    reported_ms: float
    scenario: str


def main() -> None:
    args = _arguments()
    started = time.monotonic()
    source, history = _history(args)
    if not history.known.any():
        sys.exit("no transaction is labelled as fraud; there is nothing to learn from")
    _say(
        f"{len(history.fraud):,} transactions, {history.fraud.mean():.2%} fraud, {history.known.sum() / history.fraud.sum():.0%} of it reported "
        f"in time, after {time.monotonic() - started:.0f} s"
    )
    parameters = tuning.tune(history, args.seed, args.tune) if args.tune else {}
    began = time.monotonic()
    trained = train(history, args.seed, sampling=args.sampling, parameters=parameters)
    _say(f"trained in {time.monotonic() - began:.1f} s: {trained.rounds} trees")
    compared = dict(_compared(history, trained, args))
    metrics = {
        **trained.metrics,
        **({"test_without_smote": compared["none"]} if "none" in compared else {}),
    }
    version = args.version or f"{datetime.now(UTC):%Y.%m.%d}-{int(time.time()) % 86400:05d}"
    calibrations = comparison.calibrations(history, trained)
    single = comparison.single_features(history)
    part = split_by_time(history.at_ms)
    columns = {name: history.features[part.train][:, place] for place, name in enumerate(NAMES)}
    contents = {
        "model.txt": trained.model_text.encode(),
        "features.json": _json(
            {"names": list(NAMES), "catalogue": [feature._asdict() for feature in CATALOGUE]}
        ),
        "calibrator.json": _json(
            {"method": "platt", "slope": trained.slope, "intercept": trained.intercept}
        ),
        "thresholds.json": _json(trained.cutoffs._asdict()),
        "metrics.json": _json(metrics),
        "comparison.json": _json(
            {
                "recipes": compared,
                "calibration_error": calibrations,
                "single_feature_roc_auc": single,
                "parameters": parameters,
            }
        ),
        "drift.json": _json(bins_of({**columns, SCORE: trained.probability[part.cutoffs]})),
        "card.md": model_card.write(args.name, version, source, trained, metrics).encode(),
    }
    told = report.ReportInput(
        f"{args.name} {version}",
        source,
        history,
        trained,
        evaluation.read_costs(),
        {args.sampling: trained.metrics["test"], **compared},
        calibrations,
        single,
        _importance(history, trained),
    )
    contents["report.html"] = report.write(told).encode()
    registry.write(args.models / args.name / version, contents)
    if args.alias:
        registry.set_alias(args.models, args.name, args.alias, version)
    for name, figures in metrics.items():
        _say(_line(name, figures))
    _say(
        f"calibration error {', '.join(f'{name} {value:.4f}' for name, value in calibrations.items())}"
    )
    strongest = sorted(single.items(), key=lambda one: -one[1])[:5]
    _say(
        f"strongest features alone (ROC-AUC): {', '.join(f'{name} {area:.3f}' for name, area in strongest)}"
    )
    for scenario in sorted(set(history.scenario.tolist()) - {""}):
        of = (history.scenario[part.test] == scenario) & history.fraud[part.test]
        if of.any():
            flagged = (trained.probability[part.test][of] >= trained.cutoffs.review).mean()
            _say(f"{scenario:22} {of.sum():5,} in the test part, {flagged:.1%} flagged")
    _say(f"wrote {args.models / args.name / version} in {time.monotonic() - started:.0f} s")


def _compared(
    history: TrainingHistory, trained: TrainedModel, args: argparse.Namespace
) -> Iterator[tuple[str, dict[str, float]]]:
    if args.compare == "none":
        yield from (
            ()
            if args.sampling == "none"
            else [("none", train(history, args.seed, sampling="none").metrics["test"])]
        )
        return
    for name, other in comparison.samplings(history, args.seed):
        _say(_line(name, other.metrics["test"]))
        yield name, other.metrics["test"]
    for name, other in comparison.learners(history, args.seed):
        _say(_line(name, other.metrics["test"]))
        yield name, other.metrics["test"]


def _importance(history: TrainingHistory, trained: TrainedModel) -> list[float]:
    import lightgbm

    part = split_by_time(history.at_ms).test
    rows = history.features[part][:: max(1, (part.stop - part.start) // EXPLAINED)]
    parts = np.asarray(
        lightgbm.Booster(model_str=trained.model_text).predict(rows, pred_contrib=True)
    )
    means: list[float] = np.abs(parts[:, :-1]).mean(axis=0).tolist()
    return means


def _line(name: str, figures: dict[str, float]) -> str:
    return (
        f"{name:28} PR-AUC {figures['pr_auc']:.3f}  ROC-AUC {figures['roc_auc']:.3f}  recall flagged {figures['recall_flagged']:.3f}"
        f"  precision blocked {figures['precision_blocked']:.3f}  insult {figures['insult_rate']:.5f}"
        f"  ECE {figures['expected_calibration_error']:.4f}  cost €{figures['cost_eur']:,.0f}"
    )


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def _history(args: argparse.Namespace) -> tuple[str, TrainingHistory]:
    if args.from_database:
        return "what the running system decided, labels as they came", asyncio.run(_stored())
    if args.data:
        return f"{args.data.name}, labels {args.labels.name}", _replayed(
            _from_files(args.data, args.labels)
        )
    simulated = simulate(Population(args.seed, args.users), START, args.days)
    source = f"simulator seed {args.seed}, {args.users:,} customers, {args.days:g} days from {START:%Y-%m-%d}, chargebacks after days or never"
    return source, _replayed(
        _labelled(
            Transaction.model_validate(one.transaction),
            one.is_fraud,
            one.reported_after_days,
            one.scenario,
        )
        for one in simulated
    )


async def _stored() -> TrainingHistory:
    async with connect(settings().postgres) as connection:
        try:
            return await training_history.load(connection)
        except ValueError as error:
            sys.exit(str(error))


def _labelled(
    transaction: Transaction, is_fraud: bool, after_days: float | None, scenario: str | None
) -> Labelled:
    reported = (
        occurred_ms(transaction) + timedelta(days=after_days).total_seconds() * 1000
        if after_days is not None
        else math.inf
    )
    return Labelled(transaction, is_fraud, reported, scenario or "")


def _replayed(given: Iterable[Labelled]) -> TrainingHistory:
    truths: list[tuple[bool, float, str]] = []

    def transactions() -> Iterator[tuple[Transaction, int]]:
        for one in given:
            truths.append((one.is_fraud, one.reported_ms, one.scenario))
            yield one.transaction, occurred_ms(one.transaction)

    rows, amounts, at_ms, country = [], [], [], []
    for replayed in replay(transactions()):
        rows.append(replayed.features)
        amounts.append(replayed.event.amount_cents / 100.0)
        at_ms.append(replayed.event.received_ms)
        country.append(replayed.transaction.country or "")
    fraud, reported, scenario = (np.array(column) for column in zip(*truths, strict=True))
    moments = np.array(at_ms)
    return TrainingHistory(
        np.stack(rows),
        fraud,
        np.array(amounts),
        moments,
        reported_before(fraud, reported, moments),
        scenario,
        np.array(country),
    )


def _from_files(data: Path, labels: Path) -> Iterator[Labelled]:
    known = {
        line["transaction_id"]: line
        for line in map(orjson.loads, labels.open("rb"))
        if line["is_fraud"]
    }
    for transaction in sorted(
        (Transaction.model_validate_json(line) for line in data.open("rb")), key=occurred_ms
    ):
        label = known.get(transaction.transaction_id)
        reported = (
            datetime.fromisoformat(label["labelled_at"]).timestamp() * 1000
            if label and label.get("labelled_at")
            else math.inf
        )
        yield Labelled(
            transaction, label is not None, reported, (label or {}).get("scenario") or ""
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--name", default="fraud-lgbm")
    parser.add_argument("--version", help="default: today's date and the second of the day")
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--data", type=Path, help="JSON lines of transactions; default: simulated")
    parser.add_argument(
        "--labels", type=Path, help="JSON lines with transaction_id, is_fraud and labelled_at"
    )
    parser.add_argument(
        "--from-database", action="store_true", help="train on what is stored in PostgreSQL"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--users", type=int, default=150_000)
    parser.add_argument("--days", type=float, default=64)
    parser.add_argument("--sampling", choices=list(SAMPLERS), default="smote")
    parser.add_argument(
        "--tune",
        type=float,
        default=0,
        metavar="MINUTES",
        help="search for parameters first (needs Optuna)",
    )
    parser.add_argument(
        "--compare",
        choices=("all", "none"),
        default="all",
        help="also train the other recipes, for the report",
    )
    parser.add_argument(
        "--alias", default=registry.CHAMPION, help="which alias shall stand for it; '' for none"
    )
    args = parser.parse_args()
    if bool(args.data) != bool(args.labels):
        parser.error("--data and --labels go together")
    return args


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
