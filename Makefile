# Everything starts here: `make help`. Each target does all the set-up it needs, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo quick check test test-all lint schema docs docs-serve docs-check pictures image stack-up stack-down clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

# On the package index PyTorch brings CUDA along for Linux; its index for processors has it without.
TORCH_cpu := --no-deps --index-url https://download.pytorch.org/whl/cpu

setup: $(READY) ## Create .venv and install the pinned versions; VARIANT=cpu leaves CUDA out

$(READY): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(if $(filter command line,$(origin VARIANT)),$(TORCH_$(VARIANT))) torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(READY) ## Train, judge and register the demo: four sentiment domains, real data
	$(BIN)/polytask run configs/demo.yaml
	$(BIN)/polytask predict "what a waste of two hours" "love this phone"

quick: $(READY) ## The same in about a minute, on a part of the data
	$(BIN)/polytask run configs/quick.yaml

check: $(READY) ## Check configs/demo.yaml and print its plan; trains nothing
	$(BIN)/polytask check configs/demo.yaml

test: $(READY) ## Run the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not gpu"

test-all: $(READY) ## Run the tests, the slow ones too
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(READY) ## Format, lint, types, layers of the house, schema up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/polytask schema | diff - configs/experiment.schema.json

schema: $(READY) ## Write configs/experiment.schema.json anew
	$(BIN)/polytask schema --out configs/experiment.schema.json

docs: $(READY) ## Build the documentation site into build/site; needs no network
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: $(READY) ## Show the documentation site on http://127.0.0.1:8080, built anew at every change
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --dev-addr 127.0.0.1:8080

pictures: $(READY) ## Take the pictures of MLflow's pages in docs/pictures anew; needs Chromium
	$(BIN)/python docs/pictures.py

docs-check: $(READY) ## Run every command of the documentation, on small data
	$(BIN)/python -m pytest tests/docs/test_commands.py

VARIANT ?= cpu
COMPOSE ?= docker compose
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' mtl_models/__init__.py)

image: ## Build the image of the runner, polytask-runner; VARIANT=gpu brings CUDA along
	docker build --file docker/Dockerfile --build-arg VARIANT=$(VARIANT) --build-arg REVISION=$$(git rev-parse HEAD) \
	  --tag polytask-runner:$(VERSION)$(if $(filter gpu,$(VARIANT)),-gpu) .

stack-up: ## PostgreSQL, S3, MLflow and ZenML on this machine, in containers; makes docker/.env with random secrets
	@$(PYTHON) docker/stack.py env
	$(COMPOSE) --file docker/compose.yaml up --detach --build --wait

stack-down: ## End them; what they keep stays on their volumes
	$(COMPOSE) --file docker/compose.yaml down

clean: ## Remove .venv; local state goes with `polytask clean`
	rm -rf $(VENV) build ./*.egg-info .mypy_cache .ruff_cache .hypothesis .import_linter_cache
