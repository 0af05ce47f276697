# Every target does its own set-up in .venv; a machine needs Python 3.11 or newer, a C compiler and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Version of torch. pip takes whatever build its indexes offer: on a machine without a GPU, point
# pip's own configuration at PyTorch's CPU builds first (0.2 GB instead of several GB of CUDA).
TORCH ?= 2.13.0
# How GPAW is compiled; another file for MPI, libxc and FFTW: make GPAW_SITE=my-siteconfig.py
GPAW_SITE ?= $(CURDIR)/hpc/gpaw-minimal-siteconfig.py
export OMP_NUM_THREADS ?= 1
# a file, not a folder, so that make sees when the set-up is older than what it was made from
SETUP := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

.PHONY: run test lint test-slow test-slurm test-gpu test-physics test-all bench clean help

help: ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mgscreen needs Python 3.11 or newer; set PYTHON=python3.12, say"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip

# torch goes first, so that the potentials take that build and pull no other
INSTALL := $(BIN)/python -m pip install -q 'torch==$(TORCH)' && \
	GPAW_CONFIG='$(GPAW_SITE)' $(BIN)/python -m pip install -q -e

$(SETUP): pyproject.toml hpc/gpaw-minimal-siteconfig.py | $(VENV)/bin/pip
	$(INSTALL) '.[laptop]'
	@touch $@

$(DEV): pyproject.toml hpc/gpaw-minimal-siteconfig.py | $(VENV)/bin/pip
	$(INSTALL) '.[dev]'
	@touch $(SETUP) $@

run: $(SETUP) ## set up, run the laptop campaign, print the ranking
	$(BIN)/mgscreen run workflows/laptop.toml

test: $(DEV) ## set up, run the tests (under 15 minutes on two cores)
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(DEV) ## ruff, mypy, import rules between the rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-slow: $(DEV) ## the tests that take minutes
	$(BIN)/python -m pytest -m slow

test-physics: $(DEV) ## agreement with published and independent numbers
	$(BIN)/python -m pytest -m physics

test-slurm: $(DEV) ## tests on a one-node SLURM that they bring up (Debian, root)
	hpc/one-node-slurm.sh start; code=$$?; [ $$code = 77 ] && exit 0; [ $$code = 0 ] || exit $$code; \
	$(BIN)/python -m pytest -m slurm tests/hpc; code=$$?; hpc/one-node-slurm.sh stop; exit $$code

test-gpu: $(DEV) ## tests that need a CUDA device
	$(BIN)/python -m pytest -m gpu; code=$$?; [ $$code = 5 ] && { echo "no test needs a GPU yet"; exit 0; }; exit $$code

test-all: test test-slow test-physics ## everything that needs no queue and no GPU

bench: $(DEV) ## benchmarks; they write docs/benchmarks/*.md
	for script in tests/benchmarks/bench_*.py; do $(BIN)/python $$script || exit 1; done

clean: ## remove the virtual environment and caches (results stay)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
