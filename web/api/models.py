"""The model that decides, the versions in the registry, how a challenger does, and how far traffic
has moved.
"""

from __future__ import annotations

from aiohttp import web

from fraud_app.postgres import drift as measured
from fraud_app.postgres import shadow_scores
from fraud_app.resources import champion, config
from ml.serving import registry
from ml.serving.registry import ModelRefused, version_in
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
    found = await query(
        lambda connected: shadow_scores.compare(connected, challenger, SHADOW_HOURS)
    )
    told = found._asdict() | {
        "same": found.same if found.transactions else None,
        "champion": found.champion and CurveReport(**found.champion._asdict()),
        "challenger": found.challenger and CurveReport(**found.challenger._asdict()),
    }
    return ShadowReport(model=challenger, hours=SHADOW_HOURS, **told)


async def drift(request: web.Request) -> web.Response:
    """The latest measurement of drift against what the champion was trained on, the largest index
    first.
    """
    scorer = champion.scorer
    name = version_in(scorer.reference) if scorer else None
    found = None
    if name is not None:
        found = await query(lambda connected: measured.latest_measurement(connected, name))
    report = DriftReport(
        model=name,
        measured_at=found.at if found else None,
        transactions=found.transactions if found else 0,
        features=[FeatureDrift(**one._asdict()) for one in found.features] if found else [],
    )
    return answer(report.model_dump(mode="json"))
