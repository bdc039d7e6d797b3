# Two commands do everything on a fresh machine with Python 3.11: `make demo` and `make test`. `make` lists all of them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_DIR ?= demo-output
# On Linux PyPI's torch brings CUDA, some 4 GB. Where there is no NVIDIA driver, the CPU build is taken, from here.
ifeq ($(shell uname -s)-$(wildcard /proc/driver/nvidia/version),Linux-)
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
endif
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
WITHOUT_MEDIA := tests/core tests/plugins tests/subtitles/test_cues.py tests/marlin/test_answer_format.py \
  tests/marlin/test_preprocessing.py tests/inference/test_merge.py tests/evaluation/test_metrics.py \
  tests/evaluation/test_ground_truth.py tests/exporters/test_analysis_json.py tests/exporters/test_edl.py

.DEFAULT_GOAL := help
.PHONY: help install install-all demo test quick test-slow fuzz lint wheel-test site lock sbom train-demo benchmark
.PHONY: benchmark-cutting clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## set up a virtual environment that runs marlin-edit, with the versions of constraints.txt

install-all: $(VENV)/.installed-all ## the same with what the tests need

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --no-deps --retries 1 $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.installed-all: $(VENV)/.installed
	$(PIP_INSTALL) -e '.[test]'
	@touch $@

demo: install ## do the main job with the bundled demo model on a real file, again where it was done
	@$(BIN)/marlin-edit demo --overwrite --out-dir $(DEMO_DIR)

test: install-all ## run all tests but the slow ones: some six minutes on two cores
	$(BIN)/python -m pytest -n 2 --durations=10

quick: install-all ## run the tests that need no media, no model and no browser: under a minute
	$(BIN)/python -m pytest -n 2 $(WITHOUT_MEDIA)

test-slow: install-all ## cut every kind of source everywhere, long property tests: many minutes
	$(BIN)/python -m pytest -n 2 -m slow

fuzz: install-all ## give every reader of files damaged files for two minutes in all (FUZZ_SECONDS); Linux only
	$(PIP_INSTALL) -e '.[fuzz]'
	$(BIN)/python tests/fuzz/run.py --seconds $(or $(FUZZ_SECONDS),120)

lint: install-all ## check style, types and the layers of the packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

wheel-test: install-all ## build the wheel and check that everything is in it
	$(BIN)/python tests/wheel_test.py

site: install-all ## build the pages of docs/ as a site in build/site, with all links checked
	$(PIP_INSTALL) -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

lock: install ## resolve all versions again, for constraints.txt and requirements.lock; needs uv
	./lock.sh
	$(BIN)/python tests/support/licences.py

sbom: install ## write what is installed, with versions and licences, to build/sbom.json (CycloneDX)
	$(PYTHON) -m venv build/sbom-tool
	build/sbom-tool/bin/pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0
	build/sbom-tool/bin/cyclonedx-py environment --output-file build/sbom.json --pyproject pyproject.toml $(VENV)

train-demo: install-all ## train the demo model from nothing: about two hours on two cores
	$(BIN)/python -m marlin_edit_demo.training

benchmark: install-all ## measure questions, windows and memory: about an hour on two cores
	$(BIN)/python benchmarks/many_queries.py
	$(BIN)/python benchmarks/overlap.py
	$(BIN)/python benchmarks/windows.py
	$(BIN)/python benchmarks/memory.py

benchmark-cutting: install-all ## measure cutting beside ffmpeg, and smartcut if it is installed: some twenty minutes
	$(BIN)/python benchmarks/cutting.py
	$(BIN)/python benchmarks/clips.py

clean: ## remove what was built
	rm -rf build dist *.egg-info $(DEMO_DIR)
