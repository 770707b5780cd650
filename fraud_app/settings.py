"""Every setting, its default and its meaning. They are read once, at start, and all errors are
reported together. An error must never show a value, since it may be a secret.

Precedence: environment (`FRAUD_KAFKA__BROKERS`), then `.env`, then `fraud.toml` (or the file that
`FRAUD_CONFIG` names), then the defaults here. A secret may come from a file: `FRAUD_SECRETS_DIR`
names a directory with one file for each setting.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from fraud_app.http_limits import HttpLimits

ROOT = Path(__file__).resolve().parent.parent


class Kafka(BaseModel):
    brokers: str = Field("localhost:9092", description="host:port, several parted by commas")
    partitions: int = Field(
        4,
        ge=1,
        le=1000,
        description="of every topic keyed by user; cannot change without a rebuild",
    )
    replication: int = Field(
        1, ge=1, le=5, description="replicas of each partition; 3 in production"
    )
    topic_epoch: int = Field(
        0,
        ge=0,
        le=2**32 - 1,
        description="least epoch of transactions.raw; from Kafka 2.8 on it follows the topic's id, "
        "before that raise it when the topic was made anew and the tables were kept",
    )
    session_timeout_s: float = Field(
        10.0, ge=6, le=300, description="silence after which a worker's partitions move"
    )
    commit_interval_s: float = Field(
        1.0,
        ge=0.1,
        le=60,
        description="how often offsets are committed; bounds what is replayed after a crash",
    )
    linger_ms: int = Field(
        0, ge=0, le=100, description="how long the producer waits to fill a batch"
    )


class Redis(BaseModel):
    url: SecretStr = Field(
        SecretStr("redis://localhost:6379/0"), description="redis:// or rediss:// or unix://"
    )
    deadline_ms: float = Field(
        15.0, gt=0, le=1000, description="longest wait for shared signals; then they are missing"
    )
    mirror_interval_ms: int = Field(
        50, ge=1, le=10_000, description="how often changed rows are copied to the mirror"
    )


class Postgres(BaseModel):
    dsn: SecretStr = Field(
        SecretStr("postgresql://localhost:5432/fraud"),
        description="postgresql://user:password@host/database",
    )
    pool_size: int = Field(4, ge=1, le=100, description="connections a process")
    statement_timeout_s: float = Field(5.0, gt=0, le=600, description="longest query of the API")
    transaction_pooling: bool = Field(False, description="behind PgBouncer in transaction mode")


class Web(HttpLimits):
    bind: str = Field("127.0.0.1", description="address that the API and the pages listen on")
    port: int = Field(6066, ge=1, le=65535)
    max_body_bytes: int = Field(
        65_536, ge=1024, le=1 << 24, description="largest body; 16 times as much for /score/batch"
    )
    request_timeout_s: float = Field(10.0, gt=0, le=300)
    allowed_origins: Annotated[list[str], NoDecode] = Field(
        [], description="other origins whose pages may write or open /ws, parted by commas"
    )
    ws_clients: int = Field(
        200, ge=1, le=10_000, description="most WebSocket clients of one worker"
    )

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: Any) -> Any:
        return _split(value)


class Model(BaseModel):
    dir: Path = Field(ROOT / "models", description="the registry of models")
    name: str = Field("fraud-lgbm", pattern=r"^[a-z0-9][a-z0-9._-]{0,23}$")
    alias: str = Field("champion", description="which version decides")


class Auth(BaseModel):
    mode: Literal["off", "keys"] = Field(
        "off",
        description="off only on loopback; "
        "keys: Authorization: Bearer, or Basic with the key as password",
    )
    key_hashes: Annotated[list[str], NoDecode] = Field(
        [],
        description="SHA-256 (hex) of each accepted key, parted by commas; "
        "name=hash says whose verdicts it gives",
    )

    @field_validator("key_hashes", mode="before")
    @classmethod
    def _split_hashes(cls, value: Any) -> Any:
        return _split(value)

    @field_validator("key_hashes")
    @classmethod
    def _check_hashes(cls, value: list[str]) -> list[str]:
        if not all(re.fullmatch(r"([A-Za-z0-9._@-]{1,64}=)?[0-9a-f]{64}", item) for item in value):
            raise ValueError(
                "each must be 64 hexadecimal digits, or name=digits; "
                "`fraud key new` prints a key and its hash"
            )
        return value

    def holders(self) -> list[tuple[str, str]]:
        """(hash, holder) of each key; without a name, the holder is `key-` and the first digits."""
        parts = [item.rpartition("=") for item in self.key_hashes]
        return [(digest, name or f"key-{digest[:8]}") for name, _, digest in parts]


class Stream(BaseModel):
    data_dir: Path = Field(
        Path(".fraud/worker"), description="RocksDB tables of this worker; never shared by two"
    )
    clock: Literal["ingest", "occurred"] = Field(
        "ingest",
        description="clock of the windows; occurred only for trusted back-fills and simulations",
    )
    batch: int = Field(64, ge=1, le=10_000, description="most transactions scored together")
    in_flight: int = Field(
        4, ge=1, le=64, description="batches that may wait for the broker at once"
    )


class Log(BaseModel):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: console on a terminal, else JSON"
    )


class Settings(BaseSettings):
    """All settings. Raises `pydantic.ValidationError` with every error at once."""

    model_config = SettingsConfigDict(
        env_prefix="FRAUD_",
        env_nested_delimiter="__",
        env_file=".env",
        extra="forbid",
        secrets_dir=os.environ.get("FRAUD_SECRETS_DIR"),
    )

    kafka: Kafka = Kafka()
    redis: Redis = Redis()
    postgres: Postgres = Postgres()
    web: Web = Web()
    model: Model = Model()
    auth: Auth = Auth()
    stream: Stream = Stream()
    log: Log = Log()
    worker_id: str = Field(
        default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}",
        description="shown in health and metrics",
    )
    demo: bool = Field(False, description="show that this is a demonstration")

    @model_validator(mode="after")
    def _refuse_open_address_without_keys(self) -> Settings:
        if is_open_without_keys(self.auth.mode, self.web.bind):
            raise ValueError(
                f"web.bind is {self.web.bind}, which others can reach, and auth.mode is off: "
                "set FRAUD_AUTH__MODE=keys and FRAUD_AUTH__KEY_HASHES (`fraud key new`), "
                "or bind 127.0.0.1"
            )
        if self.auth.mode == "keys" and not self.auth.key_hashes:
            raise ValueError(
                "auth.mode is keys and there is no key: "
                "set FRAUD_AUTH__KEY_HASHES (`fraud key new`)"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(
            settings_cls, Path(os.environ.get("FRAUD_CONFIG", "fraud.toml"))
        )
        return init_settings, env_settings, dotenv_settings, file_secret_settings, toml


def is_open_without_keys(auth_mode: str, bind: str) -> bool:
    """Whether other machines can reach this address without a key."""
    return auth_mode == "off" and not is_loopback(bind)


def is_loopback(host: str) -> bool:
    """Whether a host name or an address can only be reached from this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def describe_errors(error: ValidationError) -> str:
    """Every error on a line, with the name of the setting, but no value: it may be a secret."""
    lines = ["The settings cannot be used:"]
    for details in error.errors(include_input=False, include_url=False):
        name = "__".join(str(part) for part in details["loc"]).upper()
        prefix = f"FRAUD_{name}: " if name else ""
        lines.append(f"  {prefix}{details['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)


@cache
def settings() -> Settings:
    """The settings, read once. Raises `SystemExit` with every error when they cannot be used."""
    try:
        return Settings()
    except ValidationError as error:
        raise SystemExit(describe_errors(error)) from None


def _split(value: Any) -> Any:
    """A text with commas as a list without empty items; any other value as it is."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]
