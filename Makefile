# Two commands set everything up: `make quick` builds the figures at the quick scale, `make test` runs the tests.
PYTHON ?= python3
CORES ?= $(shell $(PYTHON) src/aann/builds/machine.py)
BIN := .venv/bin
READY := .venv/ready
PAPER := results/paper
CONFIG := config/quick.yaml
# Snakemake ends with a traceback where its cache, in the home folder, cannot be written, as in some batch systems.
ifneq ($(shell test -n "$$XDG_CACHE_HOME" || { test -d "$$HOME" && test -w "$$HOME"; } || echo unusable),)
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
endif
# Settings of the run that release/ holds. Rules that draw and judge; it has what all others make.
RELEASED = --configfile config/release.yaml
DRAWING = all_figures claims report_page \
  $$($(BIN)/python -m aann figures list --show targets --configfile config/config.yaml $(RELEASED))
# Sets `figures`, in a shell, to the files of that run's figures: others may be there, which other settings drew.
LIST = figures=$$($(BIN)/python -m aann figures list --show files --configfile config/config.yaml $(RELEASED))
# Packs what results/paper/ was drawn from, and its networks.
PACK = $(LIST) && $(BIN)/python -m aann release pack --results $(PAPER) --output release \
  $$(printf -- '--network %s ' $(PAPER)/psiren/*/p*/seed*.safetensors $(PAPER)/sense/*/seed*.safetensors) \
  $$(printf '$(PAPER)/%s ' $$figures) $(PAPER)/claims/* $(PAPER)/report/page.html

VERDICTS = This page answers: which statements of the paper hold, by how much, and how sure is that?

# For commands that take a scale: make touch SCALE=quick.
AT = $(or $(SCALE),paper)

.PHONY: help setup quick figures sensitivity small claims again release pack gallery numbers figures-from-release times forecast rules test \
  test-kills test-slurm check benchmark verify report touch clean clean-results
.DEFAULT_GOAL := help

help: ## Show this list.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

setup: $(READY) ## Make the virtual environment .venv with pinned versions.

$(READY): pyproject.toml envs/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: $(PYTHON) is older than Python 3.11; name another with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint envs/constraints.txt --editable '.[workflow,driving,test]'
	@touch $@

quick: $(READY) ## Build all figures at the quick scale, offline, under results/quick/.
	$(BIN)/snakemake all_figures --cores $(CORES) --configfile config/quick.yaml

figures: $(READY) ## Build all figures at the paper's scale, under results/paper/.
	$(BIN)/snakemake --cores $(CORES) all_figures

sensitivity: $(READY) ## Draw how headline numbers move if one decision at a time is taken the other way.
	$(BIN)/snakemake --cores $(CORES) figure_sensitivity --configfile config/sensitivity.yaml

small: $(READY) ## Train and export small networks for MNIST, and draw their accuracy against bytes.
	$(BIN)/snakemake --cores $(CORES) figure_small export --configfile config/small.yaml

claims: $(READY) ## Judge the paper's claims at its scale; fails if one that was reproduced no longer is.
	$(BIN)/snakemake --cores $(CORES) claims
	$(BIN)/python -m aann claims check results/paper/claims/claims.json

again: $(READY) ## After a build of the paper's scale: run what has ten seeds with ten others, and compare verdicts.
	$(BIN)/snakemake claims --cores $(CORES) --configfile config/again.yaml
	$(BIN)/python -m aann claims changes $(PAPER)/claims/claims.json results/again/claims/claims.json

release: $(READY) ## Build the paper's scale, and pack what it was drawn from, and its networks, into release/.
	$(BIN)/snakemake --cores $(CORES) -- all_figures claims report_page
	$(PACK)

pack: $(READY) ## Pack results/paper/ as it is into release/, in place of the release that is there.
	$(PACK) --replace

gallery: $(READY) ## Put the figures and verdicts of results/paper/, and a sheet of the figures, into docs/.
	@test -s $(PAPER)/claims/claims.md \
	  || { echo "error: $(PAPER)/claims/claims.md: is missing or empty; make it first: make claims"; exit 1; }
	$(LIST) && cp $$(printf '$(PAPER)/%s\n' $$figures | grep 'png$$') docs/images/
	$(BIN)/python -m aann figures sheet docs/images/figure_*.png --output docs/images/gallery.png
	sed 's#(\.\./figures/video\.mp4)#(driving.md)#; s#(\.\./figures/#(images/#' $(PAPER)/claims/claims.md \
	  | awk -v answers="$(VERDICTS)" 'NR == 2 {print "\n" answers} {print}' > docs/.verdicts.md
	mv docs/.verdicts.md docs/verdicts.md

numbers: $(READY) ## Write the numbers behind the figures of results/paper/ into docs/numbers.md.
	$(BIN)/python -m aann report numbers --output docs/numbers.md --configfile config/config.yaml $(RELEASED)

figures-from-release: $(READY) ## Verify release/, draw everything again from it, and compare to the last byte.
	$(BIN)/python -m aann release unpack release --results $(PAPER)
	$(BIN)/snakemake --cores $(CORES) $(RELEASED) --rerun-triggers mtime --allowed-rules $(DRAWING) \
	  -- all_figures claims report_page
	$(BIN)/python -m aann release compare release --results $(PAPER)

times: $(READY) ## After a run of the paper's scale on CORES cores: draw where its time went.
	$(BIN)/python -m aann times jobs --results $(PAPER) --output $(PAPER)/jobs/jobs.csv
	$(BIN)/python -m aann figures jobs --jobs $(PAPER)/jobs/jobs.csv --cores $(CORES) --title "The paper's scale" \
	  --output $(PAPER)/jobs/times.png

forecast: $(READY) ## After a build at SCALE (paper): renew the table from which builds say how long they take.
	$(BIN)/python -m aann times jobs --results results/$(AT) --output results/$(AT)/jobs/jobs.csv
	$(BIN)/python -m aann times forecast --jobs results/$(AT)/jobs/jobs.csv --scale $(AT)

rules: $(READY) ## Draw the rule graph.
	mkdir -p $(PAPER)/jobs
	$(BIN)/snakemake --rulegraph mermaid-js -- all_figures claims report_page > $(PAPER)/jobs/rules.mmd
	$(BIN)/python -m aann figures rules --graph $(PAPER)/jobs/rules.mmd --output $(PAPER)/jobs/rules.png

test: $(READY) ## Run the tests.
	$(BIN)/python -m pytest -n $(CORES) --dist loadgroup --no-loadscope-reorder --durations 20

test-kills: $(READY) ## Kill builds KILLS times (20), and compare what comes out with an undisturbed build.
	AANN_KILLS=$(or $(KILLS),20) $(BIN)/python -m pytest tests/workflow/test_interruptions.py

test-slurm: $(READY) ## Set up a SLURM of one node (Debian, as root) and test builds on it.
	tests/slurm/run $(BIN)/python

check: $(READY) ## Check format, style, types, imports and the workflow.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow rules

benchmark: $(READY) ## Time training, neighbors and exports against plain PyTorch; see how experts drive, and a lost drive.
	$(BIN)/python benchmarks/training_epoch.py
	$(BIN)/python benchmarks/neighbors.py
	$(BIN)/python benchmarks/edge.py
	$(BIN)/python benchmarks/imperfect_sight.py
	$(BIN)/python benchmarks/lost_drive.py

verify: $(READY) ## Build CONFIG (the quick scale) twice under different conditions, and compare to the last byte.
	$(BIN)/python tests/workflow/equal_builds.py --configfile $(CONFIG) --cores 1 $(CORES)

report: $(READY) ## Make Snakemake's report of the quick scale.
	$(BIN)/snakemake --cores $(CORES) --configfile config/quick.yaml --report results/quick/report.html

touch: $(READY) ## After results of SCALE (paper) were copied: verify them, so that nothing runs again.
	$(BIN)/python -m aann results touch $(if $(filter-out paper,$(AT)),--configfile config/$(AT).yaml)

clean-results: $(READY) ## Remove the results of SCALE, which must be named.
	@test -n "$(SCALE)" || { echo "error: SCALE: is not given; name the scale to remove: make $@ SCALE=quick"; exit 1; }
	$(BIN)/python -m aann results remove --results results/$(SCALE)

clean: ## Remove the virtual environment (results stay).
	rm -rf .venv
