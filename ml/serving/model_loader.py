"""The model that an alias stands for, loaded; or none: a worker starts and goes on without one, and
says so in each decision.
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


class ModelLoader:
    """`scorer` is the loaded model; `error` says why there is none, or why a newer one was refused
    and the old one stays.

    A decision takes `scorer` once for its whole batch, so no batch is decided by two versions.
    """

    def __init__(self, models: Path, name: str, alias: str, *, required: bool = True) -> None:
        self._models, self._name, self.alias, self._required = models, name, alias, required
        self.scorer: Scorer | None = None
        self.files: ModelFiles | None = None
        self.error = ""
        self._seen: str | None = None

    def load(self) -> None:
        """Load what the alias stands for, before anything is scored. Takes a tenth of a second."""
        try:
            self._seen = self._wanted()
            if self._seen is not None:
                self._use(*self._load(self._seen))
        except (ModelRefused, LightGBMError, ValueError) as refused:
            self._refuse(refused)

    @property
    def metrics(self) -> dict[str, Any]:
        """The figures that the version was stored with."""
        return self.files.metrics if self.files else {}

    async def reload_if_moved(self) -> bool:
        """Load what the alias stands for now, beside the loop; whether another model decides from
        here on.

        A version that is refused leaves the old one in place, and is not tried again until the
        alias moves.
        """
        try:
            wanted = self._wanted()
            if wanted == self._seen:
                return False
            self._seen = wanted
            if wanted is None:
                self.scorer, self.files, self.error = None, None, ""
                return True
            self._use(*await asyncio.to_thread(self._load, wanted))
        except (ModelRefused, LightGBMError, ValueError) as refused:
            self._refuse(refused)
            return False
        return True

    def _wanted(self) -> str | None:
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
