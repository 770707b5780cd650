"""A worker's metrics, as Prometheus would read them."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.support.api_client import ApiClient


async def sample(api: ApiClient, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels."""
    text = (await api.get("/metrics")).body
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def server_errors(api: ApiClient) -> float:
    """How many requests were answered 5xx so far."""
    name = "fraud_http_request_duration_seconds_count"
    return sum([await sample(api, name, status=status) for status in ("500", "501", "504")])
