"""`fraud model list | show | compare | promote | rollback`: the registry of models from the command
line.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from fraud_app.postgres.connection import connect
from fraud_app.postgres.shadow_scores import Agreement, compare
from fraud_app.settings import settings
from ml.serving import registry
from ml.serving.registry import ModelFiles, ModelRefused

_COMPARED = (
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
_VERSIONS = {"list": 0, "show": 1, "compare": 2, "promote": 1, "rollback": 0}
"""How many versions each action takes."""
_USAGE = "model list | show VERSION | compare A B | promote VERSION [--alias challenger] | rollback [--alias ...]"
HOURS = 24.0


@click.command()
@click.argument("action")
@click.argument("versions", nargs=-1)
@click.option("--alias", default=registry.CHAMPION, help="what promote and rollback move")
@click.option("--name", default=None, help="the model; default: the one of the settings")
def model(action: str, versions: tuple[str, ...], alias: str, name: str | None) -> None:
    """Models: list, show VERSION, compare A B, promote VERSION, rollback. A version may be given by
    its alias.

    Running workers load what the alias stands for within seconds, without a restart.
    """
    if _VERSIONS.get(action) != len(versions):
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
                _compare(*(registry.read(store / name / version) for version in chosen))
            case "promote":
                registry.set_alias(store, name, alias, chosen[0])
                click.echo(f"{alias} is now {name} {chosen[0]}")
            case _:
                click.echo(f"{alias} is {name} {registry.rollback(store, name, alias)} again")
    except ModelRefused as refused:
        raise click.ClickException(str(refused)) from refused


def _show(directory: Path) -> None:
    files = registry.read(directory)
    click.echo((directory / "card.md").read_text())
    click.echo(f"reference: {files.reference}")


def _compare(champion: ModelFiles, challenger: ModelFiles) -> None:
    click.echo("\n".join(compared(champion, challenger)))
    click.echo(asyncio.run(_live(champion, challenger)))


def listed(store: Any, name: str) -> list[str]:
    """A line a version: its aliases, its figures on its own test part, or why it cannot be used."""
    by_version: dict[str, list[str]] = {}
    for alias, version in registry.aliases(store, name).items():
        by_version.setdefault(version, []).append(alias)
    lines = []
    for version in registry.versions(store, name):
        marks = ", ".join(sorted(by_version.get(version, [])))
        try:
            test = registry.read(store / name / version).metrics["test"]
            told = f"PR-AUC {test['pr_auc']:.3f}  cost €{test['cost_eur']:,.0f}"
        except (ModelRefused, KeyError) as refused:
            told = f"cannot be used: {refused}"
        lines.append(f"{version:22} {marks:20} {told}")
    return lines


def compared(first: ModelFiles, second: ModelFiles) -> list[str]:
    """The two versions' figures, each on its own test part."""
    lines = [f"{'':28} {first.version:>20} {second.version:>20}"]
    for figure in _COMPARED:
        values = [files.metrics.get("test", {}).get(figure) for files in (first, second)]
        cells = [f"{value:>20,.5f}" if value is not None else f"{'–':>20}" for value in values]
        lines.append(f"{figure.replace('_', ' '):28} {' '.join(cells)}")
    lines.append(f"{'cutoffs (review, block)':28} {_cutoffs(first):>20} {_cutoffs(second):>20}")
    return lines


def _cutoffs(files: ModelFiles) -> str:
    return f"{files.cutoffs.review:g}, {files.cutoffs.block:g}"


async def _live(champion: ModelFiles, challenger: ModelFiles) -> str:
    try:
        async with connect(settings().postgres) as connection:
            found = await compare(connection, registry.version_in(challenger.reference), HOURS)
    except OSError as error:
        return f"\nlive: PostgreSQL does not answer ({error})"
    return f"\nlive, last {HOURS:g} hours: {told(found)}"


def told(found: Agreement) -> str:
    """An agreement in words."""
    if not found.transactions:
        return "the challenger scored nothing; is it promoted with --alias challenger, and do the sinks run?"
    said = (
        f"{found.transactions:,} scored by both, {found.same:.2%} decided alike, {found.stricter:,} stricter and {found.laxer:,} laxer by the "
        f"challenger, mean shift of the probability {found.shift:+.4f}"
    )
    if found.champion is None or found.challenger is None:
        return f"{said}; no labelled fraud among them yet"
    ours, theirs = found.champion.average_precision, found.challenger.average_precision
    return f"{said}; of {found.labelled:,} labelled, average precision {ours:.3f} against the challenger's {theirs:.3f}"
