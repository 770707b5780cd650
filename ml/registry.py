"""Models on disk: `models/<name>/<version>/`, immutable, each file's sha256 checked before anything is parsed.

A model is a LightGBM text file, never a pickle. `models/<name>/aliases.json` says which version is the champion.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ml.features import NAMES
from ml.policy import Cutoffs

MANIFEST = "MANIFEST.json"
FILES = ("model.txt", "features.json", "calibrator.json", "thresholds.json", "metrics.json", "card.md")
CHAMPION = "champion"


class ModelRefused(Exception):
    """The model's files are missing, changed, or not for these features."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A checked model, not yet loaded."""

    name: str
    version: str
    text: str
    slope: float
    """Platt calibration: probability = 1 / (1 + exp(-(slope × raw + intercept)))."""
    intercept: float
    cutoffs: Cutoffs
    metrics: dict[str, Any]

    @property
    def reference(self) -> str:
        return f"{self.name}:{self.version}"


def write(directory: Path, contents: dict[str, bytes]) -> None:
    """Write a new version. Raises `FileExistsError`: a version is never changed."""
    missing = set(FILES) - contents.keys()
    if missing:
        raise ValueError(f"a model needs {', '.join(sorted(missing))}")
    directory.mkdir(parents=True)
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())}
    (directory / MANIFEST).write_bytes(_json({"sha256": digests}))


def read(directory: Path) -> ModelFiles:
    """Check and read one version. Raises `ModelRefused` saying which file and why."""
    try:
        digests = orjson.loads((directory / MANIFEST).read_bytes())["sha256"]
        contents = {name: (directory / name).read_bytes() for name in FILES}
    except (OSError, ValueError, KeyError) as error:
        raise ModelRefused(f"{directory}: not a complete model: {error}") from error
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != digests.get(name):
            raise ModelRefused(f"{directory / name}: its sha256 is not the one in {MANIFEST}")
    names = tuple(orjson.loads(contents["features.json"])["names"])
    if names != NAMES:
        changed = sorted(set(names) ^ set(NAMES)) or "their order"
        raise ModelRefused(f"{directory}: made for other features ({changed}); train again with scripts/train_model.py")
    calibrator, thresholds = (
        orjson.loads(contents["calibrator.json"]),
        orjson.loads(contents["thresholds.json"]),
    )
    return ModelFiles(
        name=directory.parent.name,
        version=directory.name,
        text=contents["model.txt"].decode(),
        slope=calibrator["slope"],
        intercept=calibrator["intercept"],
        cutoffs=Cutoffs(thresholds["review"], thresholds["block"]),
        metrics=orjson.loads(contents["metrics.json"]),
    )


def version_of(models: Path, name: str, alias: str = CHAMPION) -> str:
    """The version that an alias stands for. Raises `ModelRefused` when there is none."""
    try:
        version = orjson.loads((models / name / "aliases.json").read_bytes())[alias]
    except (OSError, ValueError, KeyError) as error:
        raise ModelRefused(f"{models / name}: no alias {alias!r}; scripts/train_model.py makes a model") from error
    if not isinstance(version, str) or "/" in version or version.startswith("."):
        raise ModelRefused(f"{models / name}/aliases.json: {alias!r} is not a version")
    return version


def set_alias(models: Path, name: str, alias: str, version: str) -> None:
    """Let an alias stand for a version that exists and is whole."""
    read(models / name / version)
    path = models / name / "aliases.json"
    aliases = orjson.loads(path.read_bytes()) if path.exists() else {}
    fresh = path.with_suffix(".new")
    fresh.write_bytes(_json({**aliases, alias: version}))
    fresh.replace(path)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
