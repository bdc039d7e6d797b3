# Two commands do everything on a fresh machine with Python 3.11: `make demo` and `make test`. `make` lists all of them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_DIR ?= demo-output
WITHOUT_MEDIA := tests/core tests/plugins tests/subtitles/test_cues.py tests/marlin/test_answer_format.py \
  tests/marlin/test_preprocessing.py tests/inference/test_merge.py tests/evaluation/test_metrics.py \
  tests/evaluation/test_ground_truth.py tests/exporters/test_analysis_json.py tests/exporters/test_edl.py

.DEFAULT_GOAL := help
.PHONY: help install demo test quick test-slow lint wheel-test train-demo benchmark benchmark-cutting clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## set up a virtual environment with the versions of constraints.txt

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

demo: install ## do the main job with the bundled demo model on a real file, again where it was done
	@$(BIN)/marlin-edit demo --overwrite --out-dir $(DEMO_DIR)

test: install ## run all tests but the slow ones: some six minutes on two cores
	$(BIN)/python -m pytest -n 2 --durations=10

quick: install ## run the tests that need no media, no model and no browser: under a minute
	$(BIN)/python -m pytest -n 2 $(WITHOUT_MEDIA)

test-slow: install ## cut every kind of source everywhere, long property tests: many minutes
	$(BIN)/python -m pytest -n 2 -m slow

lint: install ## check style, types and the layers of the packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

wheel-test: install ## build the wheel and check that everything is in it
	$(BIN)/python tests/wheel_test.py

train-demo: install ## train the demo model from nothing: about two hours on two cores
	$(BIN)/python -m marlin_edit_demo.training

benchmark: install ## measure questions, windows and memory: about an hour on two cores
	$(BIN)/python benchmarks/many_queries.py
	$(BIN)/python benchmarks/overlap.py
	$(BIN)/python benchmarks/windows.py
	$(BIN)/python benchmarks/memory.py

benchmark-cutting: install ## measure cutting beside ffmpeg, and smartcut if it is installed: some twenty minutes
	$(BIN)/python benchmarks/cutting.py
	$(BIN)/python benchmarks/clips.py

clean: ## remove what was built
	rm -rf build dist *.egg-info $(DEMO_DIR)
