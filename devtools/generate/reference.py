"""`python -m devtools.generate.reference` writes `docs/reference.md`: settings, topics, features
and metrics, from the code itself. The page is never edited by hand.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from fraud_app import metrics, topics
from fraud_app.settings import ROOT, Settings
from ml.features import CATALOGUE

PATH = ROOT / "docs" / "reference.md"
_INSTALLATION_DEFAULTS = {"FRAUD_MODEL__DIR": "models/ of the checkout"}
"""Defaults that differ from one installation to the next, in words."""


def text() -> str:
    """The whole page, in Markdown."""
    return "\n".join(
        (
            "# Reference",
            "",
            "Made by `python -m devtools.generate.reference`;"
            " a test fails while it differs from the code.",
            "",
            "## Settings",
            "",
            "From the environment, `.env`, a file in `FRAUD_SECRETS_DIR`, or `fraud.toml`"
            " (`FRAUD_CONFIG` names another).",
            "",
            "| name | default | meaning |",
            "|---|---|---|",
            *_setting_rows(),
            "",
            "## Topics",
            "",
            "| topic | key | partitions | configuration |",
            "|---|---|---|---|",
            *_topic_rows(),
            "",
            "## Features",
            "",
            "In the order of the model's input. *shared*: from Redis, missing while it is away.",
            "",
            "| feature | group | unit | meaning |",
            "|---|---|---|---|",
            *_feature_rows(),
            "",
            "## Metrics",
            "",
            "At `/metrics`.",
            "",
            "| metric | type | labels | meaning |",
            "|---|---|---|---|",
            *_metric_rows(),
            "",
        )
    )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _setting_rows() -> list[str]:
    rows = []
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for inner_name, inner_field in field.annotation.model_fields.items():
                rows.append(_setting_row(f"FRAUD_{name}__{inner_name}".upper(), inner_field))
        else:
            rows.append(_setting_row(f"FRAUD_{name}".upper(), field))
    return rows


def _setting_row(name: str, field: FieldInfo) -> str:
    default = field.default
    shown = default.get_secret_value() if isinstance(default, SecretStr) else default
    if field.default_factory is not None:
        shown = "host and process"  # the only default that is computed: the worker's id
    if isinstance(shown, list):
        shown = ",".join(shown)
    code = f"`{shown}`" if shown != "" else ""
    return _row((f"`{name}`", _INSTALLATION_DEFAULTS.get(name, code), field.description or ""))


def _topic_rows() -> list[str]:
    return [
        _row(
            (
                f"`{topic.name}`",
                topic.key,
                str(topic.partitions or "`FRAUD_KAFKA__PARTITIONS`"),
                ", ".join(f"{key}={value}" for key, value in topic.config.items()),
            )
        )
        for topic in topics.TOPICS
    ]


def _feature_rows() -> list[str]:
    rows = []
    for feature in CATALOGUE:
        group = feature.group.replace("_", " ") + (" *shared*" if feature.shared else "")
        rows.append(_row((f"`{feature.name}`", group, feature.unit, feature.meaning)))
    return rows


def _metric_rows() -> list[str]:
    # The suffix that the client library adds to the name of such a metric on the page.
    suffixes = {"counter": "_total", "info": "_info"}
    rows = []
    for metric in vars(metrics).values():
        if hasattr(metric, "_documentation"):
            name = f"`{metric._name}{suffixes.get(metric._type, '')}`"
            labels = ", ".join(metric._labelnames)
            rows.append(_row((name, metric._type, labels, metric._documentation)))
    return rows


if __name__ == "__main__":
    PATH.write_text(text())
