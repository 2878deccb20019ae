"""Settings: flag > environment QA_* > qa.toml > default. The only module that reads the environment."""

from __future__ import annotations

import difflib
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from index.embedder import DEFAULT_MODEL
from index.records import DEFAULT_COLLECTION
from qa.errors import ConfigError

PREFIX = "QA_"
MOST_WORKERS = 64
CONFIG_FILE = "qa.toml"
# Variables of the same prefix that are no settings: where benchmarks look for public data.
_NOT_SETTINGS = frozenset({"QA_BENCH_DATA"})


class Settings(BaseModel):
    """Every setting, with its default and what it means; the table in README.md is made from these."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path = Field(Path(".qa"), description="the data directory")
    store: Literal["local", "milvus"] = Field(
        "local", description="where the index lies: `local`, in the data directory; `milvus`, in Milvus and PostgreSQL"
    )
    milvus_uri: str = Field("", description="address of Milvus (`http://host:19530`), or a file for Milvus Lite")
    milvus_token: SecretStr = Field(SecretStr(""), description="key for Milvus, `user:password` or a token; empty: none")
    milvus_index: Literal["AUTOINDEX", "FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8", "DISKANN"] = Field(
        "AUTOINDEX", description="kind of index that Milvus makes of vectors; for new indexes, and Lite takes `FLAT`"
    )
    milvus_replicas: int = Field(
        1, ge=1, description="on how many query nodes of Milvus each passage is; from 2 on one may be lost; for new indexes"
    )
    catalog_url: SecretStr = Field(
        SecretStr(""), description="address of the PostgreSQL database that goes with Milvus (`postgresql://user@host/name`)"
    )
    collection: str = Field(DEFAULT_COLLECTION, min_length=1, description="the collection used when none is named")
    embedder: str = Field(
        DEFAULT_MODEL, min_length=1, description="the bundled model, a local folder, or a sentence-transformers name"
    )
    pdf_passwords: tuple[SecretStr, ...] = Field((), description="passwords tried on encrypted PDFs, separated by commas")
    file_seconds: float = Field(30.0, gt=0, description="seconds that reading one file may take")
    file_memory: int = Field(1500, ge=1000, description="MB of address space that reading one file may take")
    engine: Literal["local", "ray"] = Field(
        "local", description="what `qa index` reads and embeds with: this process, or `ray`, a cluster (extra `ray`)"
    )
    ray_address: str = Field(
        "", pattern=r"^(.+:\d+)?$", description="host:port of the Ray cluster; empty: one on this machine, for the run"
    )
    ray_workers: int = Field(0, ge=0, description="workers of it that embed; 0: half of its processors")
    threads: int = Field(0, ge=0, description="threads for embedding; 0 lets the library choose")
    k: int = Field(8, ge=1, le=50, description="passages that an answer is made from")
    model: str = Field("", description="the LLM, as litellm names it (`openai/gpt-4o-mini`, `ollama/llama3.2`); empty: none")
    models: tuple[str, ...] = Field((), description="further models that a request may ask for, separated by commas")
    api_base: str = Field("", description="address of the LLM's API, for own or local servers")
    api_key: SecretStr = Field(SecretStr(""), description="key for the LLM; empty: the provider's own variable")
    llm_timeout: float = Field(60.0, gt=0, le=600, description="seconds after which a written answer is cut off")
    llm_calls: int = Field(2, ge=1, le=20, description="calls to an LLM that one answer may take, all kinds together")
    fallbacks: tuple[str, ...] = Field((), description="models asked in turn when the first fails, separated by commas")
    context_tokens: int = Field(0, ge=0, description="tokens that the model reads; 0: as litellm's list says, else 8192")
    prefer_newer: float = Field(
        0.0, ge=0, le=1, description="how much the newer of two documents is preferred; 0: not at all, 1: as much as its fit"
    )
    answer_risk: float = Field(
        0.33, gt=0, lt=1, description="share of quoted answers that may be wrong; less makes it refuse more often"
    )
    reranker: str = Field(
        "reader",
        min_length=1,
        description="what orders the best passages: `reader` (embedded), `none`, or a cross-encoder (a folder, or a name)",
    )
    judge: str = Field(
        "reader",
        description="what judges claims beyond the rules: `reader` (embedded, may only doubt), `none`, `llm`, or an NLI "
        "cross-encoder (a folder, or a name on the hub)",
    )
    only_supported: bool = Field(False, description="leave out of written answers what is not borne out by its citations")
    max_tokens: int = Field(1500, ge=64, description="longest reply asked of the LLM, in tokens")
    temperature: float = Field(0.0, ge=0, le=2, description="randomness of the LLM")
    prompts: Path | None = Field(None, description="a folder with your own versions of the files in prompts/")
    max_question: int = Field(4000, ge=10, description="longest question, in characters")
    workers: int = Field(
        1, ge=1, le=MOST_WORKERS, description="processes that `qa serve` answers by; more than 1 need the extra `workers`"
    )
    at_once: int = Field(8, ge=1, le=64, description="requests that each of them works on at once")
    queue: int = Field(32, ge=0, le=512, description="requests that may wait for that; more are told to come back (503)")
    llm_concurrency: int = Field(8, ge=1, description="calls to an LLM that go on at once, over all questions of a process")
    rate_limit: int = Field(
        1200, ge=0, description="requests a minute that one key, or one address without a key, may send; 0: any number"
    )
    ask_limit: int = Field(240, ge=0, description="questions a minute that one key or address may send; 0: any number")
    trusted_proxies: tuple[str, ...] = Field(
        (), description="addresses or networks of proxies whose X-Forwarded-For and -Proto are believed, separated by commas"
    )
    uploads: Path | None = Field(
        None, description="a folder where files that people send by the web form are put; empty: none may"
    )
    upload_size: int = Field(50, ge=1, le=500, description="MB that one file sent by the web form may have")
    reindex: bool = Field(False, description="let people start indexing again from the web form")
    host: str = Field("127.0.0.1", description="address that `qa serve` listens on")
    open_access: bool = Field(
        False, description="answer without keys although `host` or `mcp_host` can be reached from other machines"
    )
    port: int = Field(8765, ge=0, le=65535, description="port that `qa serve` listens on")
    drain_seconds: float = Field(
        25.0, ge=0, description="seconds that what was asked may still take when `qa serve` is told to stop"
    )
    log_format: Literal["plain", "json"] = Field(
        "plain", description="how `qa serve` writes its log: `plain` or `json` lines"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "WARNING", description="what it writes: `INFO` adds a line for each request, without its contents"
    )
    mcp_host: str = Field("127.0.0.1", min_length=1, description="address that `qa mcp --http` listens on")
    mcp_port: int = Field(8766, ge=0, le=65535, description="port that `qa mcp --http` listens on")
    base_url: str = Field("", description="address under which people reach the server; makes citation links absolute")
    slack_signing_secret: SecretStr = Field(
        SecretStr(""), description="the signing secret of a Slack app; empty: Slack is not answered"
    )
    slack_bot_token: SecretStr = Field(
        SecretStr(""), description="its bot token, for mentions and direct messages; empty: slash commands only"
    )
    slack_api: str = Field("https://slack.com/api/", description="address of Slack's API")
    slack_hooks: str = Field("https://hooks.slack.com", description="address below which answers to Slack may be sent")
    mattermost_token: SecretStr = Field(
        SecretStr(""), description="the token of a Mattermost slash command; empty: Mattermost is not answered"
    )
    mattermost_url: str = Field("", description="address of the Mattermost server, the only one answers to it are sent to")
    trusted_hosts: tuple[str, ...] = Field((), description="further host names the server answers to, separated by commas")

    @field_validator("models", "fallbacks", "trusted_hosts", "trusted_proxies", "pdf_passwords", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            ip_network(one, strict=False)
        return value

    @field_validator("milvus_uri")
    @classmethod
    def _holds_no_key(cls, value: str) -> str:
        """Refuse what pymilvus would, without repeating it, and an address with a key in it: an address is shown."""
        if value and not value.endswith(".db") and not re.match(r"(https?|tcp|unix)://[^@]+$", value):
            raise ValueError("write it as http://host:19530, or a file that ends in .db; a key belongs into `milvus_token`")
        return value

    @field_validator("base_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @property
    def is_local(self) -> bool:
        """Whether the server listens to this machine only."""
        return is_loopback(self.host)

    @property
    def all_models(self) -> tuple[str, ...]:
        """The models that a request may ask for, the default one first."""
        return tuple(dict.fromkeys(name for name in (self.model, *self.models) if name))


@dataclass(frozen=True)
class Loaded:
    """Settings, and for each where its value comes from: "flag", "environment", "qa.toml" or "default"."""

    settings: Settings
    origins: Mapping[str, str]


def is_loopback(host: str) -> bool:
    """Say whether what listens on a host can be reached from this machine only."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def host_in_url(host: str) -> str:
    """Return a host as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


def load_settings(flags: Mapping[str, object] | None = None, folder: Path | None = None) -> Loaded:
    """Read the settings. flags: values given on the command line, None for those that were not.

    folder: where qa.toml is looked for; the working directory by default.
    Raises ConfigError, naming the setting and where it was set.
    """
    sources = (
        ("flag", {key: value for key, value in (flags or {}).items() if value is not None}),
        ("environment", _from_environment(os.environ)),
        ("qa.toml", _from_file((folder or Path()) / CONFIG_FILE)),
    )
    values: dict[str, object] = {}
    origins = dict.fromkeys(Settings.model_fields, "default")
    for origin, found in reversed(sources):
        for key, value in found.items():
            _check_known(key, origin)
            values[key], origins[key] = value, origin
    try:
        return Loaded(Settings.model_validate(values), origins)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0])
        raise ConfigError(f"{name} ({origins.get(name, 'default')}): {first['msg']}", "see: qa config show") from None


def shown_value(settings: Settings, name: str) -> str:
    """Return a value as people may see it: secrets masked, paths and lists as they are written."""
    value = getattr(settings, name)
    if isinstance(value, SecretStr):
        return "********" if value.get_secret_value() else ""
    if isinstance(value, tuple):
        return ",".join("********" if isinstance(one, SecretStr) else one for one in value)
    return "" if value is None else str(value)


def wants_traces() -> bool:
    """Say whether OpenTelemetry's own variables name a place for traces, and do not turn them off."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    places = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return not off and any(os.environ.get(name) for name in places)


def user_config_folder() -> Path:
    """Return the folder where this system's applications keep a user's settings."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def is_secret(settings: Settings, name: str) -> bool:
    """Say whether a setting holds what must not be written down elsewhere."""
    value = getattr(settings, name)
    return isinstance(value, SecretStr) or (isinstance(value, tuple) and any(isinstance(one, SecretStr) for one in value))


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    # an empty variable is one that is not set
    names = (name for name in environ if name.startswith(PREFIX) and name not in _NOT_SETTINGS and environ[name])
    return {name.removeprefix(PREFIX).lower(): environ[name] for name in names}


def _from_file(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})", "mend or remove it") from error


def _check_known(key: str, origin: str) -> None:
    if key in Settings.model_fields:
        return
    close = difflib.get_close_matches(key, Settings.model_fields, n=1)
    name = f"{PREFIX}{key.upper()}" if origin == "environment" else key
    hint = f'did you mean "{close[0]}"?' if close else "see: qa config show"
    raise ConfigError(f"{name} ({origin}): there is no such setting", hint)
