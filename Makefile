# Everything a person or a CI machine runs; each target sets up .venv by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TRAIN := $(VENV)/.train

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench proto clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(READY)  ## simulated cameras on a real server: each tries to pass for each, a claim is proven in zero knowledge
	$(BIN)/grainseal demo --report report

test: $(TRAIN)  ## every test
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q

lint: $(READY)  ## style, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)  ## tables of speed and accuracy
	$(BIN)/python -m bench

proto: $(READY)  ## regenerate the Python stubs
	PYTHON=$(BIN)/python proto/regenerate.sh

clean:  ## remove the environment and everything generated
	rm -rf $(VENV) report dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[c2pa,dev,heif,report]'
	@touch $(READY)

# A network is trained in the tests, which takes torch: large, and nothing else needs it.
$(TRAIN): $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[train]'
	@touch $(TRAIN)
