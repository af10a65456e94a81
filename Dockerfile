# Rollcall's image: installs requirements.lock, needs no compiler, and does not run as root.
FROM python:3.13-slim-bookworm AS build
WORKDIR /app
COPY requirements.lock ./
# The setuptools of the lock comes first: it builds the one source package (the weight files of two networks).
RUN python -m venv /app/.venv \
    && awk '/^setuptools==/ {on = 1} on {print} on && !/\\$/ {exit}' requirements.lock > /tmp/setuptools.lock \
    && /app/.venv/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r /tmp/setuptools.lock \
    && /app/.venv/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation --require-hashes \
        -r requirements.lock

FROM python:3.13-slim-bookworm
RUN groupadd --gid 10001 rollcall && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app rollcall
WORKDIR /app
COPY --from=build /app/.venv /app/.venv
COPY . .
# Translations are compiled here, because the running container cannot write beside its code.
RUN /app/.venv/bin/python manage.py messages --compile
RUN mkdir --mode=0700 var && chown rollcall:rollcall var
USER rollcall
ENV PYTHONUNBUFFERED=1 VAR_DIR=/app/var
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["/app/.venv/bin/python", "-m", "launcher.probe", "http://127.0.0.1:8000/healthz/ready"]
CMD ["/app/.venv/bin/python", "-m", "launcher.server", "--host", "0.0.0.0", "--port", "8000"]
