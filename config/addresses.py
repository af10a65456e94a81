"""What follows from an address in the settings: origins, networks, database options. Pure functions."""

from __future__ import annotations

import ipaddress
import zoneinfo
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from config.env import NotUsableError
from recognition.crypto import parse_key

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

CACHE_DATABASE: Final = 1
CELERY_DATABASE: Final = 2
CHANNELS_DATABASE: Final = 3
"""Redis databases: one each, so that emptying one never touches the others."""


def origin(raw: str) -> str:
    """`https://school.example`, as browsers write an Origin: lower case, no path, no default port."""
    parts = urlsplit(raw.rstrip("/"))
    try:
        port = parts.port
    except ValueError:
        msg = f"the port of {raw} is no port; write one from 1 to 65535"
        raise NotUsableError(msg) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotUsableError("write one or more origins, for example https://rollcall.school.example")
    if parts.path or parts.query or parts.fragment or parts.username:
        raise NotUsableError("write scheme and host only, for example https://rollcall.school.example")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != default else "")


def host_of(address: str) -> str:
    """The host of an origin, as Django's ALLOWED_HOSTS wants it (IPv6 in brackets)."""
    host = urlsplit(address).hostname or ""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Whether a host name or address stays on this machine."""
    return host.strip("[]") in LOOPBACK_NAMES or host.startswith("127.")


def network(raw: str) -> str:
    """An IP address or network (CIDR)."""
    try:
        return str(ipaddress.ip_network(raw, strict=False))
    except ValueError:
        raise NotUsableError("write addresses or networks, for example 10.0.0.0/8 or 127.0.0.1") from None


def time_zone(raw: str) -> str:
    """A name of the time zone database."""
    if raw not in zoneinfo.available_timezones():
        raise NotUsableError("write a name like Europe/London; `timedatectl list-timezones` shows them")
    return raw


def data_keys(raw: str) -> tuple[str, ...]:
    """Keys for face data, newest first."""
    keys = tuple(raw.replace(",", " ").split())
    for key in keys:
        try:
            parse_key(key)
        except ValueError as why:
            raise NotUsableError(str(why)) from None
    return keys


def secret_key(raw: str) -> str:
    """Django's key: long enough that nobody guesses it."""
    if len(raw) < 32:
        raise NotUsableError("write at least 32 characters; `openssl rand -base64 48` makes one")
    return raw


def database_url(raw: str) -> str:
    """A PostgreSQL address, unchanged; other databases are refused."""
    parts = urlsplit(raw)
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise NotUsableError("write postgresql://user:password@host:5432/name")
    return raw


def redis_url(raw: str) -> str:
    """A Redis or Valkey address without database number, unchanged."""
    parts = urlsplit(raw)
    usable = parts.path if parts.scheme == "unix" else parts.hostname
    if parts.scheme not in ("redis", "rediss", "unix") or not usable:
        raise NotUsableError(
            "write redis://host:6379, rediss://:password@host:6379 or unix:///path/of/socket"
        )
    if parts.scheme != "unix" and parts.path.strip("/"):
        raise NotUsableError("leave the database number out: Rollcall uses databases 1, 2 and 3")
    return raw


def database_settings(url: str, *, statement_timeout: int, pool_size: int, overflow: int) -> dict[str, Any]:
    """Django's DATABASES entry for a pooled PostgreSQL; the query of `url` goes to libpq (`sslmode`)."""
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
        # A connection goes back to the pool after each request; the pool checks it before lending it again,
        # so that a restart of PostgreSQL is not seen by anybody.
        "CONN_MAX_AGE": 0,
        "POOL_OPTIONS": {
            "POOL_SIZE": pool_size,
            "MAX_OVERFLOW": overflow,
            "PRE_PING": True,
            "RECYCLE": 3600,
            "TIMEOUT": 10,
        },
    }


def redis_database(url: str, number: int) -> str:
    """The same server, one database of it, as redis-py reads it."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"{url}{'&' if parts.query else '?'}db={number}"
    return parts._replace(path=f"/{number}").geturl()


def broker_url(url: str, number: int) -> str:
    """The same server, one database of it, as Celery (kombu) reads it."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"redis+socket://{quote(unquote(parts.path))}?virtual_host={number}"
    return redis_database(url, number)
