"""The catalogue of features over HTTP."""

from __future__ import annotations

from aiohttp import web

from ml.features import CATALOGUE
from web.http.body import answer
from web.schemas.models import FeatureInfo


async def features(request: web.Request) -> web.Response:
    """The catalogue of features, in the order of the model's input."""
    return answer(
        [
            FeatureInfo(
                **{name: getattr(feature, name) for name in FeatureInfo.model_fields}
            ).model_dump()
            for feature in CATALOGUE
        ]
    )
