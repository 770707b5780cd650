"""`fraud model list | show | compare | promote | rollback`: the model registry on the command line.
It moves aliases only, and must never change the files of a version.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from fraud_app.postgres.connection import connect
from fraud_app.postgres.shadow_scores import Agreement, compare
from fraud_app.settings import settings
from ml.serving import promotion, registry
from ml.serving.registry import ModelFiles, ModelRefused

_COMPARED_METRICS = (
    "pr_auc",
    "roc_auc",
    "recall_flagged",
    "recall_blocked",
    "precision_blocked",
    "insult_rate",
    "review_rate",
    "expected_calibration_error",
    "cost_eur",
)
_VERSION_COUNTS = {"list": 0, "show": 1, "compare": 2, "promote": 1, "rollback": 0}
"""The number of versions that each action takes."""
_USAGE = (
    "model list | show VERSION | compare A B | promote VERSION [--alias challenger] [--force] | "
    "rollback [--alias ...]"
)
HOURS = 24.0
"""Live figures cover a whole day, since traffic differs by the hour."""


@click.command()
@click.argument("action")
@click.argument("versions", nargs=-1)
@click.option("--alias", default=registry.CHAMPION, help="what promote and rollback move")
@click.option("--force", is_flag=True, help="promote whatever speaks against it, and note that")
@click.option("--name", default=None, help="the model; default: the one of the settings")
def model(
    action: str, versions: tuple[str, ...], alias: str, force: bool, name: str | None
) -> None:
    """Models: list, show VERSION, compare A B, promote VERSION, rollback. A version may be given by
    its alias.

    Running workers load what the alias stands for within seconds, without a restart.
    """
    if _VERSION_COUNTS.get(action) != len(versions):
        raise click.UsageError(_USAGE)
    store, name = settings().model.dir, name or settings().model.name
    try:
        chosen = [registry.aliases(store, name).get(version, version) for version in versions]
        match action:
            case "list":
                click.echo("\n".join(listed(store, name)))
            case "show":
                _show(store / name / chosen[0])
            case "compare":
                _compare(*(store / name / version for version in chosen))
            case "promote":
                _promote(store, name, alias, chosen[0], force=force)
            case _:
                click.echo(f"{alias} is {name} {registry.rollback(store, name, alias)} again")
    except ModelRefused as refused:
        raise click.ClickException(str(refused)) from refused


def _promote(store: Path, name: str, alias: str, version: str, *, force: bool) -> None:
    """A version that shall decide must be surely cheaper than the one that does."""
    reasons = _against(store / name, version) if alias == registry.CHAMPION else []
    if reasons and not force:
        raise click.ClickException(
            f"{version} was not promoted:\n  " + "\n  ".join(reasons) + "\n--force promotes it"
        )
    registry.set_alias(store, name, alias, version, reasons)
    click.echo(f"{alias} is now {name} {version}")
    for reason in reasons:
        click.echo(f"  although {reason}")


def _against(versions: Path, version: str) -> list[str]:
    """What speaks against a version as the champion. Nothing when no champion can decide."""
    registry.read(versions / version)  # its files are those that were written
    try:
        champion = registry.read_alias(versions.parent, versions.name)
    except ModelRefused:
        return []
    if champion.version == version:
        return []
    return promotion.reasons_against(promotion.read(versions / version), champion.reference)


def _show(directory: Path) -> None:
    files = registry.read(directory)
    click.echo((directory / "card.md").read_text())
    click.echo(f"reference: {files.reference}")
    if compared_with := promotion.read(directory):
        click.echo("\n".join(promotion.described(compared_with)))


def _compare(first: Path, second: Path) -> None:
    champion, challenger = registry.read(first), registry.read(second)
    click.echo("\n".join(compared(champion, challenger)))
    together = promotion.read(second)
    if together is not None and together.champion == champion.reference:
        click.echo("\n" + "\n".join(promotion.described(together)))
    click.echo(asyncio.run(_live(champion, challenger)))


def listed(store: Any, name: str) -> list[str]:
    """One line for each version, the oldest first: its aliases, and its metrics on its own test
    part or why it cannot be used.
    """
    by_version: dict[str, list[str]] = {}
    for alias, version in registry.aliases(store, name).items():
        by_version.setdefault(version, []).append(alias)
    lines = []
    for version in registry.versions(store, name):
        aliases = ", ".join(sorted(by_version.get(version, [])))
        try:
            test = registry.read(store / name / version).metrics["test"]
            summary = f"PR-AUC {test['pr_auc']:.3f}  cost €{test['cost_eur']:,.0f}"
        except (ModelRefused, KeyError) as refused:
            summary = f"cannot be used: {refused}"
        lines.append(f"{version:22} {aliases:20} {summary}")
    return lines


def compared(first: ModelFiles, second: ModelFiles) -> list[str]:
    """A table of two versions' metrics, each on its own test part."""
    lines = [f"{'':28} {first.version:>20} {second.version:>20}"]
    for metric in _COMPARED_METRICS:
        values = [files.metrics.get("test", {}).get(metric) for files in (first, second)]
        cells = [f"{value:>20,.5f}" if value is not None else f"{'–':>20}" for value in values]
        lines.append(f"{metric.replace('_', ' '):28} {' '.join(cells)}")
    lines.append(f"{'cutoffs (review, block)':28} {_cutoffs(first):>20} {_cutoffs(second):>20}")
    return lines


def _cutoffs(files: ModelFiles) -> str:
    return f"{files.cutoffs.review:g}, {files.cutoffs.block:g}"


async def _live(champion: ModelFiles, challenger: ModelFiles) -> str:
    try:
        async with connect(settings().postgres) as connection:
            agreement = await compare(
                connection, registry.name_and_version(challenger.reference), HOURS
            )
    except OSError as error:
        return f"\nlive: PostgreSQL does not answer ({error})"
    return f"\nlive, last {HOURS:g} hours: {describe(agreement)}"


def describe(agreement: Agreement) -> str:
    """A challenger's agreement with the champion, as a sentence."""
    if not agreement.transactions:
        return (
            "the challenger scored nothing; is it promoted with --alias challenger, "
            "and do the sinks run?"
        )
    sentence = (
        f"{agreement.transactions:,} scored by both, {agreement.same:.2%} decided alike, "
        f"{agreement.stricter:,} stricter and {agreement.laxer:,} laxer by the "
        f"challenger, mean shift of the probability {agreement.shift:+.4f}"
    )
    if agreement.champion is None or agreement.challenger is None:
        return f"{sentence}; no labelled fraud among them yet"
    ours = agreement.champion.average_precision
    theirs = agreement.challenger.average_precision
    return (
        f"{sentence}; of {agreement.labelled:,} labelled, average precision {ours:.3f} "
        f"against the challenger's {theirs:.3f}"
    )
