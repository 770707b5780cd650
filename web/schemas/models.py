"""Models of the model registry: features, versions, a challenger with the champion, and drift."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class FeatureInfo(BaseModel):
    name: str
    group: str
    unit: str
    meaning: str


class ModelVersion(BaseModel):
    version: str
    digest: str | None = Field(
        None, description="first 12 hex digits of the sha256 of its manifest"
    )
    cutoffs: dict[str, float] | None = None
    metrics: dict[str, float] | None = Field(None, description="figures on its own test part")
    error: str | None = Field(None, description="why it cannot be used")


class CurveReport(BaseModel):
    """Precision against recall on what is labelled, point by point."""

    average_precision: float
    recall: list[float]
    precision: list[float]


class ShadowReport(BaseModel):
    """A challenger beside the decisions that were made, on the same transactions."""

    model: str = Field(description="the challenger, `name:version`")
    hours: float
    transactions: int
    same: float | None = Field(description="share of equal decisions")
    stricter: int
    laxer: int
    shift: float = Field(description="mean of the challenger's probability minus the decided one")
    labelled: int
    champion: CurveReport | None = Field(description="null while no fraud among them is labelled")
    challenger: CurveReport | None


class ModelReport(BaseModel):
    name: str
    in_use: str | None
    error: str | None = Field(description="why there is no model, or why a newer one was refused")
    aliases: dict[str, str]
    versions: list[ModelVersion]
    shadow: ShadowReport | None


class FeatureDrift(BaseModel):
    feature: str
    psi: float = Field(
        description="population stability index: below 0.1 nothing, "
        "from 0.2 on somebody should look"
    )
    missing: float
    reference_missing: float


class DriftReport(BaseModel):
    """Measured every minute over the latest 5,000 decisions of a day; empty below 500."""

    model: str | None
    measured_at: datetime | None
    transactions: int
    features: list[FeatureDrift]
