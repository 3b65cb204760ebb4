# Everything runs in .venv, which is made from python3 and pip alone.
PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.run
DEV := .venv/.dev

.DEFAULT_GOAL := help
.PHONY: help demo test slow lint types imports schemas bench compiled check clean

help:  ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUN)  ## simulate ten seconds of a JSON API
	$(BIN)/gomemsim run configs/quickstart.yaml

test: $(DEV)  ## the tests that take seconds
	$(BIN)/pytest -n auto -q

slow: $(DEV)  ## the tests that take longer, and those that run real Go programs
	$(BIN)/pytest -q -m "slow or realgo"

lint: $(DEV)  ## ruff
	$(BIN)/ruff check sim tests

types: $(DEV)  ## mypy --strict
	$(BIN)/mypy

imports: $(DEV)  ## imports point to the foundations
	$(BIN)/lint-imports

schemas: $(RUN)  ## the schemas that editors use
	$(BIN)/gomemsim schema config -o configs/config.schema.json
	$(BIN)/gomemsim schema workload -o workloads/workload.schema.json

bench: $(DEV)  ## how fast the simulator is
	$(BIN)/pytest benchmarks -m bench -q

compiled: $(DEV)  ## the simulator with its events compiled to C, in build/compiled
	$(BIN)/python benchmarks/compiled.py build/compiled

check: test lint types imports  ## what must pass before a change

clean:  ## forget the environment
	rm -rf .venv

$(RUN): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(DEV): $(RUN)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
