"""Django's settings. The only module that reads Rollcall's settings from the environment.

Each setting is declared once, with its default and purpose; `manage.py settings_table` makes docs/settings.md from the
declarations. What depends on no setting is in `config/constants.py`.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from config import addresses
from config.constants import *  # noqa: F403 (Django reads its settings from the names of this module)
from config.embedded_addresses import EmbeddedAddresses
from config.env import Environment
from config.secret_files import read_secret

env = Environment(os.environ)

# --- folders and addresses

VAR_DIR = Path(
    env.text(
        "VAR_DIR",
        "var",
        "Folder for all that Rollcall writes: embedded servers, secrets, logs, converted networks.",
    )
)
VAR_DIR = VAR_DIR if VAR_DIR.is_absolute() else BASE_DIR / VAR_DIR
DATABASE_URL = env.text(
    "DATABASE_URL",
    "",
    "Address of PostgreSQL 14 or newer. Unset: PostgreSQL is started from its wheel, under `VAR_DIR`.",
    parse=addresses.parse_database_url,
    confidential=True,
)
REDIS_URL = env.text(
    "REDIS_URL",
    "",
    "Address of Redis or Valkey, without a database number (1, 2 and 3 are used). Unset: Valkey is started from its "
    "wheel.",
    parse=addresses.parse_redis_url,
    confidential=True,
)
PUBLIC_URL = env.text_list(
    "PUBLIC_URL",
    ("http://127.0.0.1:8000", "http://localhost:8000"),
    "The addresses that people type. The only source of allowed hosts, allowed origins, Secure cookies and links.",
    parse=addresses.parse_origin,
    allowed="one or more origins; the first is used in links",
)
TRUSTED_PROXIES = env.text_list(
    "TRUSTED_PROXIES",
    (),
    "Proxies whose X-Forwarded-For and X-Forwarded-Proto headers are used. None by default.",
    parse=addresses.parse_network,
    allowed="addresses or networks (10.0.0.0/8)",
)

# --- secrets

SECRETS_DIR = VAR_DIR / "secrets"
EMBEDDED_DATABASE, EMBEDDED_REDIS = not DATABASE_URL, not REDIS_URL
_keys_required = bool(DATABASE_URL) or not all(
    addresses.is_loopback(addresses.host_of(url)) for url in PUBLIC_URL
)
SECRET_KEY = env.secret(
    "SECRET_KEY",
    "The key that signs logins and links. Made in `VAR_DIR/secrets` unless `DATABASE_URL` or a public `PUBLIC_URL` is "
    "set; then it must be given.",
    parse=addresses.parse_secret_key,
    default="",
)
FACE_DATA_KEYS = env.secret(
    "FACE_DATA_KEYS",
    "The keys that encrypt everything that shows or describes a face: 32 bytes each, base64, newest first. Made or "
    "given under the same conditions as `SECRET_KEY`.",
    parse=addresses.parse_data_keys,
    default=tuple[str, ...](),
)
METRICS_TOKEN = env.secret(
    "METRICS_TOKEN",
    "A bearer token that gives other machines access to /metrics and the details of /healthz/ready.",
    parse=str,
    default="",
)
for _name, _example in (("SECRET_KEY", "base64 48"), ("FACE_DATA_KEYS", "base64 32")):
    if _keys_required and not env.is_given(_name):
        env.add_error(
            _name,
            "must be given if DATABASE_URL or a public PUBLIC_URL is set; keep it apart from backups. "
            f"Write {_name}_FILE=/path/of/a/file made by `openssl rand -{_example}`",
        )
if not _keys_required:
    # Before the first start with an embedded database there is neither a file nor data: a temporary key will do.
    SECRET_KEY = SECRET_KEY or read_secret(SECRETS_DIR, "secret_key") or secrets.token_urlsafe(48)
    FACE_DATA_KEYS = FACE_DATA_KEYS or tuple(read_secret(SECRETS_DIR, "face_data_keys").split())

# --- faces

FACE_RECOGNITION_WORKERS = env.integer(
    "FACE_RECOGNITION_WORKERS",
    4,
    "Threads that recognise faces; never more than the usable cores.",
    low=1,
    high=256,
)
FACE_DETECTION_MODEL = env.choice(
    "FACE_DETECTION_MODEL",
    "auto",
    "The face detector. auto is centerface, the best one measured that needs no download.",
    options=("auto", "centerface", "yunet", "ssd", "hog", "cnn"),
)
FACE_DETECTION_SCALE = env.number(
    "FACE_DETECTION_SCALE",
    None,
    "The detector's longer side as a fraction of the frame's, kept within 320 to 960 pixels per tile. auto chooses by "
    "frame size and device (480 for a 640 pixel frame, measured). 0.25, as face_recognition is often used, finds only "
    "faces that fill the frame.",
    low=0.1,
    high=1.5,
)
FACE_ENCODING_CACHE_SIZE = env.integer(
    "FACE_ENCODING_CACHE_SIZE",
    1000,
    "Encodings of enrolment photographs kept in the memory of a process. Used only when the same photograph is sent "
    "twice within a day, so it has hardly any effect in daily use.",
    low=0,
    high=1_000_000,
)
FACE_DEVICE = env.choice(
    "FACE_DEVICE", "auto", "The device on which the networks run.", options=("auto", "cpu", "gpu", "cuda")
)
FACE_PRECISION = env.choice(
    "FACE_PRECISION",
    "auto",
    "Precision of the networks. auto is bf16 if the processor supports it, else f32.",
    options=("auto", "f32", "bf16"),
)
FACE_MODELS_DIR = Path(
    env.text("FACE_MODELS_DIR", "", "Folder of downloaded and converted networks. Unset: `VAR_DIR/models`.")
    or VAR_DIR / "models"
)
FAISS_INDEX_REBUILD_INTERVAL = env.integer(
    "FAISS_INDEX_REBUILD_INTERVAL",
    86_400,
    "Seconds after which the gallery of a class is built again, even if nothing changed. Every change builds a new one "
    "at once, so it has hardly any effect in daily use.",
    low=60,
    high=31_536_000,
)
MAX_IMAGE_SIZE = env.integer(
    "MAX_IMAGE_SIZE",
    1024,
    "Longer side, in pixels, of live frames and stored crops. Cameras are never asked for more than 640, so larger "
    "values have hardly any effect on live frames. Uploads are searched in full size, in tiles.",
    low=320,
    high=4096,
)
IMAGE_QUALITY = env.integer("IMAGE_QUALITY", 85, "JPEG quality of crops and frames.", low=40, high=100)
MAX_UPLOAD_SIZE = env.integer(
    "MAX_UPLOAD_SIZE",
    32 * 1024 * 1024,
    "Largest request body in bytes. A larger one is answered 413 before it is read.",
    low=1024 * 1024,
    high=1024 * 1024 * 1024,
)

# --- database, cache, queue, channels

DB_POOL_SIZE = env.integer("DB_POOL_SIZE", 20, "Connections kept open by a process.", low=1, high=1000)
DB_MAX_OVERFLOW = env.integer(
    "DB_MAX_OVERFLOW",
    30,
    "Database connections that a process may open beyond `DB_POOL_SIZE`.",
    low=0,
    high=1000,
)
DB_STATEMENT_TIMEOUT = env.integer(
    "DB_STATEMENT_TIMEOUT",
    30_000,
    "Milliseconds after which PostgreSQL ends a statement.",
    low=100,
    high=3_600_000,
)
REDIS_CACHE_TTL = env.integer(
    "REDIS_CACHE_TTL",
    3600,
    "Seconds for which a process keeps the result of a gallery search in its memory. Not in Redis, which was measured "
    "to be slower than the search itself (139 against 39 µs). Encodings are kept for 24 hours.",
    low=1,
    high=604_800,
)
TIME_ZONE = env.text("TIME_ZONE", "UTC", "The school's time zone.", parse=addresses.parse_time_zone)
LANGUAGE_CODE = env.choice(
    "LANGUAGE_CODE",
    "en-gb",
    "The language of pages for browsers that ask for no language that Rollcall has.",
    options=tuple(code for code, _name in LANGUAGES),
)
env.raise_errors()
SETTINGS_WARNINGS = env.warnings()
DECLARED_SETTINGS = tuple(env.declared.values())

_embedded_addresses = EmbeddedAddresses.load(VAR_DIR)
DATABASES = {
    "default": addresses.database_settings(
        DATABASE_URL or _embedded_addresses.database_url,
        statement_timeout=DB_STATEMENT_TIMEOUT,
        pool_size=DB_POOL_SIZE,
        overflow=DB_MAX_OVERFLOW,
    )
}
_redis_url = REDIS_URL or _embedded_addresses.redis_url
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": addresses.redis_database_url(_redis_url, addresses.CACHE_DATABASE),
        "TIMEOUT": REDIS_CACHE_TTL,
        "KEY_PREFIX": "rollcall",
        "OPTIONS": {
            "SERIALIZER": "config.serializer.TaggedSerializer",
            "SOCKET_CONNECT_TIMEOUT": 1,
            "SOCKET_TIMEOUT": 1,
            # If Redis is absent, each read is a cache miss and no page fails.
            "IGNORE_EXCEPTIONS": True,
            "LOG_IGNORED_EXCEPTIONS": True,
        },
    }
}
# No layer is called "default": with one, each consumer would fail without Redis before its own code runs.
CHANNEL_LAYERS = {
    "dashboards": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [addresses.redis_database_url(_redis_url, addresses.CHANNELS_DATABASE)],
            "prefix": "rollcall",
        },
    }
}
CELERY_BROKER_URL = addresses.celery_broker_url(_redis_url, addresses.CELERY_DATABASE)
CELERY_TIMEZONE = TIME_ZONE

# --- files

STATIC_ROOT = VAR_DIR / "static"
STORAGES: dict[str, Any] = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR_DIR / "files"},
    },
    "staticfiles": {"BACKEND": "attendance.web.static_files.HashedStatics"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_UPLOAD_SIZE
# A page that asks about a selection sends a field for each row: a whole school's students at once.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
# The photograph of a person without consent must not be written to a temporary file. Django would do so with larger
# uploads, and its ASGI handler with whole bodies. MAX_UPLOAD_SIZE limits the memory instead.
FILE_UPLOAD_MAX_MEMORY_SIZE = MAX_UPLOAD_SIZE

# --- hosts, origins and cookies

ALLOWED_HOSTS = sorted({addresses.host_of(url) for url in PUBLIC_URL})
CSRF_TRUSTED_ORIGINS = list(PUBLIC_URL)
_https = all(url.startswith("https://") for url in PUBLIC_URL)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
# W004: the proxy sends Strict-Transport-Security, if anything does. With a certificate authority of this installation
# it would keep people from the page that explains how to trust the certificate. W008: the proxy redirects to HTTPS.
# W012 and W016: without HTTPS the cookies cannot be Secure.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]
if not _https:
    SILENCED_SYSTEM_CHECKS += ["security.W012", "security.W016"]
