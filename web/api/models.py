"""The models over HTTP: the champion, the versions in the registry, the challenger's figures and
the drift of the traffic. This module only reads; a version is promoted on the command line.
"""

from __future__ import annotations

from aiohttp import web

from fraud_app.postgres import drift as drift_table
from fraud_app.postgres import shadow_scores
from fraud_app.resources import champion, config
from ml.serving import registry
from ml.serving.registry import ModelRefused, name_and_version
from web.api.query import query
from web.http.body import answer
from web.schemas.models import (
    CurveReport,
    DriftReport,
    FeatureDrift,
    ModelReport,
    ModelVersion,
    ShadowReport,
)

SHADOW_HOURS = 24.0
"""A whole day, since traffic differs by the hour."""


async def current_model(request: web.Request) -> web.Response:
    """The model that decides, its cutoffs and its figures on the test part."""
    scorer = champion.scorer
    return answer(
        {
            "model": scorer.reference if scorer else None,
            "alias": config.model.alias,
            "cutoffs": scorer.cutoffs._asdict() if scorer else None,
            "metrics": champion.metrics,
            "error": champion.error or None,
        }
    )


async def models(request: web.Request) -> web.Response:
    """All versions, what the aliases stand for, and the challenger beside the champion over the
    last 24 hours.
    """
    store, name = config.model.dir, config.model.name
    try:
        aliases = registry.aliases(store, name)
    except ModelRefused:
        aliases = {}
    report = ModelReport(
        name=name,
        in_use=champion.scorer.reference if champion.scorer else None,
        error=champion.error or None,
        aliases=aliases,
        versions=[_version(version) for version in reversed(registry.versions(store, name))],
        shadow=await _shadow(f"{name}:{aliases[registry.CHALLENGER]}")
        if registry.CHALLENGER in aliases
        else None,
    )
    return answer(report.model_dump(mode="json"))


def _version(version: str) -> ModelVersion:
    """A version of the registry, or the reason why it cannot be used."""
    try:
        files = registry.read(config.model.dir / config.model.name / version)
    except ModelRefused as refused:
        return ModelVersion(version=version, error=str(refused))
    return ModelVersion(
        version=version,
        digest=files.digest,
        cutoffs=files.cutoffs._asdict(),
        metrics=files.metrics.get("test"),
    )


async def _shadow(challenger: str) -> ShadowReport:
    """The challenger (`name:version`) compared with the decisions of the last 24 hours."""
    agreement = await query(lambda pool: shadow_scores.compare(pool, challenger, SHADOW_HOURS))
    fields = agreement._asdict() | {
        "same": agreement.same if agreement.transactions else None,
        "champion": agreement.champion and CurveReport(**agreement.champion._asdict()),
        "challenger": agreement.challenger and CurveReport(**agreement.challenger._asdict()),
    }
    return ShadowReport(model=challenger, hours=SHADOW_HOURS, **fields)


async def drift(request: web.Request) -> web.Response:
    """The latest measurement of drift against what the champion was trained on, the largest index
    first.
    """
    scorer = champion.scorer
    name = name_and_version(scorer.reference) if scorer else None
    measurement = None
    if name is not None:
        measurement = await query(lambda pool: drift_table.latest_measurement(pool, name))
    report = DriftReport(model=name, measured_at=None, transactions=0, features=[])
    if measurement:
        report = DriftReport(
            model=name,
            measured_at=measurement.at,
            transactions=measurement.transactions,
            features=[FeatureDrift(**feature._asdict()) for feature in measurement.features],
        )
    return answer(report.model_dump(mode="json"))
