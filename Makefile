# Every target makes what it needs in $(VENV); a second run finds it there and starts at once.
PYTHON ?= python3
VENV ?= .venv
# One worker a core; tests that measure or start servers have ports and folders of their own.
PYTEST_ARGS ?= -n auto

BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet -c constraints.txt
PACKAGES := $(wildcard angel_hf eval_harness hub_cards demo benchmarks)
CODE := $(PACKAGES) tests
EXAMPLE := angel_hf/assets/examples/ncbi-disease.pubtator
# Nothing below asks the Hub for anything; the model ships in the package.
OFFLINE := HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1

# The NCBI-disease benchmark as released, as GenBioEL has it, and MEDIC; without them a committed sample stands in.
EVAL_DATA ?= $(or $(ANGEL_SHARED_DATA),../shared)/data
EVAL_MODEL ?= angel-mini
EVAL_OUT ?= build/eval
ifneq ($(wildcard $(EVAL_DATA)/ncbi_disease/NCBItestset_corpus.txt),)
EVAL_RELEASED := --source $(EVAL_DATA)/ncbi_disease --knowledge-base $(EVAL_DATA)/kb/medic_06Jul2012.txt
EVAL_GENBIOEL := --source $(EVAL_DATA)/genbioel/ncbi --knowledge-base $(EVAL_DATA)/kb/medic_06Jul2012.txt
else
EVAL_RELEASED := --sample --source tests/eval_harness/sample/released --knowledge-base tests/eval_harness/sample/medic.txt
EVAL_GENBIOEL := --sample --source tests/eval_harness/sample/genbioel --knowledge-base tests/eval_harness/sample/medic.txt
endif
EVAL_RUN = $(OFFLINE) $(BIN)/angel-eval run --benchmark ncbi --model $(EVAL_MODEL) \
	--predictor exact memory tfidf angel --protocol angel strict

.DEFAULT_GOAL := help
.PHONY: help link demo test test-slow lint format bench eval build constraints clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

link: $(VENV)/.installed  ## link the disease mentions of real PubMed abstracts with the embedded model
	$(OFFLINE) $(BIN)/angel link --input $(EXAMPLE) --output-format table --top-k 1

demo: $(VENV)/.installed-demo  ## the page in the browser, with the embedded model: http://127.0.0.1:7860
	GRADIO_ANALYTICS_ENABLED=False HF_HUB_DISABLE_TELEMETRY=1 $(BIN)/python -m demo

test: $(VENV)/.installed-dev  ## the default tests: offline, quick
	$(OFFLINE) $(BIN)/python -m pytest $(PYTEST_ARGS)

test-slow: $(VENV)/.installed-dev  ## every test, the slow ones too
	$(OFFLINE) $(BIN)/python -m pytest -m "slow or not slow" $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev  ## ruff, mypy and import-linter
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev  ## let ruff repair what it can
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: $(VENV)/.installed-dev  ## measure speed and memory against other ways to do the same
	$(OFFLINE) $(BIN)/angel bench
	$(OFFLINE) $(BIN)/python -m benchmarks.annotation

eval: $(VENV)/.installed-dev  ## NCBI-disease: the model and three floors under two protocols, from two sources; reports in EVAL_OUT
	$(EVAL_RUN) $(EVAL_RELEASED) --text published --out $(EVAL_OUT)/released
	$(EVAL_RUN) $(EVAL_GENBIOEL) --out $(EVAL_OUT)/genbioel
	$(BIN)/angel-eval leaderboard $(EVAL_OUT)

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
	$(PIP_INSTALL) -e '.[train,eval,demo,spacy,ray,dev]'
	@touch $@

$(VENV)/.installed-demo: $(VENV)/.installed
	$(PIP_INSTALL) -e '.[demo]'
	@touch $@

$(VENV)/.installed-uv: | $(BIN)/python
	$(PIP_INSTALL) uv
	@touch $@
