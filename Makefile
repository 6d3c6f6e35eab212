# The whole developer interface. `make` alone lists the targets.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
INSTALL := $(PIP) install -e
# By the environment, so that what builds the package is pinned too; the second is for newer pips.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test slow lint bench docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.dev ## train ALAD on KDD99, a short run, and show it beside the paper's numbers
	$(BIN)/alad reproduce kdd99

test: lint ## lint, then every test and doctest but the slow ones
	$(BIN)/python -m pytest -n auto --dist loadfile -m 'not slow' --durations=25

slow: .venv/.dev ## the slow tests
	$(BIN)/python -m pytest -n auto --dist loadfile -m slow

lint: .venv/.dev ## ruff and mypy; changes nothing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/.bench ## rerun the benchmarks and rewrite benchmarks/results
	$(BIN)/python -m benchmarks.run

docs: .venv/.dev ## build the site; a warning is an error
	$(BIN)/mkdocs build --strict

clean: ## remove the environment and everything built
	rm -rf .venv build dist site .mypy_cache .pytest_cache .ruff_cache

# The stamps are written last, so an interrupted install is done again.
.venv/.dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) '.[dev]'
	@touch $@

.venv/.bench: .venv/.dev
	$(INSTALL) '.[dev,bench]'
	@touch $@
