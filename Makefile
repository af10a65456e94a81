# Each command works in a clean clone and needs Python 3.11 to 3.13 with its venv package, git and make;
# `make lint` needs npm as well.
# Variables: PYTHON (another interpreter) for all; PORT, HOST, HTTPS and DEMO for `make run`.

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input -q install --no-deps --no-build-isolation --require-hashes
PYTEST := $(PY) -m pytest -q

.PHONY: run test lint bench e2e soak lock install install-dev npm

run: install
	@exec $(PY) -m launcher.launch --port "$(PORT)" --host "$(HOST)" --https "$(HTTPS)" --demo "$(DEMO)"

# Two processes run the tests that depend on no timing; the others follow in one.
test: install-dev
	@$(PY) -m tests.fetch_material
	@$(PYTEST) --numprocesses 2 --dist loadfile -m "not (browser or clock or fault)"
	@$(PYTEST) -m "browser or clock or fault"

e2e: install-dev
	@$(PY) -m tests.fetch_material
	@$(PYTEST) -m browser

soak: install-dev
	@$(PYTEST) -m soak --soak

lint: npm install-dev node_modules/.installed
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@$(PY) -m mypy
	@.venv/bin/lint-imports
	@$(PY) -m tests.template_lines
	@npm run --silent lint

bench: install-dev
	@mkdir -p var/bench
	@for file in $$(grep -l __main__ benchmarks/*.py); do \
		$(PY) -m benchmarks.$$(basename $$file .py) || exit 1; done

# People edit requirements*.txt. The lock files, which are the same for all Pythons and machines, are installed.
UV := $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links --overrides requirements-overrides.txt
lock: install-dev
	@$(UV) requirements.txt -o requirements.lock
	@$(UV) requirements-dev.txt -c requirements.lock -o requirements-dev.lock

install: .venv/.installed
install-dev: .venv/.installed-dev

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "rollcall: Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is another version; name one, for example PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "rollcall: Python's venv package is missing; install it, for example: sudo apt install python3-venv"; exit 1; }
	@echo "rollcall: making .venv"
	@$(PYTHON) -m venv .venv

# setuptools is installed first, because it builds the only source package (the weight files of two networks).
.venv/.installed: requirements.lock | .venv/bin/python
	@echo "rollcall: installing the packages in requirements.lock (about 1.1 GB, once)"
	@awk '/^setuptools==/ {on = 1} on {print} on && !/\\$$/ {exit}' requirements.lock > .venv/setuptools.lock
	@$(PIP) -r .venv/setuptools.lock
	@$(PIP) -r requirements.lock
	@touch $@

npm:
	@command -v npm >/dev/null || { \
		echo "npm is missing, which runs the checks of JavaScript and CSS: sudo apt install nodejs npm"; exit 1; }

node_modules/.installed: package-lock.json .npmrc
	@echo "rollcall: installing the packages in package-lock.json"
	@npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@

.venv/.installed-dev: requirements-dev.lock .venv/.installed
	@echo "rollcall: installing the packages in requirements-dev.lock"
	@$(PIP) -r requirements-dev.lock
	@touch $@
