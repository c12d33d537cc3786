# A fresh machine needs Python 3.11 or newer with pip, make and git. `make demo` and `make test` do the rest.
PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
SERVERS := .venv-servers
HASHED := --quiet --disable-pip-version-check --no-input --require-hashes
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-extended servers lint fmt schemas messages lock prove clean python-version

help: ## this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## build the synthetic city and run everything, from export to report
	@$(BIN)/hearsafe demo

test: $(READY) ## every test but the extended suites
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup

test-extended: $(READY) ## the suites that take minutes each: servers, browsers, fault counts
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m extended

lint: $(READY) ## style, types, floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports --no-logo

fmt: $(READY) ## format and sort imports
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

schemas: $(READY) ## JSON Schemas of both declarations, and docs/tables.md of the released tables
	@$(BIN)/python -m pipelines.json_schemas
	@$(BIN)/python -m pipelines.outlet.tables_document

messages: $(READY) ## bring the catalogues of pipelines/outlet/languages up to date with the sentences of report and card
	@$(BIN)/python -m pipelines.outlet.messages

prove: $(READY) ## rerun the evidence for the promise: every figure with its bound, then the headlines (an hour)
	@$(BIN)/python -m tests.prove --cores $(WORKERS)

bench-%: $(READY) ## run bench/%.py
	@test -f bench/$*.py || { echo "make $@: there is no bench/$*.py" >&2; exit 2; }
	@$(BIN)/python bench/$*.py

servers: $(SERVERS)/.ready ## Spark and an object store, for the extended tests that need them (800 MB)

lock: ## resolve pyproject.toml again into requirements.lock, and the servers into tests/servers.lock (needs uv)
	@command -v uv >/dev/null || { echo "make lock: needs uv on the path; nothing was changed" >&2; exit 2; }
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
	  --custom-compile-command "make lock" --all-extras pyproject.toml -o requirements.lock -q
	@awk -f .ci/lock_without_extras_too.awk requirements.lock > requirements.lock.new
	@mv requirements.lock.new requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" tests/servers.in -o tests/servers.lock -q
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" .ci/build.in -o .ci/build.lock -q

clean: ## remove .venv and caches; workspaces with keys and ledgers are left alone
	rm -rf $(VENV) $(SERVERS) .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python-version:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "hearsafe needs Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 2; }

# Spark and its client come as source; what builds them is hashed too, so nothing unhashed is fetched.
$(READY): requirements.lock .ci/build.lock pyproject.toml | python-version
	@echo "Setting up $(VENV) from requirements.lock; the first time takes a minute or two"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install $(HASHED) -r .ci/build.lock
	@$(BIN)/python -m pip install $(HASHED) --no-build-isolation -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation -e .
	@touch $@

$(SERVERS)/.ready: tests/servers.lock .ci/build.lock | python-version
	@echo "Setting up $(SERVERS) from tests/servers.lock; this takes a minute or two"
	@$(PYTHON) -m venv --clear $(SERVERS)
	@$(SERVERS)/bin/python -m pip install $(HASHED) -r .ci/build.lock
	@$(SERVERS)/bin/python -m pip install $(HASHED) --no-build-isolation --no-compile -r tests/servers.lock
	@touch $@
