# `make` alone says what there is. PYTHON=python3.12 chooses the interpreter for the first set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install install-dev demo test check bench assets lock clean

PORT ?= 8600
DATA ?= .demo
FRESH ?=
SCENE ?=
TESTS ?= tests
BIN := .venv/bin

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Set up .venv, Mosquitto and the web assets
	@PYTHON='$(PYTHON)' scripts/setup.sh demo

install-dev:
	@PYTHON='$(PYTHON)' scripts/setup.sh dev

demo: install ## Set up and run everything with virtual devices (PORT=8600 DATA=.demo FRESH=1 SCENE=name)
	@exec $(BIN)/hemkurva demo --port '$(PORT)' --data '$(DATA)' $(if $(FRESH),--fresh) $(if $(SCENE),--scene '$(SCENE)')

test: install-dev ## Set up and run all tests (TESTS=tests/unit for some)
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

check: install-dev ## Run ruff, pyright in strict mode, import-linter, and hold the README against the Makefile
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/unit/test_docs.py

bench: install-dev ## Measure readings per second and latency on this machine
	@$(BIN)/python -m tests.bench

assets: install ## Build the web assets anew
	@scripts/setup.sh assets

lock: install-dev ## Solve the requirements and web packages anew (needs a network)
	@scripts/lock.sh

clean: ## Remove what the set-up and the demo made, the demo's data too
	rm -rf .venv node_modules clinician_api/static/dist build *.egg-info .demo .bench .pytest_cache .ruff_cache .import_linter_cache .hypothesis
