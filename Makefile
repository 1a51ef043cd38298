# make demo · make test · make plan · make lint · make bench   (each sets up .venv first; README.md says what they give)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# On a machine without a GPU: make setup PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"
PIP_FLAGS ?=
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
TESTS ?= tests

.PHONY: help setup demo test test-fast corpus-drill slurm-test slurm-check plan lint bench
help:
	@sed -n 1p Makefile

setup: $(VENV)/.done

# torch brings what its build needs (CUDA, or nothing). The rest of the pinned set is complete, so nothing is resolved:
# --no-deps keeps the old pins of single packages out.
$(VENV)/.done: envs/constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than Python 3.11: name a newer one, make setup PYTHON=python3.12" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) $(PIP_FLAGS) -c envs/constraints.txt torch
	$(PIP) $(PIP_FLAGS) --no-deps -r envs/constraints.txt
	$(PIP) --no-deps --editable .
	touch $@

demo: setup
	$(BIN)/snakemake --profile profiles/demo all

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore=tests/slurm $(TESTS)
	$(if $(filter tests,$(TESTS)),$(MAKE) slurm-test)

# A whole run, and what can go wrong in it, on a real SLURM cluster that the tests start on this machine; without SLURM's
# programs the whole run alone.
slurm-test: setup
	$(BIN)/python -m pytest tests/slurm

# Forty videos, fifteen of which misbehave, from their list to the card; then the server is mended.
corpus-drill: setup
	$(BIN)/python -m pytest --log-cli-level=INFO tests/card/test_corpus_drill.py

test-fast: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not gpu" $(TESTS)

# What a run takes: make plan DATASETS="vox1 vox2" SHARDS="128 512" [CONFIG=my.yaml] [COSTS=mine.yaml] [BENCHMARKS=benchmarks]
#                   [CORES=100] [GPUS=4] [TFLOPS=20]
plan: setup
	@$(BIN)/tavce plan $(if $(DATASETS),--datasets $(DATASETS)) $(if $(SHARDS),--shards $(SHARDS)) \
		$(if $(CONFIG),--settings $(CONFIG)) $(if $(COSTS),--costs $(COSTS)) $(if $(BENCHMARKS),--benchmarks $(BENCHMARKS)) \
		$(if $(CORES),--cores $(CORES)) $(if $(GPUS),--gpus $(GPUS)) $(if $(TFLOPS),--tflops $(TFLOPS))

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint --configfile workflow/config/demo.yaml

slurm-check: setup
	@$(BIN)/tavce slurm_check

bench: setup
	$(BIN)/python -m tests.bench
