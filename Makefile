# Every target works in a fresh clone: it sets up what it needs in .venv first.
PYTHON ?= python3
VENV := .venv
INTEGRATIONS := .venv-integrations
LABEL_STUDIO := .venv-label-studio
BIN := $(VENV)/bin
PINS := pyproject.toml constraints.txt
PIP_INSTALL := -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable
INSTALL := $(BIN)/python $(PIP_INSTALL)
EXAMPLE := data/examples/article.txt
# Tests of one file stay in one process, for they share services and models; some of them need a gigabyte.
TEST_PROCESSES ?= auto
SIDE_BY_SIDE := --numprocesses $(TEST_PROCESSES) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: setup demo test test-integrations serve lint types clean

## setup: everything for development, training included
setup: $(VENV)/.dev

## demo: who stands where in the example article, first with its actors file, then with actors found in the text
demo: $(VENV)/.base
	$(BIN)/stance classify $(EXAMPLE) --actors data/examples/actors.yaml --format table
	$(BIN)/stance classify $(EXAMPLE) --format table

## test: the whole test suite, a process a core; TEST_PROCESSES=0 for one process that a debugger can stop in
test: $(VENV)/.dev
	$(BIN)/python -m pytest -m 'not integration and not alone' $(SIDE_BY_SIDE)
	$(BIN)/python -m pytest -m 'alone and not integration'

## test-integrations: against the real programs of others, such as a Ray cluster or a browser, in an environment of its own
test-integrations: $(INTEGRATIONS)/.ready $(LABEL_STUDIO)/.ready
	$(INTEGRATIONS)/bin/python -m pytest -m integration -rs

## serve: the HTTP service on http://127.0.0.1:3000
serve: $(VENV)/.base
	$(BIN)/stance serve --config configs/serving.yaml

## lint: style and likely errors
lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

## types: the type checker
types: $(VENV)/.dev
	$(BIN)/mypy

## clean: the environments and caches; trained models in runs/ stay
clean:
	rm -rf $(VENV) $(INTEGRATIONS) $(LABEL_STUDIO) .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
	find stance training serving tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Serving needs no torch; the stamps are renewed when the requirements change.
$(VENV)/.base: $(PINS) | $(BIN)/python
	$(INSTALL) .
	touch $@

$(VENV)/.dev: $(PINS) | $(BIN)/python
	$(INSTALL) '.[train,dev]'
	touch $(VENV)/.base $@

$(INTEGRATIONS)/.ready: $(PINS)
	$(PYTHON) -m venv $(INTEGRATIONS)
	$(INTEGRATIONS)/bin/python $(PIP_INSTALL) '.[train,dev,ray,browser]'
	touch $@

# Its requirements and ours do not go together, and the tests only talk to it.
$(LABEL_STUDIO)/.ready:
	$(PYTHON) -m venv $(LABEL_STUDIO)
	$(LABEL_STUDIO)/bin/python -m pip install --disable-pip-version-check --quiet 'label-studio>=1.23,<2'
	touch $@
