# Everything a contributor runs. Each target makes its own .venv; all it needs is python3 (3.11 or newer, with venv).
PYTHON ?= python3
# Tests wait for what they start, so there are more workers than cores of a small machine.
WORKERS ?= 6
# On a node the pods need the cores too.
NODE_WORKERS ?= 4
TESTS ?=
# How many examples of each parser `make fuzz` draws.
EXAMPLES ?= 3000
# How long `make chaos` goes on, and which of its nights it repeats; none is drawn.
MINUTES ?= 10
SEED ?=
# How many previews `make bench` goes up to, how often it measures, and where performance.md lies.
N ?= 1000
ROUNDS ?= 5
OUT ?= docs
# The wings that `make core` keeps, such as 'files html'.
KEEP ?=
# The folder with the sources of what `make bench` measures beside the command, and that no package has.
PEERS ?= ../shared/peers
# The tag that `make release-check` is about, such as v1.2.3, and the repository on GitHub that publishes it.
TAG ?=
REPOSITORY ?= OWNER/preview-reconcile
CLUSTER ?= .cluster
# The folder with the programs of the oldest Kubernetes that the README names, as KUBEBUILDER_ASSETS is of the newest.
OLDEST := 1.34
OLDEST_ASSETS ?=

BIN := .venv/bin
STAMP := .venv/installed

# Where it is set, as in many images, each run of the command compiles all of its modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-node stack test-oldest chaos races fuzz walks whole faults mutants check format manifests reference schemas names core
.PHONY: bench bench-adverse bench-node bench-smoke peers picture site release-check lock cluster cluster-down clean

help:
	@echo 'make demo           the whole story on a folder of manifests, no cluster needed'
	@echo 'make test           all tests but those of test-node; those of a real API server where KUBEBUILDER_ASSETS has one'
	@echo 'make test-node      previews whose pods run behind a real router: NODE_ASSETS has the node'
	@echo 'make stack          a preview with Redis, worker, ConfigMap, sidecar and Postgres on the node, by the cookbook'"'"'s documents'
	@echo 'make test-oldest    those of a real API server, on the oldest Kubernetes: OLDEST_ASSETS names its folder'
	@echo 'make chaos          a bad night on a node, ten minutes long: all is killed, stopped and put back; MINUTES=2 SEED=7'
	@echo 'make races          two runs at once, in every order on small worlds and in 10,000 on a larger one'
	@echo 'make fuzz           the parsers on many hostile inputs, other ones each time; EXAMPLES=10000 of each'
	@echo 'make walks          previews edited again and again, and asking for hostnames: 1,000 walks in a folder'
	@echo 'make whole          each right of a run, and the page and the completion in a real browser and real shells'
	@echo 'make faults         a run whose requests fail: each request with each fault, on a real API server'
	@echo 'make mutants        seeded defects, each of which some test has to notice'
	@echo 'make check          hadolint, ruff, mypy, import-linter, the words, and whether the documents are as the code has them'
	@echo 'make format         put the code into the one format'
	@echo 'make manifests      write the CRD, the chart'"'"'s rights and the version anew, from the code and cronjob/rights.yaml'
	@echo 'make reference      write the lists of the documents anew: fields, options, exit codes, metrics, wings'
	@echo 'make schemas        write the schemas of native kinds anew, from the API server in KUBEBUILDER_ASSETS'
	@echo 'make names          carry the names in reconcile/model/names.py to every file that names the previews'
	@echo 'make core           take the wings out, but for those of KEEP='"'"'files html'"'"
	@echo 'make bench          how fast it is beside what is used instead; N=10000 for so many previews'
	@echo 'make bench-node     from kubectl apply to the first page, on a node whose pods really run'
	@echo 'make bench-adverse  what worlds that authors make cost beside an ordinary one, in memory'
	@echo 'make bench-smoke    whether the bench itself works, in a minute; its figures say nothing'
	@echo 'make peers          build Flux'"'"'s engine for make bench, with Go; PEERS names the folder of its sources'
	@echo 'make picture        draw the terminal of the README anew, from what the command prints'
	@echo 'make site           build the documents as a static site into .site/site, with search, and check its links'
	@echo 'make release-check  build all of a release into dist/ and check each part; TAG=v1.2.3 REPOSITORY=OWNER/NAME'
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
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(or $(TESTS),--ignore=tests/node)

# One node for all of them, started by the first and ended with the run.
test-node: $(STAMP)
	$(BIN)/python -m pytest -q -n $(NODE_WORKERS) --dist load --maxschedchunk 1 $(or $(TESTS),tests/node)

# Builds five images first, of Debian's packages.
stack: $(STAMP)
	$(BIN)/python -m pytest -q tests/node/stack/whole_stack.py

# On a control plane of its own, whatever else runs, and with nothing left out.
test-oldest: $(STAMP)
	@"$(OLDEST_ASSETS)/kube-apiserver" --version | grep -F 'v$(OLDEST).' \
	  || { echo 'make test-oldest OLDEST_ASSETS=FOLDER: a folder with the programs of Kubernetes $(OLDEST)' >&2; exit 1; }
	KUBEBUILDER_ASSETS="$(OLDEST_ASSETS)" env -u RECONCILE_TEST_CLUSTER -u RECONCILE_REQUIRE_CLUSTER \
	  $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(or $(TESTS),tests/e2e)

# On a node of its own. The seed, which it prints, draws the same deeds again; when each is done is chance.
chaos: $(STAMP)
	@$(BIN)/python -m tests.proofs.chaos --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

# Without xdist: what a failure shows may be text that cannot be sent between processes.
fuzz: $(STAMP)
	@RECONCILE_FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -q --hypothesis-show-statistics $(or $(TESTS),tests/proofs/fuzz)

