"""`/openapi.json`: OpenAPI 3.1, built from the route table and from the very models that check the
requests, so that it cannot differ from the code. Nothing may be described by hand.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from apispec import APISpec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from fraud_app import __version__
from fraud_app.contracts.json_schema import unwrapped, with_unwrapped_descriptions
from web.http.body import answer
from web.http.problem import CONTENT_TYPE
from web.http.route import Route
from web.schemas.problem import ProblemDetails

EVERYWHERE = (400, 401, 403, 408, 414, 417, 431, 503)
"""Problems that every route may answer with: the request cannot be read, may not be made, or took
too long.
"""
_document = b"{}"


async def document(request: web.Request) -> web.Response:
    """The description of this API."""
    return answer(_document)


def describe(routes: Sequence[Route]) -> None:
    """Build the document once, at start."""
    global _document
    _document = orjson.dumps(build(routes), option=orjson.OPT_INDENT_2)


def build(routes: Sequence[Route]) -> dict[str, Any]:
    """The OpenAPI document as a dictionary."""
    spec = APISpec(
        title="Fraud detection",
        version=__version__,
        openapi_version="3.1.0",
        info={
            "description": "Decisions on payments within milliseconds, with reasons. "
            "Errors are RFC 9457 problem details.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        servers=[{"url": "/"}],
        security=[{}, {"key": []}, {"browser": []}],
    )
    spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    spec.components.security_scheme("browser", {"type": "http", "scheme": "basic"})
    for name, schema in _schemas(routes).items():
        spec.components.schema(name, schema)
    for route in routes:
        spec.path(route.path, operations={route.method.lower(): _operation(route)})
    unwrapped_document: dict[str, Any] = with_unwrapped_descriptions(spec.to_dict())
    return unwrapped_document


def _schemas(routes: Sequence[Route]) -> dict[str, Any]:
    """The JSON schema of every model, by name. A model that is used both ways is described as a
    request, with its defaults.
    """
    requests = {route.body for route in routes if route.body}
    responses = {model for route in routes for model in route.answers.values() if model}
    responses.add(ProblemDetails)
    models: list[tuple[type[BaseModel], Any]] = [(model, "validation") for model in requests]
    models += [(model, "serialization") for model in responses if model not in requests]
    _, definitions = models_json_schema(
        sorted(models, key=lambda item: item[0].__name__),
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas


def _operation(route: Route) -> dict[str, Any]:
    """One operation. The first paragraph of the handler's docstring is its summary."""
    text = unwrapped(inspect.getdoc(route.handler) or "")
    summary, _, description = text.partition("\n")
    path_name = re.sub(r"[^a-zA-Z0-9]+", "_", route.path).rstrip("_")
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{path_name}",
        "tags": [route.tag],
        "summary": summary,
        "parameters": _parameters(route),
        "responses": {},
    }
    if description.strip():
        operation["description"] = description.strip()
    if route.body:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(route.body)}},
        }
    for status, model in route.answers.items():
        operation["responses"][str(status)] = {
            "description": HTTPStatus(status).phrase,
            **_content(route, status, model),
        }
    for status in sorted(_problems(route)):
        answered = operation["responses"].setdefault(
            str(status), {"description": HTTPStatus(status).phrase}
        )
        answered.setdefault("content", {})[CONTENT_TYPE] = {"schema": _reference(ProblemDetails)}
    return operation


def _content(route: Route, status: int, model: type[BaseModel] | None) -> dict[str, Any]:
    """The body of an answer: a model, or anything of the route's media type."""
    if status in (HTTPStatus.SWITCHING_PROTOCOLS, HTTPStatus.NO_CONTENT):
        return {}
    if model:
        return {"content": {"application/json": {"schema": _schema(model, many=route.many)}}}
    kind = "object" if route.media == "application/json" else "string"
    return {"content": {route.media: {"schema": {"type": kind}}}}


def _problems(route: Route) -> set[int]:
    """The statuses of all problems that the route may answer with."""
    statuses = {*route.problems, *EVERYWHERE}
    if "{" in route.path:
        statuses |= {404, 422}
    if route.query:
        statuses.add(422)
    return statuses


def _parameters(route: Route) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    if route.query:
        schema = route.query.model_json_schema(ref_template="#/components/schemas/{model}")
        for name, field in schema["properties"].items():
            field_schema = {
                key: value for key, value in field.items() if key not in ("title", "description")
            }
            parameter = {"name": name, "in": "query", "required": False, "schema": field_schema}
            if "description" in field:
                parameter["description"] = field["description"]
            parameters.append(parameter)
    return parameters


def _schema(model: type[BaseModel], *, many: bool) -> dict[str, Any]:
    return {"type": "array", "items": _reference(model)} if many else _reference(model)


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
