"""Loads the model that an alias points to, and follows the alias when it moves.

A missing or bad model must never stop a worker: it starts and continues without one, and every
decision says so.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from lightgbm.basic import LightGBMError

from ml.serving import registry
from ml.serving.registry import ModelFiles, ModelRefused
from ml.serving.scorer import Scorer

log = logging.getLogger(__name__)

CHECK_ALIAS_S = 1.0
"""How often a worker looks whether the alias has moved, in seconds."""


class ModelLoader:
    """`scorer` is the loaded model. `error` says why there is none, or why a newer version was
    refused and the old one stays.

    A caller reads `scorer` once for its whole batch, so no batch is decided by two versions.
    """

    def __init__(self, models: Path, name: str, alias: str, *, required: bool = True) -> None:
        self._models, self._name, self.alias, self._required = models, name, alias, required
        self.scorer: Scorer | None = None
        self.files: ModelFiles | None = None
        self.error = ""
        self._tried: str | None = None

    def load(self) -> None:
        """Load the version of the alias, before anything is scored; takes 0.1 s. Never raises for a
        bad model: see `error`.
        """
        try:
            self._tried = self._alias_version()
            if self._tried is not None:
                self._use(*self._load(self._tried))
        except (ModelRefused, LightGBMError, ValueError) as refused:
            self._refuse(refused)

    @property
    def metrics(self) -> dict[str, Any]:
        """The figures stored with the version; empty without a model."""
        return self.files.metrics if self.files else {}

    async def reload_if_moved(self) -> bool:
        """Load the version that the alias points to now, in a thread. Returns whether another model
        decides from now on.

        A refused version leaves the old one in place, and is not tried again until the alias moves.
        """
        try:
            version = self._alias_version()
            if version == self._tried:
                return False
            self._tried = version
            if version is None:
                self.scorer, self.files, self.error = None, None, ""
                return True
            self._use(*await asyncio.to_thread(self._load, version))
        except (ModelRefused, LightGBMError, ValueError) as refused:
            self._refuse(refused)
            return False
        return True

    def _alias_version(self) -> str | None:
        """The version of the alias; None when it is optional and not set. Raises `ModelRefused`."""
        if not self._required and self.alias not in registry.aliases(self._models, self._name):
            return None
        return registry.version_of(self._models, self._name, self.alias)

    def _load(self, version: str) -> tuple[ModelFiles, Scorer]:
        files = registry.read(self._models / self._name / version)
        return files, Scorer(files)

    def _use(self, files: ModelFiles, scorer: Scorer) -> None:
        self.files, self.scorer, self.error = files, scorer, ""
        log.info("model_in_use", extra={"alias": self.alias, "model": files.reference})

    def _refuse(self, refused: Exception) -> None:
        if str(refused) != self.error:
            self.error = str(refused)
            log.error("model_refused", extra={"alias": self.alias, "error": self.error})
