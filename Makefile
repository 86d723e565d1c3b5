# `make demo`, `make test`: on a fresh machine each sets up .venv first. Plain pip, pinned by constraints.txt.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help install demo test check types format docs clean

help:
	@echo "make install   .venv with the pinned set"
	@echo "make demo      train on real house prices and say where the report is"
	@echo "make test      style, layers and all tests"
	@echo "make check     style, layers, spelling, lines a file; make types adds pyright"
	@echo "make format    put the code in the house's format"
	@echo "make docs      the documentation, in site/"
	@echo "make clean     remove what the others made, except runs/"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: install
	$(BIN)/deepfit demo

# one thread a process: two test processes whose threads wait for each other on two cores are slower than one
test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not gpu" --durations 15

check: install
	PATH="$(abspath $(BIN)):$$PATH" scripts/check

types: install
	$(BIN)/pyright

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: install
	$(BIN)/python scripts/task_pages
	$(BIN)/python scripts/concept_pages
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) site docs/tasks dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
