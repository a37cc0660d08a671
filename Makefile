# Two commands set everything up: `make quick` builds the figures at the quick scale, `make test` runs the tests.
PYTHON ?= python3
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
BIN := .venv/bin
READY := .venv/ready

.PHONY: help setup quick figures claims test check benchmark report clean
.DEFAULT_GOAL := help

help: ## Show this list.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## Make the virtual environment .venv with pinned versions.

$(READY): pyproject.toml envs/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: $(PYTHON) is older than Python 3.11; name another with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint envs/constraints.txt --editable '.[test]'
	@touch $@

quick: $(READY) ## Build all figures at the quick scale, offline, under results/quick/.
	$(BIN)/snakemake --cores $(CORES) --configfile config/quick.yaml -- all_figures

figures: $(READY) ## Build all figures at the paper's scale, under results/paper/.
	$(BIN)/snakemake --cores $(CORES) all_figures

claims: $(READY) ## Judge the paper's claims at its scale; fails if one that was reproduced no longer is.
	$(BIN)/snakemake --cores $(CORES) claims
	$(BIN)/python -m aann claims check results/paper/claims/claims.json

test: $(READY) ## Run the tests.
	$(BIN)/python -m pytest -n $(CORES) --dist loadfile

check: $(READY) ## Check format, style, types, imports and the workflow.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile rules

benchmark: $(READY) ## Time training and neighbors against plain PyTorch; see how experts drive.
	$(BIN)/python benchmarks/training_epoch.py
	$(BIN)/python benchmarks/neighbors.py
	$(BIN)/python benchmarks/imperfect_sight.py

report: $(READY) ## Make Snakemake's report of the quick scale.
	$(BIN)/snakemake --cores $(CORES) --configfile config/quick.yaml --report results/quick/report.html

clean: ## Remove the virtual environment (results stay).
	rm -rf .venv
