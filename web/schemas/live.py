"""Model of the live feed's query."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from tables.redis import live_feed


def _cursor(value: str) -> str:
    if value:
        live_feed.position(value)
    return value


class LiveQuery(BaseModel):
    """What a client of `/ws` wants to see."""

    types: Annotated[
        str,
        Field(
            pattern=r"^(scored|alert)?(,(scored|alert))*$",
            description="scored for every decision, alert for what is not approved; with a comma "
            "for both",
        ),
    ] = "scored,alert"
    min_score: Annotated[int, Field(ge=0, le=99)] = 0
    since: Annotated[
        str,
        AfterValidator(_cursor),
        Field(
            pattern=r"^([0-9]{1,20}(-[0-9]{1,20})?)?$",
            description="id of the last event that was received; the feed goes on after it",
        ),
    ] = ""
