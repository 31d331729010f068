# Every target makes what it needs in $(VENV); a second run finds it there and starts at once.
PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=

BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet -c constraints.txt
PACKAGES := $(wildcard angel_hf eval_harness hub_cards demo)
CODE := $(PACKAGES) $(wildcard benchmarks) tests
EXAMPLE := angel_hf/assets/examples/ncbi-disease.pubtator
# Nothing below asks the Hub for anything; the model ships in the package.
OFFLINE := HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1

.DEFAULT_GOAL := help
.PHONY: help link test test-slow lint format bench build constraints clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

link: $(VENV)/.installed  ## link the disease mentions of real PubMed abstracts with the embedded model
	$(OFFLINE) $(BIN)/angel link --input $(EXAMPLE) --output-format table --top-k 1

test: $(VENV)/.installed-dev  ## the default tests: offline, quick
	$(OFFLINE) $(BIN)/python -m pytest $(PYTEST_ARGS)

test-slow: $(VENV)/.installed-dev  ## every test, the slow ones too
	$(OFFLINE) $(BIN)/python -m pytest -m "slow or not slow" $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev  ## ruff and mypy
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(PACKAGES)

format: $(VENV)/.installed-dev  ## let ruff repair what it can
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: $(VENV)/.installed-dev  ## measure speed and memory against other ways to do the same
	$(OFFLINE) $(BIN)/python -m benchmarks

build: $(VENV)/.installed-dev  ## source distribution and wheel in dist/
	$(BIN)/python -m build --no-isolation

constraints: $(VENV)/.installed-uv  ## resolve every extra anew, for every supported Python, into constraints.txt
	printf 'torch==2.13.0\n' > $(VENV)/torch.txt
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.10 --no-python-downloads -c $(VENV)/torch.txt \
		--no-annotate --no-header --upgrade --quiet --output-file $(VENV)/resolved.txt
	grep -E '^#' constraints.txt > $(VENV)/constraints.txt
	grep -vE '^(nvidia-|cuda-|triton|#)' $(VENV)/resolved.txt >> $(VENV)/constraints.txt
	mv $(VENV)/constraints.txt constraints.txt

clean:  ## remove what the other targets made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP_INSTALL) -e '.[train,eval,dev]'
	@touch $@

$(VENV)/.installed-uv: | $(BIN)/python
	$(PIP_INSTALL) uv
	@touch $@