# The whole of what `make test` takes a spread of; each prints how many cases there were.
OF.races := tests/proofs/model/test_interleavings.py tests/proofs/model/test_documents.py tests/proofs/model/test_clock.py \
	tests/e2e/test_model_contract.py tests/e2e/test_schedules.py tests/e2e/test_further_schedules.py tests/e2e/test_clock.py
OF.walks := tests/proofs/test_walks_in_a_folder.py tests/proofs/model/test_claims.py tests/e2e/test_walks.py tests/e2e/test_holders.py \
	tests/e2e/test_fingerprint.py tests/e2e/test_properties.py tests/e2e/test_further_kinds.py
OF.whole := tests/kube tests/model tests/plan tests/e2e/test_rights_are_used.py tests/e2e/test_pipeline.py \
	tests/e2e/test_cookbook_cluster.py tests/e2e/test_large.py tests/contracts/test_cookbook.py \
	tests/contracts/test_kit_rename.py tests/contracts/test_image.py tests/contracts/test_without_assets.py tests/browser tests/shells
races walks whole: $(STAMP)
	PROOF=whole $(BIN)/python -m pytest -q -rP -n $(WORKERS) --dist worksteal \
	  $(or $(TESTS),$(OF.$@))

# Every request with every fault, every list that comes short, and a kill around every write; the number of cases is
# told at the end.
faults: $(STAMP)
	@RECONCILE_FAULTS=all $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(or $(TESTS),tests/e2e/test_faults.py)

# Each on a throw-away copy of the code: is there a test that notices?
mutants: $(STAMP)
	@$(BIN)/python -m tests.proofs.mutants

# What is measured, and what has the words themselves, is left out.
WORDS := --dictionary kit/retired-words.txt --dictionary kit/retired-words-docs.txt \
	--skip '*/performance/*,kit/retired-words*'
check: $(STAMP)
	$(BIN)/hadolint Dockerfile
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy reconcile tests bench kit tools
	$(BIN)/lint-imports
	$(BIN)/codespell --dictionary kit/retired-words.txt reconcile
	$(BIN)/codespell $(WORDS) *.md docs cronjob crds examples kit tools
	$(BIN)/python -m kit.reference --check

# What neither can mend is for `make check` to say.
format: $(STAMP)
	$(BIN)/ruff check --fix --exit-zero --quiet
	$(BIN)/ruff format

manifests: $(STAMP)
	@$(BIN)/python -m kit.manifests

reference: $(STAMP)
	@$(BIN)/python -m kit.reference

schemas: $(STAMP)
	@$(BIN)/python -m kit.schemas

# What is longer or sorted otherwise under its new name is put into the one format at the end.
names: $(STAMP)
	@$(BIN)/python -m kit.rename
	@$(BIN)/python -m kit.manifests
	@$(BIN)/ruff check --quiet --select I,RUF022 --fix
	@$(BIN)/ruff format --quiet

core: $(STAMP)
	@$(BIN)/python -m kit.wings $(KEEP)
	@$(BIN)/python -m kit.reference
	@$(BIN)/ruff format --quiet

bench: $(STAMP)
	@$(BIN)/python -m bench --previews $(N) --rounds $(ROUNDS) --into $(OUT)

bench-node: $(STAMP)
	@$(BIN)/python -m bench.link --rounds $(ROUNDS) --into $(OUT)

# Worlds of 1,000 and of 10,000 previews; fails where one costs more than three ordinary ones.
bench-adverse: $(STAMP)
	@$(BIN)/python -m bench.adverse

bench-smoke: $(STAMP)
	@$(BIN)/python -m bench --previews 20 --rounds 2 --into .bench

# Takes minutes the first time. Without it the bench leaves that row out.
peers:
	@if command -v go >/dev/null && test -d '$(PEERS)/flux-ssa'; \
	then cd '$(PEERS)/flux-ssa' && go build -o '$(CURDIR)/.bench/peers/' .; \
	else echo 'Skipped: Flux'"'"'s engine wants Go on the PATH, and its sources: make peers PEERS=FOLDER, with flux-ssa in it'; fi

picture: $(STAMP)
	@$(BIN)/python -m tools.picture

# An environment of its own, so that the one of the tests stays small.
.venv-site/installed: requirements-site.txt
	@test -x .venv-site/bin/python || $(PYTHON) -m venv .venv-site
	.venv-site/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-site.txt
	@touch $@

site: $(STAMP) .venv-site/installed
	@$(BIN)/python -m tools.site

release-check: $(STAMP)
	@$(BIN)/python -m tools.release --repository '$(REPOSITORY)' $(if $(TAG),--tag '$(TAG)')

# For every platform and Python at once, with hashes, with every extra, and without naming an index.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--upgrade --no-emit-index-url --custom-compile-command 'make lock'
lock: $(STAMP)
	$(LOCK) pyproject.toml --all-extras --output-file requirements.txt
	$(LOCK) pyproject.toml --all-extras --group dev --constraint requirements.txt --output-file requirements-dev.txt
	$(LOCK) --group build --constraint requirements-dev.txt --output-file requirements-build.txt
	$(LOCK) --group site --output-file requirements-site.txt

cluster: $(STAMP)
	@$(BIN)/python -m tests.controlplane start --dir $(CLUSTER)

cluster-down: $(STAMP)
	@$(BIN)/python -m tests.controlplane stop --dir $(CLUSTER)

clean:
	@test ! -d $(CLUSTER) || $(MAKE) --no-print-directory cluster-down
	rm -rf .venv .venv-site .site .cluster .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
