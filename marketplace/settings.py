"""Settings of the site and of its workers: one module for one machine and for many (see README, "Settings")."""

from __future__ import annotations

from pathlib import Path

from environs import Env, validate

from marketplace import environment

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()

DATA_DIR = environment.data_folder(env, BASE_DIR / "var")
RUN_DIR = environment.run_folder(DATA_DIR)
SECRET_KEY = environment.secret_key(env, DATA_DIR)
DEBUG = environment.read(env.bool, "ATOLL_DEBUG", False)
ALLOWED_HOSTS = environment.read(env.list, "ATOLL_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = environment.read(env.list, "ATOLL_ORIGINS", [])
HTTPS = environment.read(env.bool, "ATOLL_HTTPS", False)

DATABASES = {"default": environment.database(env, DATA_DIR)}
BROKER_URL = environment.broker(env, RUN_DIR)
STORAGES = {
    "default": environment.file_storage(env, DATA_DIR),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

MIB = 2**20
MAX_UPLOAD_BYTES = MIB * environment.read(env.int, "ATOLL_MAX_UPLOAD_MIB", 2048, validate=validate.Range(min=1))
MAX_PICTURES = environment.read(env.int, "ATOLL_MAX_PICTURES", 100_000, validate=validate.Range(min=20))
WORKER_PROCESSES = environment.read(env.int, "ATOLL_WORKER_PROCESSES", 2, validate=validate.Range(min=1, max=64))

# A worker renews its lease on a step every HEARTBEAT_S; work that was silent for LEASE_S is handed to another worker.
LEASE_S = 6
HEARTBEAT_S = 2
REAP_EVERY_S = 2
MAX_ATTEMPTS = 4

INSTALLED_APPS = [
    "marketplace.accounts",
    "marketplace.work",
    "marketplace.devices",
    "marketplace.datasets",
    "marketplace.runs",
    "marketplace.catalog",
    "marketplace.imports",
    "allauth",
    "allauth.account",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "ninja",  # its pages of the API's description come from our own static files
]
MIDDLEWARE = [
    "marketplace.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "marketplace.middleware.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "marketplace.middleware.UserErrorMiddleware",
]
ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
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
                "marketplace.catalog.context.unread_notices",
            ]
        },
    }
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_USERNAME_VALIDATORS = "marketplace.accounts.names.USERNAME_VALIDATORS"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PRESERVE_USERNAME_CASING = False
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = "atoll@localhost"

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
CSRF_FAILURE_VIEW = "marketplace.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FILE_UPLOAD_TEMP_DIR = str(DATA_DIR / "uploads")
Path(FILE_UPLOAD_TEMP_DIR).mkdir(exist_ok=True, mode=0o700)
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_NUMBER_FILES = 20

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"atoll": {"level": "INFO"}},
}
