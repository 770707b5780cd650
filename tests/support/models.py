"""The registry of the running workers. They look at it every second, so whoever moves an alias
waits until all of them have followed.
"""

from __future__ import annotations

from pathlib import Path

import orjson

from devtools.stack.test_cluster import Cluster
from ml.serving import registry
from ml.serving.promotion import AgainstChampion
from tests.support.api_client import until
from tests.support.cluster import clients_of

NAME = "fraud-lgbm"
COMPARED = AgainstChampion(
    champion="fraud-lgbm:one@0123456789ab",
    transactions=9_000,
    frauds=80,
    customers=3_000,
    trees=90,
    cost_eur=900.0,
    champion_cost_eur=1_000.0,
    saving_low_eur=10.0,
    saving_high_eur=190.0,
    pr_auc=0.8,
    champion_pr_auc=0.7,
    calibration_error=0.001,
    insult_rate=0.002,
    champion_insult_rate=0.002,
    review_rate=0.01,
    champion_review_rate=0.01,
    only_right=12,
    only_champion_right=3,
    mcnemar_p=0.035,
)
"""A version that may become the champion."""


def registry_of(running: Cluster) -> Path:
    """The directory of the registry."""
    return Path(running.environment["FRAUD_MODEL__DIR"])


async def version_decides(running: Cluster, version: str) -> None:
    """Wait until every worker decides with this version and has refused no other."""
    async with clients_of(running.addresses) as clients:
        for client in clients:
            await until(
                lambda client=client: client.get("/api/model"),
                lambda answer: f":{version}@" in answer.body["model"] and not answer.body["error"],
            )


def point_at(store: Path, alias: str, version: str) -> None:
    """Let an alias stand for a version that the registry would refuse. The file is replaced in one
    step: no worker may read half of it.
    """
    path = store / NAME / "aliases.json"
    part = path.with_suffix(".part")
    part.write_bytes(orjson.dumps({**registry.aliases(store, NAME), alias: version}))
    part.replace(path)
