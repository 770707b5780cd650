#!/usr/bin/env python3
"""Train a model and write it to models/<name>/<version>/ with its card, its figures and a report
that opens by itself.

    scripts/train_model.py                      simulated history, seed 7
    scripts/train_model.py --data tx.jsonl --labels labels.jsonl
    scripts/train_model.py --from-database      what the running system decided, with the labels
                                                that came since

The first model becomes the champion, every other one the challenger.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import _environment

_environment.enter()

import numpy as np

from fraud_app.postgres import training_history
from fraud_app.postgres.connection import connect
from fraud_app.settings import settings
from ml.serving import promotion, registry
from ml.serving.registry import ModelFiles, ModelRefused
from ml.simulator import Population, simulate
from ml.training import (
    against_champion,
    comparison,
    evaluation,
    model_card,
    report,
    tuning,
    version_files,
)
from ml.training.history import from_files, from_simulator, history_of
from ml.training.sampling import SAMPLERS
from ml.training.train import TrainedModel, TrainingHistory, split_by_time, train

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2026, 1, 1, tzinfo=UTC)
EXPLAINED = 5_000
"""Rows that the importance is measured on; an exact explanation takes long."""


def main() -> None:
    args = _arguments()
    started = time.monotonic()
    source, history = _history(args)
    if not history.known.any():
        sys.exit("no transaction is labelled as fraud; there is nothing to learn from")
    in_time = history.known.sum() / history.fraud.sum()
    _say(
        f"{len(history.fraud):,} transactions, {history.fraud.mean():.2%} fraud, "
        f"{in_time:.0%} of it reported in time, after {time.monotonic() - started:.0f} s"
    )
    parameters = tuning.tune(history, args.seed, args.tune) if args.tune else {}
    training_started = time.monotonic()
    trained = train(history, args.seed, sampling=args.sampling, parameters=parameters)
    seconds = time.monotonic() - training_started
    _say(f"trained in {seconds:.1f} s: {trained.rounds} trees")
    compared = version_files.Comparison(
        dict(_recipes(history, trained, args)),
        comparison.calibrations(history, trained),
        comparison.single_features(history),
    )
    metrics = dict(trained.metrics)
    if "none" in compared.recipes:
        metrics["test_without_smote"] = compared.recipes["none"]
    version = args.version or f"{datetime.now(UTC):%Y.%m.%d}-{int(time.time()) % 86400:05d}"
    files = version_files.of(history, trained, metrics, compared, parameters)
    files["card.md"] = model_card.write(args.name, version, source, trained, metrics).encode()
    page = report.ReportInput(
        f"{args.name} {version}",
        source,
        history,
        trained,
        evaluation.read_costs(),
        {args.sampling: trained.metrics["test"], **compared.recipes},
        compared.calibrations,
        compared.single_features,
        _importance(history, trained),
    )
    files["report.html"] = report.write(page).encode()
    if champion := _champion(args):
        against = against_champion.compare(history, trained, champion, args.seed)
        files[promotion.FILE] = promotion.encode(against)
        _say("\n".join([version, *promotion.described(against)]))
    registry.write(args.models / args.name / version, files)
    alias = registry.alias_of_new(args.models, args.name) if args.alias is None else args.alias
    if alias:
        registry.set_alias(args.models, args.name, alias, version)
        _say(f"{alias} is now {args.name} {version}")
    _print_results(history, trained, metrics, compared)
    _say(f"wrote {args.models / args.name / version} in {time.monotonic() - started:.0f} s")


def _champion(args: argparse.Namespace) -> ModelFiles | None:
    """The champion to compare with; None when there is none that knows these features."""
    try:
        return registry.read_alias(args.models, args.name)
    except ModelRefused as refused:
        _say(f"compared with no champion: {refused}")
        return None


def _print_results(
    history: TrainingHistory,
    trained: TrainedModel,
    metrics: dict[str, dict[str, float]],
    compared: version_files.Comparison,
) -> None:
    for name, figures in metrics.items():
        _say(_line(name, figures))
    errors = (f"{name} {value:.4f}" for name, value in compared.calibrations.items())
    _say(f"calibration error {', '.join(errors)}")
    strongest = sorted(compared.single_features.items(), key=lambda item: -item[1])[:5]
    areas = (f"{name} {area:.3f}" for name, area in strongest)
    _say(f"strongest features alone (ROC-AUC): {', '.join(areas)}")
    part = split_by_time(history.at_ms).test
    probability = trained.probability[part]
    for scenario in sorted(set(history.scenario.tolist()) - {""}):
        in_scenario = (history.scenario[part] == scenario) & history.fraud[part]
        if in_scenario.any():
            flagged = (probability[in_scenario] >= trained.cutoffs.review).mean()
            _say(f"{scenario:22} {in_scenario.sum():5,} in the test part, {flagged:.1%} flagged")


def _recipes(
    history: TrainingHistory, trained: TrainedModel, args: argparse.Namespace
) -> Iterator[tuple[str, dict[str, float]]]:
    """Name and test figures of each recipe that the model is compared with."""
    if args.compare == "none":
        if args.sampling != "none":
            yield "none", train(history, args.seed, sampling="none").metrics["test"]
        return
    samplings = comparison.samplings(history, args.seed)
    learners = comparison.learners(history, args.seed)
    for name, model in itertools.chain(samplings, learners):
        _say(_line(name, model.metrics["test"]))
        yield name, model.metrics["test"]


def _importance(history: TrainingHistory, trained: TrainedModel) -> list[float]:
    """Mean absolute contribution of each feature on the test part, log-odds."""
    import lightgbm

    part = split_by_time(history.at_ms).test
    rows = history.features[part][:: max(1, (part.stop - part.start) // EXPLAINED)]
    booster = lightgbm.Booster(model_str=trained.model_text)
    contributions = np.asarray(booster.predict(rows, pred_contrib=True))[:, :-1]
    means: list[float] = np.abs(contributions).mean(axis=0).tolist()
    return means


def _line(name: str, figures: dict[str, float]) -> str:
    return (
        f"{name:28} PR-AUC {figures['pr_auc']:.3f}  ROC-AUC {figures['roc_auc']:.3f}"
        f"  recall flagged {figures['recall_flagged']:.3f}"
        f"  precision blocked {figures['precision_blocked']:.3f}"
        f"  insult {figures['insult_rate']:.5f}"
        f"  ECE {figures['expected_calibration_error']:.4f}  cost €{figures['cost_eur']:,.0f}"
    )


def _history(args: argparse.Namespace) -> tuple[str, TrainingHistory]:
    """Where the data comes from, in words, and the replayed history."""
    if args.from_database:
        return asyncio.run(_stored())
    if args.data:
        try:
            history = history_of(from_files(args.data, args.labels))
        except (OSError, ValueError) as error:
            sys.exit(str(error))
        return f"{args.data.name}, labels {args.labels.name}", history
    simulated = simulate(Population(args.seed, args.users), START, args.days)
    source = (
        f"simulator seed {args.seed}, {args.users:,} customers, "
        f"{args.days:g} days from {START:%Y-%m-%d}, chargebacks after days or never"
    )
    return source, history_of(map(from_simulator, simulated))


async def _stored() -> tuple[str, TrainingHistory]:
    async with connect(settings().postgres) as connection:
        try:
            history, assumed = await training_history.load(connection)
        except ValueError as error:
            sys.exit(str(error))
    source = (
        f"what the running system decided, labels as they came; {assumed:,} blocked transactions"
        " without a label count as fraud in training and are not in the test part"
    )
    return source, history


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
        "--alias",
        help="which alias shall stand for it, '' for none; default: champion when there is none"
        " yet, else challenger",
    )
    args = parser.parse_args()
    if bool(args.data) != bool(args.labels):
        parser.error("--data and --labels go together")
    return args


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
