# Everything a contributor runs. Each target makes its own .venv; all it needs is python3 (3.11 or newer, with venv).
PYTHON ?= python3
# Tests wait more than they compute, so there are more workers than cores of a small machine.
WORKERS ?= 4
TESTS ?=
CLUSTER ?= .cluster

BIN := .venv/bin
STAMP := .venv/installed

.PHONY: help demo test check format lock cluster cluster-down clean

help:
	@echo 'make demo           the whole story on a folder of manifests, no cluster needed'
	@echo 'make test           all tests; those of a real API server where KUBEBUILDER_ASSETS has one'
	@echo 'make check          ruff, mypy and import-linter'
	@echo 'make format         put the code into the one format'
	@echo 'make cluster        start a control plane from KUBEBUILDER_ASSETS and leave it running'
	@echo 'make cluster-down   end it'
	@echo 'make lock           write requirements*.txt anew, with the newest versions'
	@echo 'make clean          remove what the targets made'

$(STAMP): pyproject.toml requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

test: $(STAMP)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(TESTS)

check: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy reconcile tests
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# For every platform and Python at once, with hashes, with every extra, and without naming an index.
LOCK := $(BIN)/uv pip compile pyproject.toml --all-extras --quiet --universal --python-version 3.11 --generate-hashes \
	--upgrade --no-emit-index-url --custom-compile-command 'make lock'
lock: $(STAMP)
	$(LOCK) --output-file requirements.txt
	$(LOCK) --group dev --constraint requirements.txt --output-file requirements-dev.txt

cluster: $(STAMP)
	@$(BIN)/python -m tests.controlplane start --dir $(CLUSTER)

cluster-down: $(STAMP)
	@$(BIN)/python -m tests.controlplane stop --dir $(CLUSTER)

clean:
	@test ! -d $(CLUSTER) || $(MAKE) --no-print-directory cluster-down
	rm -rf .venv .cluster .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
