# Commands of the project. Each creates its environment first; PYTHON selects the interpreter (3.11 to 3.13).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN := runs/quickstart
DATA := data/libreoffice_en_de
EXPORT := $(RUN)-export
JOBS ?= 2# parallel test processes; the tests of a file run in one process
PYTEST = $(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=loadfile
export TF_CPP_MIN_LOG_LEVEL ?= 3
export TF_ENABLE_ONEDNN_OPTS ?= 1# as in every program, see docs/performance.md

.PHONY: help install quickstart test test-all test-versions lint docs clean

help:
	@echo "make quickstart     train, score, use and export a small English-German translator (about 10 minutes)"
	@echo "make test           lint, type-check, build the docs and test (under 10 minutes)"
	@echo "make test-all       the same with the long end-to-end runs and the notebooks in examples/"
	@echo "make test-versions  test with each Python and TensorFlow version of setup.cfg (TESTS=tests/nn: only these tests)"
	@echo "make lint           lint and type-check only"
	@echo "make docs           build the site from docs/, with the API reference, and check its links"
	@echo "make clean          delete the environment, runs and data"

install: $(VENV)/installed

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev,docs]"
	touch $@

quickstart: install
	$(BIN)/python data_scripts/fetch_libreoffice_help.py --source=en-us --target=de --out=$(DATA)
	$(BIN)/seq2seq-train --config=configs/quickstart_en_de.yaml --model_dir=$(RUN)
	$(BIN)/seq2seq-evaluate --model_dir=$(RUN) --show=10 --json=$(RUN)/test.json
	$(BIN)/seq2seq-inspect attention --model_dir=$(RUN) --text="Choose the format of the numbers in the selected cells." --out=$(RUN)/attention.png
	rm -rf $(EXPORT)
	$(BIN)/seq2seq-export --model_dir=$(RUN) --out=$(EXPORT)
	@echo "try it: echo 'Click the button.' | $(BIN)/seq2seq-translate --model_dir=$(RUN)"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: install
	$(BIN)/zensical build --strict --clean
	@echo "open build/site/index.html, or: $(BIN)/zensical serve"

test: lint docs
	$(PYTEST)

# Interpreters are found on the PATH and in pyenv, whose own python3.x commands work only for selected versions.
PYENVS := $(wildcard $(HOME)/.pyenv/versions/3.1[123].*/bin)
test-versions: export PATH := $(subst $(eval ) ,:,$(strip $(PYENVS) $(PATH)))
test-versions: install
	$(BIN)/nox -- $(TESTS)

test-all: lint docs
	$(PYTEST) -m "" --seed=random

clean:
	rm -rf $(VENV) runs data .pytest_cache .mypy_cache .ruff_cache .hypothesis .cache .nox build dist *.egg-info
