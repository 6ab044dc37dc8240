# Every command of the project. `make` lists them.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := jiandu services shared tests bench
# Runs its arguments as root: directly, or through a sudo that asks for no password.
AS_ROOT := as_root() { if [ "$$(id -u)" = 0 ]; then "$$@"; else sudo -n "$$@"; fi; }

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## Make the virtual environment, as the lock file says; quick when nothing changed

$(STAMP): requirements.lock pyproject.toml deploy/install
	@$(AS_ROOT); \
	for candidate in python3.11 python3; do \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        python=$$candidate; break; \
	    fi; \
	done; \
	if [ -z "$${python:-}" ]; then \
	    echo 'Python 3.11 or later is needed, as python3.11 or python3. This machine has: '"$$(python3 --version 2>&1 || true)"'. Install it (Debian 12: apt-get install python3 python3-venv), or run the system in containers with `docker compose up`.' >&2; \
	    exit 2; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo 'Installing python3-venv ...'; \
	    version=$$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	    if ! { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$$version"; } > /dev/null; then \
	        echo "Python's venv is missing and cannot be installed here. Have an administrator install Debian's package $$version, or run the system in containers with \`docker compose up\`." >&2; \
	        exit 2; \
	    fi; \
	fi; \
	echo "Installing into $(VENV) ..."; \
	$(BIN)/python -m pip --version > /dev/null 2>&1 || "$$python" -m venv $(VENV)
	@deploy/install --editable . requirements.lock $(BIN)/python -m pip
	@touch $@

.PHONY: lint
lint: setup ## Format, lint, types, import contracts, YAML
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/yamllint --strict rulebooks jiandu/rulebook jiandu/demo/habits tests/cases

PYTEST := $(BIN)/python -m pytest -q
CORE := $(PYTEST) -n auto -m 'not connected and not journey'

.PHONY: check
check: lint ## All that needs no server
	@$(CORE)

.PHONY: test
test: setup ## Everything; starts its own servers; tells at its end how long each part took
	@told=(); \
	part() { \
	    local name=$$1 budget_s=$$2 begun=$$SECONDS; shift 2; "$$@"; \
	    told+=("$$(printf '%-14s %4d s of %4d' "$$name" $$((SECONDS - begun)) "$$budget_s")"); \
	}; \
	lint_and_core() { $(MAKE) --no-print-directory lint && $(CORE); }; \
	part 'lint and core' 240 lint_and_core; \
	part contracts 240 $(PYTEST) -n 2 --dist loadfile --durations=15 -m 'connected and not journey'; \
	part journeys 240 $(PYTEST) -m journey; \
	printf '\n%s\n' 'Time taken, of the budget on two idle cores:'; printf '%s\n' "$${told[@]}"

.PHONY: demo
demo: setup ## Play a quarter and print the rankings; another group with GROUP=luneng, zhongyida, xinao or general
	@$(BIN)/jiandu demo --group $(or $(GROUP),jinke)

.PHONY: up
up: setup ## Start the system on this machine and print addresses and accounts
	@$(BIN)/jiandu stack up

.PHONY: down
down: setup ## Stop it; data and keys stay
	@$(BIN)/jiandu stack down

.PHONY: rulebooks
rulebooks: setup ## Check the rulebooks, their coverage and their worked examples
	@for group in general jinke luneng xinao zhongyida; do $(BIN)/jiandu rulebook check $$group; done
	@$(BIN)/python -m pytest -q tests/unit/rulebook tests/unit/scoring tests/unit/timekeeping tests/architecture/test_coverage.py

.PHONY: bench
bench: setup ## Measure the promised ratios and write a report
	@$(BIN)/python -m bench

.PHONY: mutants
mutants: setup ## Change the core in SAMPLE places drawn by SEED, and list what no test notices
	@deploy/install requirements-mutation.lock $(BIN)/python -m pip
	@nice -n 19 $(BIN)/python -m bench.mutants --seed $(or $(SEED),1) --sample $(or $(SAMPLE),500)

.PHONY: docs
docs: setup ## Write what is generated: .env.example, event and setting tables, coverage, OpenAPI, NOTICE
	@$(BIN)/python -m jiandu.documents.cli

.PHONY: env
env: ## Make .env with fresh secrets for docker compose; an existing one stays
	@deploy/make-env

.PHONY: compose-check
compose-check: ## Try docker-compose.yml for real: start, three callbacks, kill one, a small month, remove
	@deploy/compose-check

.PHONY: lock
lock: ## Renew every lock file from pyproject.toml, with releases at least a week old
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	python3 -m venv "$$folder"; \
	"$$folder/bin/python" -m pip install -q --disable-pip-version-check --no-deps uv; \
	compile() { \
	    "$$folder/bin/uv" pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	        --exclude-newer '1 week' --no-emit-index-url --no-emit-find-links \
	        --custom-compile-command 'make lock' "$$@"; \
	}; \
	compile pyproject.toml --group dev --group stack --output-file requirements.lock; \
	compile pyproject.toml --constraint requirements.lock --output-file requirements-runtime.lock; \
	compile --group mutation --constraint requirements.lock --output-file requirements-mutation.lock; \
	compile - --output-file tests/architecture/pips/newest.lock <<< pip

.PHONY: clean
clean: ## Stop the system and delete its data, keys and virtual environment
	@if [ -x $(BIN)/jiandu ]; then $(BIN)/jiandu stack down; fi
	@rm -rf .stack $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
