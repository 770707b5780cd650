"""Models on disk: `models/<name>/<version>/`, immutable, each file's sha256 checked before anything
is parsed.

A model is a LightGBM text file, never a pickle. `models/<name>/aliases.json` says which version is
the champion and which the challenger; `history.json` beside it keeps every move, so that the last
one can be taken back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from ml.features import NAMES
from ml.serving.cutoffs import Cutoffs

MANIFEST = "MANIFEST.json"
FILES = (
    "model.txt",
    "features.json",
    "calibrator.json",
    "thresholds.json",
    "metrics.json",
    "card.md",
)
CHAMPION, CHALLENGER = "champion", "challenger"
DIGEST_LENGTH = 12


class ModelRefused(Exception):
    """The model's files are missing, changed, or not for these features."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A checked model, not yet loaded."""

    name: str
    version: str
    digest: str
    """First 12 hex digits of the sha256 of the manifest, which has the sha256 of every file."""
    text: str
    slope: float
    """Platt calibration: probability = 1 / (1 + exp(-(slope × raw + intercept)))."""
    intercept: float
    cutoffs: Cutoffs
    metrics: dict[str, Any]
    drift: dict[str, Any]
    """Bins of the features and of the score, see `ml/serving/drift.py`; empty when the version has
    none.
    """

    @property
    def reference(self) -> str:
        """`name:version@digest`."""
        return f"{self.name}:{self.version}@{self.digest}"


def parts_of(reference: str) -> tuple[str, str, str | None]:
    """Name, version and digest of a reference; rows written by earlier releases have no digest.

    >>> parts_of("fraud-lgbm:2026.11.25@0123456789ab"), parts_of("fraud-lgbm:2026.11.24")
    (('fraud-lgbm', '2026.11.25', '0123456789ab'), ('fraud-lgbm', '2026.11.24', None))
    """
    name, _, rest = reference.partition(":")
    version, _, digest = rest.partition("@")
    return name, version, digest or None


def version_in(reference: str) -> str:
    """`name:version` of a reference: what history, metrics and the shadow's scores go by.

    >>> version_in("fraud-lgbm:2026.11.25@0123456789ab")
    'fraud-lgbm:2026.11.25'
    """
    return reference.partition("@")[0]


def write(directory: Path, contents: dict[str, bytes]) -> None:
    """Write a new version. Raises `FileExistsError`: a version is never changed."""
    missing = set(FILES) - contents.keys()
    if missing:
        raise ValueError(f"a model needs {', '.join(sorted(missing))}")
    directory.mkdir(parents=True)
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    digests = {
        name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())
    }
    (directory / MANIFEST).write_bytes(_json({"sha256": digests}))


def read(directory: Path) -> ModelFiles:
    """Check and read one version. Raises `ModelRefused` saying which file and why."""
    try:
        manifest = (directory / MANIFEST).read_bytes()
        digests = orjson.loads(manifest)["sha256"]
        contents = {name: (directory / name).read_bytes() for name in {*FILES, *digests}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelRefused(f"{directory}: not a complete model: {error}") from error
    for name, content in sorted(contents.items()):
        if hashlib.sha256(content).hexdigest() != digests.get(name):
            raise ModelRefused(f"{directory / name}: its sha256 is not the one in {MANIFEST}")
    try:
        names = tuple(orjson.loads(contents["features.json"])["names"])
        calibrator, thresholds = (
            orjson.loads(contents["calibrator.json"]),
            orjson.loads(contents["thresholds.json"]),
        )
        slope, intercept = float(calibrator["slope"]), float(calibrator["intercept"])
        cutoffs = Cutoffs(float(thresholds["review"]), float(thresholds["block"]))
        metrics, drift = (
            orjson.loads(contents["metrics.json"]),
            orjson.loads(contents.get("drift.json", b"{}")),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ModelRefused(
            f"{directory}: a file is not in the format of this release: {error!r}"
        ) from error
    if names != NAMES:
        changed = sorted(set(names) ^ set(NAMES)) or "their order"
        raise ModelRefused(
            f"{directory}: made for other features ({changed}); train again with scripts/train_model.py"
        )
    if not 0 < cutoffs.review <= cutoffs.block < 1:
        raise ModelRefused(
            f"{directory / 'thresholds.json'}: 0 < review <= block < 1 does not hold: {tuple(cutoffs)}"
        )
    return ModelFiles(
        name=directory.parent.name,
        version=directory.name,
        digest=hashlib.sha256(manifest).hexdigest()[:DIGEST_LENGTH],
        text=contents["model.txt"].decode(),
        slope=slope,
        intercept=intercept,
        cutoffs=cutoffs,
        metrics=metrics,
        drift=drift,
    )


def versions(models: Path, name: str) -> list[str]:
    """All versions of a model, oldest first by name."""
    return sorted(path.parent.name for path in (models / name).glob(f"*/{MANIFEST}"))


def aliases(models: Path, name: str) -> dict[str, str]:
    """Which version each alias stands for. Raises `ModelRefused` when the file cannot be read."""
    try:
        found: dict[str, str] = orjson.loads((models / name / "aliases.json").read_bytes())
    except (OSError, ValueError) as error:
        raise ModelRefused(
            f"{models / name}: no aliases; scripts/train_model.py makes a model"
        ) from error
    return found


def version_of(models: Path, name: str, alias: str = CHAMPION) -> str:
    """The version that an alias stands for. Raises `ModelRefused` when there is none."""
    version = aliases(models, name).get(alias)
    if version is None:
        raise ModelRefused(
            f"{models / name}: no alias {alias!r}; scripts/train_model.py makes a model"
        )
    if not isinstance(version, str) or "/" in version or version.startswith("."):
        raise ModelRefused(f"{models / name}/aliases.json: {alias!r} is not a version")
    return version


def read_alias(models: Path, name: str, alias: str = CHAMPION) -> ModelFiles:
    """The checked files of the version that an alias stands for. Raises `ModelRefused`."""
    return read(models / name / version_of(models, name, alias))


def set_alias(models: Path, name: str, alias: str, version: str | None) -> None:
    """Let an alias stand for a version that exists and is whole; None takes the alias away. The
    move is remembered.
    """
    if version is not None:
        read(models / name / version)
    kept = aliases(models, name) if (models / name / "aliases.json").exists() else {}
    before = kept.pop(alias, None)
    moves = history(models, name)
    moves.append(
        {
            "alias": alias,
            "from": before,
            "to": version,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )
    _replace(models / name / "history.json", moves)
    _replace(models / name / "aliases.json", kept if version is None else {**kept, alias: version})


def history(models: Path, name: str) -> list[dict[str, Any]]:
    """All moves of aliases, oldest first."""
    path = models / name / "history.json"
    moves: list[dict[str, Any]] = orjson.loads(path.read_bytes()) if path.exists() else []
    return moves


def rollback(models: Path, name: str, alias: str = CHAMPION) -> str:
    """Let an alias stand for what it stood for before. Raises `ModelRefused` when it never stood
    for another version.
    """
    now = version_of(models, name, alias)
    for move in reversed(history(models, name)):
        if move["alias"] == alias and move["to"] == now and move["from"] not in (None, now):
            before: str = move["from"]
            set_alias(models, name, alias, before)
            return before
    raise ModelRefused(f"{models / name}: {alias} was never another version than {now}")


def _replace(path: Path, value: Any) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(_json(value))
    fresh.replace(path)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
