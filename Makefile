# `make run` builds the demo dataset, `make test` runs the tests; both set up .venv first.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := run

# The first interpreter that is new enough; say PYTHON=... to choose another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
RUN_ARGS ?=
TEST_ARGS ?=
# One Spark session a process, and all tests of a file in one of them.
PARALLEL := --numprocesses logical --maxprocesses 4 --dist loadfile

# The stamp's name holds a checksum of all that the environment is made of, so that an unchanged
# one costs a look at the file system and a changed one is brought up to date.
VENV := .venv
INPUTS := pyproject.toml constraints.txt infra/setup_environment.py
KEY := $(shell { cat $(INPUTS); $(PYTHON) --version; echo $(CURDIR); } 2>/dev/null | cksum | tr ' ' -)
CORE := $(VENV)/ready-core-$(KEY)
DEV := $(VENV)/ready-dev-$(KEY)

.PHONY: run test test-integration test-airflow lint format schema constraints clean

run: $(CORE)
	$(VENV)/bin/stackspark run demo --lake lake $(RUN_ARGS)

test: $(DEV)
	$(VENV)/bin/python -m pytest -m "not integration" $(PARALLEL) $(TEST_ARGS)

test-integration: $(DEV)
	$(VENV)/bin/python -m pytest -m "integration and not airflow" $(TEST_ARGS)

# Airflow cannot share an environment with pyspark; its own takes 700 MB and two minutes.
AIRFLOW := .venv-airflow
test-airflow: $(DEV)
	test -x $(AIRFLOW)/bin/airflow || { $(PYTHON) -m venv $(AIRFLOW); \
	  $(AIRFLOW)/bin/pip install --quiet -r infra/airflow/requirements.txt -c infra/airflow/constraints.txt; }
	STACKSPARK_AIRFLOW=$(CURDIR)/$(AIRFLOW)/bin $(VENV)/bin/python -m pytest -m airflow $(TEST_ARGS)

lint: $(DEV)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(DEV)
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

# What editors complete and check recipes with, from the parameters themselves.
schema: $(DEV)
	$(VENV)/bin/python infra/make_recipe_schema.py

# Newest versions that the ranges of pyproject.toml allow; review the change before committing it.
constraints: $(DEV)
	$(VENV)/bin/python infra/setup_environment.py --pin

$(CORE) $(DEV):
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer is needed; found none on PATH; install one or say PYTHON=/path/to/python3" >&2; exit 5; }
	@$(PYTHON) infra/setup_environment.py $(if $(findstring ready-dev,$@),--dev)
	@rm -f $(VENV)/ready-core-* $(if $(findstring ready-dev,$@),$(VENV)/ready-dev-*)
	@touch $(CORE) $@

# Everything that this file makes, except lakes: they are data.
clean:
	rm -rf $(VENV) $(AIRFLOW) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find stackspark tests jobs benchmarks infra -name __pycache__ -prune -exec rm -rf {} +
