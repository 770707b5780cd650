"""`python -m devtools.generate.schemas` writes `schemas/`: JSON Schema 2020-12 of each event, and
AsyncAPI 3.0 of the topics. Both come from the contracts' models; the files are never edited by
hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel

from fraud_app import __version__, topics
from fraud_app.contracts.dead_letter import HEADERS
from fraud_app.contracts.json_schema import with_unwrapped_descriptions
from fraud_app.contracts.label import Label
from fraud_app.contracts.scored import ScoredTransaction
from fraud_app.contracts.transaction import Transaction
from fraud_app.settings import ROOT

DIRECTORY = ROOT / "schemas"
_JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_EVENTS: dict[str, tuple[type[BaseModel], str, str]] = {
    "transaction": (Transaction, topics.RAW, "A payment attempt, as a shop sends it."),
    "scored-transaction": (
        ScoredTransaction,
        topics.SCORED,
        "A transaction with its decision (CloudEvents 1.0, binary mode).",
    ),
    "label": (Label, topics.LABELS, "What became known of a transaction later."),
}
"""By the name of the event: its model, its topic and a summary."""
_ACTIONS = {
    "transaction": "receive",
    "label": "receive",
    "scored-transaction": "send",
    "dead-letter": "send",
}
"""What this application does with each event."""


def files() -> dict[str, bytes]:
    """The content of every file of `schemas/`, by its name."""
    schemas = {
        f"{name}.schema.json": _json(_schema(name, model))
        for name, (model, _, _) in _EVENTS.items()
    }
    return {**schemas, "asyncapi.json": _json(_asyncapi())}


def _schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of one event: as we write it, or as we accept it."""
    mode = "serialization" if model is ScoredTransaction else "validation"
    return {
        "$schema": _JSON_SCHEMA,
        "$id": f"urn:fraud-app:{name}",
        **with_unwrapped_descriptions(model.model_json_schema(mode=mode)),  # type: ignore[arg-type]
    }


def _asyncapi() -> dict[str, Any]:
    channels = {
        name: {
            "address": topic,
            "messages": {name: {"payload": {"$ref": f"{name}.schema.json"}, "summary": summary}},
        }
        for name, (_, topic, summary) in _EVENTS.items()
    }
    channels["dead-letter"] = {
        "address": topics.DEAD_LETTERS,
        "messages": {
            "dead-letter": {
                "summary": (
                    "The original key and value, with the reason in headers."
                    " Card data is masked, and dlq_masked says so."
                ),
                "headers": {
                    "type": "object",
                    "properties": {name: {"type": "string"} for name in HEADERS},
                },
                "payload": {},
            }
        },
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Fraud detection", "version": __version__, "license": {"name": "MIT"}},
        "channels": channels,
        "operations": {
            name: {"action": action, "channel": {"$ref": f"#/channels/{name}"}}
            for name, action in _ACTIONS.items()
        },
    }


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"


def main(directory: Path = DIRECTORY) -> None:
    """Write all files to `directory`."""
    for name, content in files().items():
        (directory / name).write_bytes(content)


if __name__ == "__main__":
    main()
