"""Django's settings, and the only place where Rollcall reads the environment.

Names, defaults and purposes are declared once; `manage.py settings_table` turns them into docs/settings.md.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from config import addresses, constants, paths
from config.env import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
env = Environment(os.environ)

# --- where things are

VAR_DIR = Path(
    env.text("VAR_DIR", "var", "Folder for what Rollcall writes: embedded servers, secrets, logs, networks.")
)
VAR_DIR = VAR_DIR if VAR_DIR.is_absolute() else BASE_DIR / VAR_DIR
DATABASE_URL = env.text(
    "DATABASE_URL",
    "",
    "Address of PostgreSQL 14 or newer. Unset: PostgreSQL is started from its wheel, under `VAR_DIR`.",
    parse=addresses.database_url,
    quiet=True,
)
REDIS_URL = env.text(
    "REDIS_URL",
    "",
    "Address of Redis or Valkey, without a database number (1, 2 and 3 are used). Unset: Valkey is started from its "
    "wheel.",
    parse=addresses.redis_url,
    quiet=True,
)
PUBLIC_URL = env.words(
    "PUBLIC_URL",
    ("http://127.0.0.1:8000", "http://localhost:8000"),
    "The addresses that people type. The only source of allowed hosts, allowed origins, Secure cookies and links.",
    parse=addresses.origin,
    allowed="one or more origins; the first is used in links",
)
TRUSTED_PROXIES = env.words(
    "TRUSTED_PROXIES",
    (),
    "Proxies whose X-Forwarded-For and X-Forwarded-Proto headers are used. None by default.",
    parse=addresses.network,
    allowed="addresses or networks (10.0.0.0/8)",
)

# --- secrets

SECRETS_DIR = VAR_DIR / "secrets"
EMBEDDED_DATABASE, EMBEDDED_REDIS = not DATABASE_URL, not REDIS_URL
_keys_wanted = bool(DATABASE_URL) or not all(
    addresses.is_loopback(addresses.host_of(url)) for url in PUBLIC_URL
)
SECRET_KEY = env.secret(
    "SECRET_KEY",
    "Signs logins and addresses. Made in `VAR_DIR/secrets` unless `DATABASE_URL` or a public `PUBLIC_URL` is set; "
    "then it must be given.",
    parse=addresses.secret_key,
    default="",
)
FACE_DATA_KEYS = env.secret(
    "FACE_DATA_KEYS",
    "Encrypt what shows or describes a face: 32 bytes each, base64, newest first. Made or given as `SECRET_KEY` is.",
    parse=addresses.data_keys,
    default=tuple[str, ...](),
)
METRICS_TOKEN = env.secret(
    "METRICS_TOKEN",
    "A bearer token that gives other machines access to /metrics and the details of /healthz/ready.",
    parse=str,
    default="",
)
for _name, _example in (("SECRET_KEY", "base64 48"), ("FACE_DATA_KEYS", "base64 32")):
    if _keys_wanted and not env.given(_name):
        env.fault(
            _name,
            "must be given where DATABASE_URL or a public PUBLIC_URL is; keep it apart from backups. "
            f"Write {_name}_FILE=/path/of/a/file made by `openssl rand -{_example}`",
        )
if not _keys_wanted:
    # Before the first embedded start there is no file and no data: a key of this process alone harms nobody.
    SECRET_KEY = SECRET_KEY or paths.read_secret(SECRETS_DIR, "secret_key") or secrets.token_urlsafe(48)
    FACE_DATA_KEYS = FACE_DATA_KEYS or tuple(paths.read_secret(SECRETS_DIR, "face_data_keys").split())

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
    "Precision of the networks. auto is bf16 where the processor has it, else f32.",
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
    "Seconds for which the memory of a process keeps the answer to a search of a gallery. Not in Redis, which was "
    "measured to be slower than the search itself (139 against 39 µs). Encodings stay 24 hours.",
    low=1,
    high=604_800,
)
TIME_ZONE = env.text("TIME_ZONE", "UTC", "The school's time zone.", parse=addresses.time_zone)
LANGUAGE_CODE = env.choice(
    "LANGUAGE_CODE",
    "en-gb",
    "The language for browsers that ask for none that Rollcall has.",
    options=tuple(code for code, _name in LANGUAGES),
)
env.close()
SETTINGS_WARNINGS = env.warnings()
DECLARED_SETTINGS = tuple(env.declared.values())

_embedded = paths.Addresses.of(VAR_DIR)
DATABASES = {
    "default": addresses.database_settings(
        DATABASE_URL or _embedded.database_url,
        statement_timeout=DB_STATEMENT_TIMEOUT,
        pool_size=DB_POOL_SIZE,
        overflow=DB_MAX_OVERFLOW,
    )
}
_redis = REDIS_URL or _embedded.redis_url
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": addresses.redis_database(_redis, addresses.CACHE_DATABASE),
        "TIMEOUT": REDIS_CACHE_TTL,
        "KEY_PREFIX": "rollcall",
        "OPTIONS": {
            "SERIALIZER": "config.serializer.TaggedSerializer",
            "SOCKET_CONNECT_TIMEOUT": 1,
            "SOCKET_TIMEOUT": 1,
            # Redis may vanish at any time: a miss, never an error page.
            "IGNORE_EXCEPTIONS": True,
            "LOG_IGNORED_EXCEPTIONS": True,
        },
    }
}
# No layer is called "default": with one, every consumer would fail with Redis before its own code runs.
CHANNEL_LAYERS = {
    "dashboards": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [addresses.redis_database(_redis, addresses.CHANNELS_DATABASE)],
            "prefix": "rollcall",
        },
    }
}
CELERY_BROKER_URL = addresses.broker_url(_redis, addresses.CELERY_DATABASE)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TIMEZONE = TIME_ZONE
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# No further try: it would hold a request for six seconds while Redis is away, and the sweep rings again anyway.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1, "socket_timeout": 5, "max_retries": 0}
# A process with an engine or a connection pool must not fork: threads, not processes.
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = 2
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Beat's own file of last runs is a pickle; each of our beats may safely ring once too often instead.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"

# --- Django

DEBUG = False
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "channels",
    "csp",
    "config",
    "attendance",
    "recognition",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "attendance.web.middleware.private_pages",
    "attendance.web.middleware.own_language",
    "attendance.web.middleware.own_password",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
CSRF_FAILURE_VIEW = "attendance.web.pages.csrf_failed"
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "attendance.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
USE_TZ = True
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR_DIR / "files"},
    },
    "staticfiles": {"BACKEND": "attendance.web.static_files.HashedStatics"},
}
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (
    "jpg",
    "jpeg",
    "png",
    "gif",
    "webp",
    "zip",
    "gz",
    "woff",
    "woff2",
    "map",
)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_UPLOAD_SIZE
# A page that asks about a selection sends a field for each row: a whole school's students at once.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
# A picture of somebody who has not consented must not lie in a temporary file, where Django would put larger uploads
# and where its ASGI handler spools whole bodies. MAX_UPLOAD_SIZE bounds the memory instead.
FILE_UPLOAD_MAX_MEMORY_SIZE = MAX_UPLOAD_SIZE
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# --- who may reach us, and what a page may load

ALLOWED_HOSTS = sorted({addresses.host_of(url) for url in PUBLIC_URL})
CSRF_TRUSTED_ORIGINS = list(PUBLIC_URL)
_https = all(url.startswith("https://") for url in PUBLIC_URL)
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Strict-Transport-Security is the proxy's to send: with the local certificate authority it would lock people
# out of the page that explains how to trust it.
SILENCED_SYSTEM_CHECKS = (
    ["security.W004", "security.W008"]
    if _https
    else ["security.W004", "security.W008", "security.W012", "security.W016"]
)
CONTENT_SECURITY_POLICY = constants.CONTENT_SECURITY_POLICY

# --- API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "attendance.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["attendance.api.authentication.LoggedIn"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["attendance.api.lists.Filters"],
    "DEFAULT_PAGINATION_CLASS": "attendance.api.lists.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "attendance.api.errors.answer",
    "URL_FORMAT_OVERRIDE": None,
    # A refusal repeats what was sent, and half a surrogate pair can only be written as an escape.
    "UNICODE_JSON": False,
}
SPECTACULAR_SETTINGS = constants.SPECTACULAR_SETTINGS

LOGGING = constants.LOGGING
