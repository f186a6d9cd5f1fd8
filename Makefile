# `make run` and `make test` work on a bare clone; run again, they start at once. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
DATA ?= ./data
SDK_SUITE := tests/sdk_js
CLIENT := src/chirpbird/web/client/index.html
FRONTEND_SOURCES := $(shell find frontend -type f -not -path '*/node_modules/*' 2>/dev/null)

say = @printf '\033[1m%s\033[0m\n' "$(1)"

.PHONY: help run test check format lint types imports unit frontend-check e2e bench wheel clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp $(CLIENT) ## Install what is needed and serve on http://127.0.0.1:8000, data in ./data
	@$(BIN)/chirpbird serve --host $(HOST) --port $(PORT) --data $(DATA)

test: check e2e ## Everything that CI runs: checks, then real servers, browsers and SDKs

check: format-check lint types imports unit frontend-check ## Format, lint, strict types, import contract, unit tests, front end

format: $(VENV)/dev.stamp frontend/node_modules/.stamp ## Format all sources
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	npm --prefix frontend run format
	frontend/node_modules/.bin/prettier --write $(SDK_SUITE)

.PHONY: format-check
format-check: $(VENV)/dev.stamp
	$(call say,Format)
	@$(BIN)/ruff format --check

lint: $(VENV)/dev.stamp
	$(call say,Lint)
	@$(BIN)/ruff check

types: $(VENV)/dev.stamp
	$(call say,Types)
	@$(BIN)/mypy src tests benchmarks

imports: $(VENV)/dev.stamp
	$(call say,Import contract)
	@$(BIN)/lint-imports

unit: $(VENV)/dev.stamp test-servers
	$(call say,Unit tests)
	@mkdir -p .coverage
	@$(BIN)/coverage run -m pytest -q -m 'not e2e'
	@printf 'Lines and branches that they reach, in percent (pyproject.toml says how many it takes): '
	@$(BIN)/coverage report --format total

frontend-check: frontend/node_modules/.stamp
	$(call say,Front end)
	@frontend/node_modules/.bin/prettier --check $(SDK_SUITE)
	@npm --prefix frontend run check

e2e: $(VENV)/dev.stamp $(CLIENT) $(SDK_SUITE)/node_modules/.stamp test-packages ## Browser, SDK and crash tests against a real server
	$(call say,End to end)
	@$(BIN)/pytest -q -m e2e

bench: $(VENV)/dev.stamp ## Print what is measured beside the budgets: sends, history pages, start, fan-out, bus (3 minutes)
	@status=0; for script in benchmarks/*.py; do echo; echo "$$script"; $(BIN)/python $$script || status=1; done; exit $$status

wheel: $(VENV)/dev.stamp $(CLIENT) ## Build dist/chirpbird-*.whl with the web client inside
	$(call say,Wheel)
	@rm -rf dist && $(BIN)/python -m build --no-isolation --wheel

clean: ## Remove what was installed and built (never ./data)
	rm -rf $(VENV) frontend/node_modules $(SDK_SUITE)/node_modules src/chirpbird/web/client dist screenshots

# --- What is installed, once -----------------------------------------------------------------------------------------

$(BIN)/python:
	@scripts/need-python $(PYTHON)
	$(call say,Python environment in $(VENV))
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.lock pyproject.toml | $(BIN)/python
	$(call say,Python packages)
	@$(BIN)/pip install --disable-pip-version-check --require-hashes -r requirements/run.lock
	@$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.lock $(VENV)/run.stamp
	$(call say,Python packages of the tests)
	@$(BIN)/pip install --disable-pip-version-check --quiet --require-hashes -r requirements/dev.lock
	@touch $@

frontend/node_modules/.stamp: frontend/package.json frontend/package-lock.json
	@scripts/need-node
	$(call say,npm packages)
	@npm --prefix frontend ci --no-audit --no-fund
	@touch $@

$(SDK_SUITE)/node_modules/.stamp: $(SDK_SUITE)/package.json $(SDK_SUITE)/package-lock.json
	@scripts/need-node
	$(call say,npm packages of the SDK tests)
	@npm --prefix $(SDK_SUITE) ci --no-audit --no-fund
	@touch $@

$(CLIENT): frontend/node_modules/.stamp $(FRONTEND_SOURCES)
	$(call say,Web client)
	@npm --prefix frontend run build
	@touch $@

.PHONY: test-servers test-packages
test-servers:
	@scripts/need-test-packages unit

test-packages:
	@scripts/need-test-packages
