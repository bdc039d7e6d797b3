# Two commands do everything on a fresh machine with Python 3.11: `make demo` and `make test`.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_DIR ?= demo-output

.PHONY: demo install test test-slow lint wheel-test train-demo benchmark benchmark-cutting clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

demo: install ## the main job with the bundled demo model on a real file
	@$(BIN)/marlin-edit demo --out-dir $(DEMO_DIR)

test: install
	$(BIN)/python -m pytest -n 2

test-slow: install ## every kind of source, cut everywhere: minutes
	$(BIN)/python -m pytest -n 2 -m slow

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel-test: install ## builds the wheel and looks whether everything is in it
	$(BIN)/python tests/wheel_test.py

train-demo: install ## trains the demo model anew: about two hours on two cores
	$(BIN)/python -m marlin_edit_demo.training

benchmark: install ## many questions, windows and memory: about an hour on two cores
	$(BIN)/python benchmarks/many_queries.py
	$(BIN)/python benchmarks/overlap.py
	$(BIN)/python benchmarks/windows.py
	$(BIN)/python benchmarks/memory.py

benchmark-cutting: install ## beside ffmpeg, and smartcut where it is installed: some twenty minutes on two cores
	$(BIN)/python benchmarks/cutting.py
	$(BIN)/python benchmarks/clips.py

clean:
	rm -rf build dist *.egg-info $(DEMO_DIR)
