"""`python -m devtools.generate.reference` writes `docs/reference.md`: settings, topics, features
and metrics, from the code itself.
"""

from __future__ import annotations

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from fraud_app import metrics, topics
from fraud_app.settings import ROOT, Settings
from ml.features import CATALOGUE

PATH = ROOT / "docs" / "reference.md"
_OF_THE_PLACE = {"FRAUD_MODEL__DIR": "models/ of the checkout"}


def text() -> str:
    """The whole page."""
    return "\n".join(
        (
            "# Reference",
            "",
            "Made by `python -m devtools.generate.reference`; a test fails while it differs from the code.",
            "",
            "## Settings",
            "",
            "From the environment, `.env`, a file in `FRAUD_SECRETS_DIR`, or `fraud.toml` (`FRAUD_CONFIG` names another).",
            "",
            "| name | default | meaning |",
            "|---|---|---|",
            *_settings(),
            "",
            "## Topics",
            "",
            "| topic | key | partitions | configuration |",
            "|---|---|---|---|",
            *_topics(),
            "",
            "## Features",
            "",
            "In the order of the model's input. *shared*: from Redis, missing while it is away.",
            "",
            "| feature | group | unit | meaning |",
            "|---|---|---|---|",
            *_features(),
            "",
            "## Metrics",
            "",
            "At `/metrics`.",
            "",
            "| metric | type | labels | meaning |",
            "|---|---|---|---|",
            *_metrics(),
            "",
        )
    )


def _settings() -> list[str]:
    lines = []
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for inner, one in field.annotation.model_fields.items():
                lines.append(_setting(f"FRAUD_{name}__{inner}".upper(), one))
        else:
            lines.append(_setting(f"FRAUD_{name}".upper(), field))
    return lines


def _setting(name: str, field: FieldInfo) -> str:
    default = field.default
    shown = default.get_secret_value() if isinstance(default, SecretStr) else default
    if field.default_factory is not None:
        shown = "host and process"
    if isinstance(shown, list):
        shown = ",".join(shown)
    return f"| `{name}` | {_OF_THE_PLACE.get(name, f'`{shown}`' if shown != '' else '')} | {field.description or ''} |"


def _topics() -> list[str]:
    return [
        f"| `{one.name}` | {one.key} | {one.partitions or '`FRAUD_KAFKA__PARTITIONS`'} | "
        f"{', '.join(f'{key}={value}' for key, value in one.config.items())} |"
        for one in topics.TOPICS
    ]


def _features() -> list[str]:
    return [
        f"| `{one.name}` | {one.group.replace('_', ' ')}{' *shared*' if one.shared else ''} | {one.unit} | {one.meaning} |"
        for one in CATALOGUE
    ]


def _metrics() -> list[str]:
    suffix = {"counter": "_total", "info": "_info"}
    return [
        f"| `{one._name}{suffix.get(one._type, '')}` | {one._type} | {', '.join(one._labelnames)} | {one._documentation} |"
        for one in vars(metrics).values()
        if hasattr(one, "_documentation")
    ]


if __name__ == "__main__":
    PATH.write_text(text())
