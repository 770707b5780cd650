"""The description of one route, for aiohttp and for OpenAPI."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from aiohttp import web
from pydantic import BaseModel

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def pattern(path: str) -> str:
    """The path as aiohttp matches it. Its own placeholders leave out braces, which an id may have.

    >>> pattern("/api/users/{user_id}")
    '/api/users/{user_id:[^/]+}'
    """
    return re.sub(r"{(\w+)}", r"{\1:[^/]+}", path)


class Route(NamedTuple):
    """A route: its handler, and the models and status codes of its requests and responses."""

    method: str
    path: str
    handler: Handler
    tag: str
    answers: Mapping[int, type[BaseModel] | None] = MappingProxyType({200: None})
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    problems: tuple[int, ...] = ()
    media: str = "application/json"
    """Of an answer without a model."""
    many: bool = False
    """Whether the response is a list of the model."""
