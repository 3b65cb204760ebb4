# Everything runs in .venv, which is made from python3 and pip alone.
PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.run
DEV := .venv/.dev

.DEFAULT_GOAL := help
.PHONY: help demo test slow lint format types imports coverage schemas docs pages evaluate dist bench fuzz faults kernels compiled test-compiled check clean

help:  ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUN)  ## simulate ten seconds of a JSON API
	$(BIN)/gomemsim run configs/quickstart.yaml

test: $(DEV)  ## the tests that take seconds
	$(BIN)/pytest -n auto -q

slow: $(DEV)  ## the tests that take longer, and those that run real Go programs
	$(BIN)/pytest -n auto -q -m "slow and not realgo"
	$(BIN)/pytest -q -m realgo

lint: $(DEV)  ## ruff, layout and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff check --preview --select unspecified-encoding .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

format: $(DEV)  ## lay out all code as ruff does
	$(BIN)/ruff format .

coverage: $(DEV)  ## the tests that take seconds, and which lines they leave out
	$(BIN)/pytest -n auto -q --cov

types: $(DEV)  ## mypy --strict, as on Linux and on Windows, and less strictly of the tests
	$(BIN)/mypy
	$(BIN)/mypy --platform win32
	$(BIN)/mypy --explicit-package-bases tests

imports: $(DEV)  ## imports point to the foundations
	$(BIN)/lint-imports

schemas: $(RUN)  ## the schemas that editors use
	$(BIN)/gomemsim schema config -o configs/config.schema.json
	$(BIN)/gomemsim schema workload -o workloads/workload.schema.json

docs: $(DEV)  ## the documentation site, in build/docs
	$(BIN)/sphinx-build -q -n -W --keep-going -b html docs build/docs

pages: $(DEV)  ## what commands print, in the pages that show it
	$(BIN)/python docs/make_errors.py
	$(BIN)/python docs/make_reliability.py
	$(BIN)/python docs/make_whatif.py

evaluate: $(DEV)  ## the model beside everything that was recorded of real Go
	$(BIN)/gomemsim evaluate --quiet

dist: $(DEV)  ## wheel and source distribution, in dist
	$(BIN)/python -m build -o dist .

bench: $(DEV)  ## speed beside SimPy and a commit of before, into data/speed.csv; fails where it fell
	$(BIN)/pytest benchmarks -m bench -q
	$(BIN)/python benchmarks/ledger.py

fuzz: $(DEV)  ## every reader of files, with inputs that look for new ways through it
	$(BIN)/python benchmarks/fuzz.py --seconds $(or $(SECONDS_EACH),60)

faults: $(DEV)  ## kills, full disks, hostile options and files, extreme programs, at 500 points
	$(BIN)/python -m benchmarks.reliability --points $(or $(POINTS),500)

kernels: $(DEV)  ## the passes over spans as C, for this checkout; ten seconds
	$(BIN)/python hatch_build.py

compiled: $(DEV)  ## the package as `pip install .` compiles it, in build/compiled
	$(BIN)/pip install --quiet --no-deps --upgrade --target build/compiled .

test-compiled: compiled  ## the tests that take seconds, of the compiled package
	PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/build/compiled $(BIN)/pytest -n auto -q

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
