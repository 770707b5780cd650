"""The model of an error response."""

from __future__ import annotations

from pydantic import BaseModel, Field

from web.schemas.dead_letters import DeadLetter


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[dict[str, str]] | None = None
    dead_letters: list[DeadLetter] | None = Field(
        None, description="of a transaction that is not in the history, with the code dead_lettered"
    )
