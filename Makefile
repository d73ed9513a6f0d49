# make setup | demo | run | check | test | bench — each does its own set-up first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV := .uv/bin/uv
PORT ?= 8000
DATASET ?=
LATENCY_MS ?=
TRIALS ?=
export PORT DATASET LATENCY_MS TRIALS

.PHONY: help setup setup-dev demo run worker check test test-postgres test-services bench lock clean

help: ## Show what make can do
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

$(UV): requirements/uv.txt
	@$(PYTHON) requirements/bootstrap.py

$(VENV)/.worker: $(UV) requirements/worker.txt
	@[ -x $(BIN)/python ] || $(UV) venv -q --python $(PYTHON) $(VENV)
	@echo "Installing Atoll's dependencies (about 1.8 GB on disk) …"
	@$(UV) pip sync -q --require-hashes --python $(BIN)/python requirements/worker.txt
	@rm -f $(VENV)/.dev
	@$(BIN)/python requirements/install_command.py
	@touch $@

$(VENV)/.dev: $(UV) requirements/dev.txt
	@[ -x $(BIN)/python ] || $(UV) venv -q --python $(PYTHON) $(VENV)
	@echo "Installing Atoll's dependencies and its test tools (about 1.9 GB on disk) …"
	@$(UV) pip sync -q --require-hashes --python $(BIN)/python requirements/dev.txt
	@$(BIN)/python requirements/install_command.py
	@touch $(VENV)/.worker $@

setup: $(VENV)/.worker ## Install what Atoll needs, prepare the database and the static files
	@$(BIN)/python -m workers.readiness
	@$(BIN)/python manage.py migrate -v 0
	@$(BIN)/python manage.py load_presets --once -v 0
	@$(BIN)/python manage.py collectstatic -v 0 --noinput

setup-dev: $(VENV)/.dev

demo: setup ## Start the site and run the whole main job on handwritten digits (DATASET= LATENCY_MS= TRIALS=)
	@exec $(BIN)/python -m workers.supervisor --port $(PORT) --demo

run: setup ## Start the site at http://127.0.0.1:8000 (PORT=)
	@exec $(BIN)/python -m workers.supervisor --port $(PORT)

worker: setup ## Start only a worker, for the site whose database, broker and storage the environment names
	@exec $(BIN)/python -m workers.start

check: setup-dev ## Lint, types, import contracts, migrations, generated docs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python manage.py makemigrations --check --dry-run -v 1
	@$(BIN)/python manage.py check
	@$(BIN)/python -m edgetpu.rules_page $(VENV)/RULES.md
	@cmp $(VENV)/RULES.md docs/RULES.md || { echo "docs/RULES.md is not what the rules say: run python -m edgetpu.rules_page"; exit 1; }

test: setup-dev ## Run the tests; the longest file, the main job's, comes first, so that nobody waits for it at the end
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=25

test-postgres: setup-dev ## Run the site's tests, but for slow ones that need no database, on a PostgreSQL of their own (Debian's postgresql)
	@tests/on_postgres.sh $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" tests/marketplace

test-services: setup-dev ## Run the site on PostgreSQL, Valkey by TCP and a real S3 (needs Debian's postgresql, memcached)
	@$(BIN)/python -m tests.services.s3
	@$(BIN)/python -m pytest tests/services tests/marketplace/test_storage.py

bench: setup-dev ## Run every benchmark (long)
	@for script in $$(grep -l __main__ benchmarks/*.py); do echo "== $$script"; $(BIN)/python $$script; done

lock: $(UV) ## Compile requirements/*.txt anew from pyproject.toml
	@for group in dev worker web; do \
	  $(UV) pip compile -q --group $$group --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	    $$([ $$group = dev ] || echo -c requirements/dev.txt) -o requirements/$$group.txt; done

clean: ## Remove what was installed and every stored file (asks nothing)
	rm -rf .venv .uv var staticfiles
