"""The model that decides, or none: a worker starts and goes on without one, and says so in each decision."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from lightgbm.basic import LightGBMError

from ml import registry
from ml.registry import ModelRefused
from ml.scorer import Scorer

log = logging.getLogger(__name__)


class ModelSlot:
    """`scorer` is the loaded champion; None with `error` saying why when there is none."""

    def __init__(self, models: Path, name: str, alias: str) -> None:
        self.scorer: Scorer | None = None
        self.error = ""
        self.metrics: dict[str, Any] = {}
        try:
            files = registry.read(models / name / registry.version_of(models, name, alias))
            self.scorer = Scorer(files)
            self.metrics = files.metrics
        except (ModelRefused, LightGBMError, ValueError) as refused:
            self.error = str(refused)
            log.error("model_refused", extra={"error": self.error})
