"""The settings that bound what one client of the HTTP server may hold; part of `settings.Web`."""

from __future__ import annotations

from pydantic import BaseModel, Field


class HttpLimits(BaseModel):
    header_timeout_s: float = Field(
        5.0, gt=0, le=300, description="longest time for a request line and its headers to arrive"
    )
    body_timeout_s: float = Field(
        5.0, gt=0, le=300, description="longest time for a request body to arrive"
    )
    keepalive_timeout_s: float = Field(
        75.0,
        gt=0,
        le=3600,
        description="how long a connection waits for its next request; longer than a proxy in "
        "front does",
    )
    connections: int = Field(
        800,
        ge=1,
        le=100_000,
        description="most open connections of one worker; for a new one, the oldest that sent no "
        "whole request gives way, else the longest idle one",
    )
    connections_per_address: int = Field(
        400,
        ge=1,
        le=100_000,
        description="the same for one address (of IPv6, a /64); behind a proxy, which is one "
        "address, set it to FRAUD_WEB__CONNECTIONS",
    )
