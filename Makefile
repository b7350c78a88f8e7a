# make demo | test | check | soak | bench | train. The first of them makes .venv; the stamps in it let
# pip run again only when pyproject.toml or constraints.txt change.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# More processes than this gain little and cost a reader's memory (about 1 GB) each.
CORES := $(shell getconf _NPROCESSORS_ONLN)
WORKERS := $(shell echo $$(( $(CORES) > 4 ? 4 : $(CORES) )))
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

# One document of every level, and one born digital.
DEMO := samples/pdf/seed_000.pdf \
	samples/scans/seed_004_clean300.pdf samples/scans/seed_001_office200.pdf \
	samples/scans/seed_000_stamped200.pdf samples/scans/seed_004_fax200.pdf \
	samples/scans/seed_000_archive150.pdf samples/scans/seed_004_photo.pdf

# The newest client of Label Studio; see pyproject.toml for why it comes alone.
SDK := label-studio-sdk==2.1.2
STUDIO := .label-studio

.PHONY: demo test check soak bench bench-promise bench-learning train label-studio \
	system-packages clean

demo: $(VENV)/.serving
	$(BIN)/formloop extract $(DEMO) --out out/demo --format json,xlsx,html,table

test: $(VENV)/.testing system-packages label-studio
	$(PYTEST) -m "not soak"

soak: $(VENV)/.testing system-packages
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m soak

check: $(VENV)/.testing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) -m "not slow and not soak"

bench: $(VENV)/.bench system-packages
	$(BIN)/python -m benchmarks.run

bench-promise: $(VENV)/.bench system-packages
	$(BIN)/python -m benchmarks.promise

bench-learning: $(VENV)/.bench $(VENV)/.training system-packages
	$(BIN)/python -m benchmarks.learning
	$(BIN)/python -m benchmarks.retraining
	$(BIN)/python -m benchmarks.poisoned

train: $(VENV)/.training system-packages
	$(BIN)/python -m models.word_pairs
	$(BIN)/python -m models.train_rulings
	$(BIN)/python -m models.train_sides
	$(BIN)/python -m models.train
	$(BIN)/python -m models.calibrate

system-packages:
	@[ "$$CI" != true ] || ./.ci/system-packages

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "formloop needs Python 3.11 or newer; name one with make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serving: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.training: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e '.[train]'
	@touch $@ $(VENV)/.serving

$(VENV)/.testing: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e '.[train,test]'
	$(PIP_INSTALL) --no-deps $(SDK)
	@touch $@ $(VENV)/.serving $(VENV)/.training

# Some benchmarks start the servers that the tests start.
$(VENV)/.bench: $(VENV)/.testing
	$(PIP_INSTALL) -e '.[bench]'
	# All OpenCV wheels fill one folder; img2table needs the contrib build to be the last of them.
	$(PIP_INSTALL) --no-deps --force-reinstall opencv-contrib-python
	@touch $@

# A Label Studio of its own environment, for the tests that need a real one.
label-studio: $(STUDIO)/.made

$(STUDIO)/.made: service/label_studio_constraints.txt | $(BIN)/python
	[ -x $(STUDIO)/bin/python ] || $(BIN)/python -m venv $(STUDIO)
	$(STUDIO)/bin/python -m pip install --quiet --disable-pip-version-check -c $< label-studio
	@touch $@

clean:
	rm -rf out build *.egg-info
