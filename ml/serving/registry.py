"""The models on disk, each version in `models/<name>/<version>/`. A version never changes, and the
sha256 of each file is checked before anything is parsed.

A model is a LightGBM text file, never a pickle, because a pickle can run code.
`models/<name>/aliases.json` says which version is the champion and which the challenger;
`history.json` beside it stores every move of an alias, so the last one can be rolled back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from fraud_app.errors import FraudError
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
"""Hex digits: enough to tell versions apart, short enough for a user's row."""


class ModelRefused(FraudError):
    """The model's files are missing, changed, or not for these features."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A checked model, not yet loaded."""

    name: str
    version: str
    digest: str
    """First 12 hex digits of the sha256 of the manifest, which holds the sha256 of every file."""
    text: str
    slope: float
    """Platt calibration: probability = 1 / (1 + exp(-(slope × raw + intercept)))."""
    intercept: float
    cutoffs: Cutoffs
    metrics: dict[str, Any]
    drift: dict[str, Any]
    """Bins of the features and of the score (`ml/serving/drift.py`); empty when the version has
    none.
    """

    @property
    def reference(self) -> str:
        """`name:version@digest`."""
        return f"{self.name}:{self.version}@{self.digest}"


def parts_of(reference: str) -> tuple[str, str, str | None]:
    """Name, version and digest of a reference. References in rows of earlier releases have no
    digest: None.

    >>> parts_of("fraud-lgbm:2026.11.25@0123456789ab"), parts_of("fraud-lgbm:2026.11.24")
    (('fraud-lgbm', '2026.11.25', '0123456789ab'), ('fraud-lgbm', '2026.11.24', None))
    """
    name, _, rest = reference.partition(":")
    version, _, digest = rest.partition("@")
    return name, version, digest or None


def name_and_version(reference: str) -> str:
    """`name:version` of a reference: the key in history, metrics and shadow scores.

    >>> name_and_version("fraud-lgbm:2026.11.25@0123456789ab")
    'fraud-lgbm:2026.11.25'
    """
    return reference.partition("@")[0]


def write(directory: Path, contents: dict[str, bytes]) -> None:
    """Write a new version: file names and their contents. Raises `FileExistsError` for an existing
    version, because a version never changes, and `ValueError` when a file of `FILES` is missing.
    """
    missing = set(FILES) - contents.keys()
    if missing:
        raise ValueError(f"a model needs {', '.join(sorted(missing))}")
    directory.mkdir(parents=True)
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    digests = {
        name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())
    }
    (directory / MANIFEST).write_bytes(json_bytes({"sha256": digests}))


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
        calibrator = orjson.loads(contents["calibrator.json"])
        thresholds = orjson.loads(contents["thresholds.json"])
        slope, intercept = float(calibrator["slope"]), float(calibrator["intercept"])
        cutoffs = Cutoffs(float(thresholds["review"]), float(thresholds["block"]))
        metrics = orjson.loads(contents["metrics.json"])
        drift = orjson.loads(contents.get("drift.json", b"{}"))
    except (ValueError, KeyError, TypeError) as error:
        raise ModelRefused(
            f"{directory}: a file is not in the format of this release: {error!r}"
        ) from error
    if names != NAMES:
        changed = sorted(set(names) ^ set(NAMES)) or "their order"
        raise ModelRefused(
            f"{directory}: made for other features ({changed}); "
            "train again with scripts/train_model.py"
        )
    if not 0 < cutoffs.review <= cutoffs.block < 1:
        raise ModelRefused(
            f"{directory / 'thresholds.json'}: "
            f"0 < review <= block < 1 does not hold: {tuple(cutoffs)}"
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
    """All versions of a model, sorted by name, which is oldest first."""
    return sorted(path.parent.name for path in (models / name).glob(f"*/{MANIFEST}"))


def aliases(models: Path, name: str) -> dict[str, str]:
    """The version of each alias. Raises `ModelRefused` when the file cannot be read."""
    try:
        versions_by_alias: dict[str, str] = orjson.loads(
            (models / name / "aliases.json").read_bytes()
        )
    except (OSError, ValueError) as error:
        raise ModelRefused(
            f"{models / name}: no aliases; scripts/train_model.py makes a model"
        ) from error
    return versions_by_alias


def version_of(models: Path, name: str, alias: str = CHAMPION) -> str:
    """The version that an alias points to. Raises `ModelRefused` when there is none."""
    version = aliases(models, name).get(alias)
    if version is None:
        raise ModelRefused(
            f"{models / name}: no alias {alias!r}; scripts/train_model.py makes a model"
        )
    if not isinstance(version, str) or "/" in version or version.startswith("."):
        raise ModelRefused(f"{models / name}/aliases.json: {alias!r} is not a version")
    return version


def alias_of_new(models: Path, name: str) -> str:
    """What a version that was just made becomes: the champion when there is none yet, else the
    challenger, so that it decides nothing before somebody has promoted it.
    """
    has_champion = (models / name / "aliases.json").exists() and CHAMPION in aliases(models, name)
    return CHALLENGER if has_champion else CHAMPION


def read_alias(models: Path, name: str, alias: str = CHAMPION) -> ModelFiles:
    """The checked files of the version that an alias points to. Raises `ModelRefused` when the
    alias or a file is missing or wrong.
    """
    return read(models / name / version_of(models, name, alias))


def set_alias(
    models: Path, name: str, alias: str, version: str | None, despite: Sequence[str] = ()
) -> None:
    """Point an alias to a version; None removes the alias. The move is added to the history, with
    what spoke against it. Raises `ModelRefused` unless the version is complete.
    """
    if version is not None:
        read(models / name / version)
    exists = (models / name / "aliases.json").exists()
    others = aliases(models, name) if exists else {}
    before = others.pop(alias, None)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    move: dict[str, Any] = {"alias": alias, "from": before, "to": version, "at": at}
    if despite:
        move["despite"] = list(despite)
    _replace(models / name / "history.json", [*history(models, name), move])
    _replace(
        models / name / "aliases.json", others if version is None else {**others, alias: version}
    )


def history(models: Path, name: str) -> list[dict[str, Any]]:
    """All moves of aliases, oldest first."""
    path = models / name / "history.json"
    moves: list[dict[str, Any]] = orjson.loads(path.read_bytes()) if path.exists() else []
    return moves


def rollback(models: Path, name: str, alias: str = CHAMPION) -> str:
    """Point an alias to the version that it had before, and return that version. Raises
    `ModelRefused` when it never had another version.
    """
    now = version_of(models, name, alias)
    for move in reversed(history(models, name)):
        if move["alias"] == alias and move["to"] == now and move["from"] not in (None, now):
            before: str = move["from"]
            set_alias(models, name, alias, before)
            return before
    raise ModelRefused(f"{models / name}: {alias} was never another version than {now}")


def _replace(path: Path, value: Any) -> None:
    """Write a JSON file atomically: a reader sees the old file or the new one."""
    temporary = path.with_suffix(".new")
    temporary.write_bytes(json_bytes(value))
    temporary.replace(path)


def json_bytes(value: Any) -> bytes:
    """The content of a JSON file of the registry."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
