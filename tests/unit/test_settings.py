"""Settings: where they come from, what is refused, and that secrets are never shown."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from fraud_app.cli.config import flattened
from fraud_app.settings import ROOT, Settings, describe_errors


def with_environment(monkeypatch, **values):
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)


def test_settings_come_from_the_environment(monkeypatch):
    settings = with_environment(
        monkeypatch,
        FRAUD_KAFKA__BROKERS="a:1,b:2",
        FRAUD_WEB__ALLOWED_ORIGINS="https://a, https://b",
    )
    assert settings.kafka.brokers == "a:1,b:2"
    assert settings.web.allowed_origins == ["https://a", "https://b"]


def test_all_errors_are_told_at_once_by_the_name_that_sets_them(monkeypatch):
    with pytest.raises(ValidationError) as refused:
        with_environment(
            monkeypatch,
            FRAUD_WEB__PORT="0",
            FRAUD_KAFKA__PARTITIONS="many",
            FRAUD_STREAM__CLOCK="moon",
        )
    text = describe_errors(refused.value)
    for name in ("FRAUD_WEB__PORT", "FRAUD_KAFKA__PARTITIONS", "FRAUD_STREAM__CLOCK"):
        assert name in text


def test_an_open_address_without_keys_is_refused(monkeypatch):
    with pytest.raises(ValidationError, match="FRAUD_AUTH__MODE=keys"):
        with_environment(monkeypatch, FRAUD_WEB__BIND="0.0.0.0")
    settings = with_environment(
        monkeypatch, FRAUD_AUTH__MODE="keys", FRAUD_AUTH__KEY_HASHES="a" * 64
    )
    assert settings.web.bind == "0.0.0.0"


def test_keys_without_a_key_are_refused(monkeypatch):
    with pytest.raises(ValidationError, match="there is no key"):
        with_environment(monkeypatch, FRAUD_AUTH__MODE="keys")


def test_secrets_are_never_shown(monkeypatch):
    settings = with_environment(
        monkeypatch,
        FRAUD_POSTGRES__DSN="postgresql://u:hunter2@h/d",
        FRAUD_REDIS__URL="redis://:hunter2@h",
    )
    shown = dict(flattened(settings))
    assert "hunter2" not in str(shown)
    assert "hunter2" not in repr(settings)
    assert shown["FRAUD_WEB__PORT"] == 6066


def test_errors_do_not_repeat_secrets(monkeypatch):
    with pytest.raises(ValidationError) as refused:
        with_environment(monkeypatch, FRAUD_AUTH__MODE="keys", FRAUD_AUTH__KEY_HASHES="hunter2")
    assert "hunter2" not in describe_errors(refused.value)


def test_a_file_gives_what_the_environment_does_not(monkeypatch, tmp_path):
    path = tmp_path / "fraud.toml"
    path.write_text('[kafka]\nbrokers = "file:9092"\npartitions = 12\n')
    settings = with_environment(
        monkeypatch, FRAUD_CONFIG=str(path), FRAUD_KAFKA__BROKERS="env:9092"
    )
    assert (settings.kafka.brokers, settings.kafka.partitions) == ("env:9092", 12)


def test_the_command_line_shows_the_settings():
    process = subprocess.run(
        [sys.executable, "-m", "fraud_app", "config", "show"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert "FRAUD_KAFKA__BROKERS=" in process.stdout


def test_faust_itself_finds_the_application_and_its_agents():
    process = subprocess.run(
        [sys.executable, "-m", "faust", "-A", "fraud_app", "agents"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert "scoring" in process.stdout
