"""Parse addresses and other values of the settings, and make Django's, Redis' and Celery's configuration of them."""

from __future__ import annotations

import ipaddress
import zoneinfo
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from config.env import InvalidValueError
from recognition.crypto import parse_key

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

# Numbers of Redis databases: one for each purpose, so that emptying one never touches the others.
CACHE_DATABASE: Final = 1
CELERY_DATABASE: Final = 2
CHANNELS_DATABASE: Final = 3


def parse_origin(raw: str) -> str:
    """Return an origin as browsers write it (`https://school.example`): lower case, no path, no default port."""
    parts = urlsplit(raw.rstrip("/"))
    try:
        port = parts.port
    except ValueError:
        msg = f"the port in {raw} is not valid; write one from 1 to 65535"
        raise InvalidValueError(msg) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidValueError("write one or more origins, for example https://rollcall.school.example")
    if parts.path or parts.query or parts.fragment or parts.username:
        raise InvalidValueError("write scheme and host only, for example https://rollcall.school.example")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default_port = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != default_port else "")


def host_of(origin: str) -> str:
    """Return the host of an origin, as Django's ALLOWED_HOSTS has it (IPv6 in brackets)."""
    host = urlsplit(origin).hostname or ""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Return whether a host name or address reaches this machine only."""
    return host.strip("[]") in LOOPBACK_NAMES or host.startswith("127.")


def parse_network(raw: str) -> str:
    """Return an IP address or network in CIDR notation."""
    try:
        return str(ipaddress.ip_network(raw, strict=False))
    except ValueError:
        raise InvalidValueError("write addresses or networks, for example 10.0.0.0/8 or 127.0.0.1") from None


def parse_time_zone(raw: str) -> str:
    """Return a name of the time zone database, unchanged."""
    if raw not in zoneinfo.available_timezones():
        raise InvalidValueError("write a name like Europe/London; `timedatectl list-timezones` lists them")
    return raw


def parse_data_keys(raw: str) -> tuple[str, ...]:
    """Return the keys for face data, newest first."""
    keys = tuple(raw.replace(",", " ").split())
    for key in keys:
        try:
            parse_key(key)
        except ValueError as error:
            raise InvalidValueError(str(error)) from None
    return keys


def parse_secret_key(raw: str) -> str:
    """Return Django's key, unchanged, if it is too long to be guessed."""
    if len(raw) < 32:
        raise InvalidValueError("write at least 32 characters; `openssl rand -base64 48` makes one")
    return raw


def parse_database_url(raw: str) -> str:
    """Return a PostgreSQL address, unchanged."""
    parts = urlsplit(raw)
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise InvalidValueError("write postgresql://user:password@host:5432/name")
    return raw


def parse_redis_url(raw: str) -> str:
    """Return a Redis or Valkey address, unchanged. It must not name a database."""
    parts = urlsplit(raw)
    target = parts.path if parts.scheme == "unix" else parts.hostname
    if parts.scheme not in ("redis", "rediss", "unix") or not target:
        raise InvalidValueError(
            "write redis://host:6379, rediss://:password@host:6379 or unix:///path/of/socket"
        )
    if parts.scheme != "unix" and parts.path.strip("/"):
        raise InvalidValueError("leave the database number out: Rollcall uses databases 1, 2 and 3")
    return raw


def database_settings(url: str, *, statement_timeout: int, pool_size: int, overflow: int) -> dict[str, Any]:
    """Return Django's DATABASES entry for PostgreSQL with a connection pool.

    `statement_timeout` is in milliseconds. The query of `url` is passed to libpq (`sslmode`, for example).
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", parts.hostname or "")
    timeout = f"-c statement_timeout={statement_timeout}"
    options["options"] = " ".join(filter(None, (options.get("options"), timeout)))
    options.setdefault("application_name", "rollcall")
    return {
        "ENGINE": "dj_db_conn_pool.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
        # A connection goes back to the pool after each request; the pool checks it before it is used again,
        # so that requests after a restart of PostgreSQL do not fail.
        "CONN_MAX_AGE": 0,
        "POOL_OPTIONS": {
            "POOL_SIZE": pool_size,
            "MAX_OVERFLOW": overflow,
            "PRE_PING": True,
            "RECYCLE": 3600,
            "TIMEOUT": 10,
        },
    }


def redis_database_url(url: str, number: int) -> str:
    """Return the address of one database of a server, as redis-py reads it."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"{url}{'&' if parts.query else '?'}db={number}"
    return parts._replace(path=f"/{number}").geturl()


def celery_broker_url(url: str, number: int) -> str:
    """Return the address of one database of a server, as Celery (kombu) reads it."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"redis+socket://{quote(unquote(parts.path))}?virtual_host={number}"
    return redis_database_url(url, number)
