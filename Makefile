# Works from a plain clone with Python 3.11+ and make; `make help` says what there is.
# PYTHON=/path/to/python chooses the interpreter that .venv is made with.

SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin
READY := .venv/.ready
NODE_READY := tests/node_modules/.ready
SDK_READY := sdks/js/node_modules/.ready
SDK_BUILT := sdks/js/node_modules/.built
PLAYGROUND := src/lingpai/bridges/playground/sdk.js
# What pytest is told besides pyproject.toml: `make test PYTEST="-k oppmg -x"`.
PYTEST ?=

.PHONY: help
help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: $(READY) ## make .venv with the locked packages and lingpai in it

# The stamp is written last, so a set-up that was broken off is made again. A .venv whose Python is gone, or that was
# moved with the clone (its scripts name where they were), is replaced.
USABLE := $(shell $(BIN)/python -c '' 2>/dev/null && cat .venv/.place 2>/dev/null)
ifneq ($(USABLE),$(CURDIR))
.PHONY: $(READY)
endif

$(READY): requirements/dev.txt pyproject.toml
	@set -e; \
	if [ "$(USABLE)" != "$(CURDIR)" ]; then \
	    python=; \
	    for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	        if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	    done; \
	    if [ -z "$$python" ]; then \
	        echo "lingpai needs Python 3.11 or newer, and none was found as python3 or python3.11 to python3.14." >&2; \
	        echo "Install one, or say where it is: make $(MAKECMDGOALS) PYTHON=/path/to/python" >&2; \
	        exit 1; \
	    fi; \
	    echo "==> making .venv with $$("$$python" --version)"; \
	    "$$python" -m venv --clear .venv; \
	    echo "$(CURDIR)" >.venv/.place; \
	fi; \
	echo "==> installing the locked packages"; \
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt; \
	echo "==> installing lingpai"; \
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .; \
	touch $@; \
	echo "==> ready: $(BIN)/lingpai"

.PHONY: serve
serve: setup ## serve on http://127.0.0.1:8000, with demo data at the first start
	@if npm --version >/dev/null 2>&1 || PATH="$$PWD/$(BIN):$$PATH" npm --version >/dev/null 2>&1; then \
	    $(MAKE) --no-print-directory playground || echo "==> going on without the SDK in /playground"; \
	fi
	@$(BIN)/lingpai serve --demo

.PHONY: playground
playground: $(PLAYGROUND) ## put the JavaScript SDK into the demo's page /playground; `make serve` does where npm is

$(PLAYGROUND): $(SDK_BUILT)
	@cp sdks/js/dist/lingpai.js $@

.PHONY: lint
lint: setup ## ruff, mypy and the import rules
	@echo "==> ruff"
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@echo "==> mypy"
	@$(BIN)/mypy
	@echo "==> import rules"
	@$(BIN)/lint-imports

.PHONY: test
test: setup tools lint sdks ## everything that CI runs
	@echo "==> pytest"
	@$(BIN)/pytest -n auto --dist loadfile $(PYTEST)

# A folder at a time, so that a machine that others use too is not filled; `make coverage ONLY="tests/edge"` for some.
MEASURED := tests/principals tests/operations tests/vocabulary tests/edge tests/conformance tests/modules tests/stores \
    tests/forward tests/attacks tests/nodes tests/cli tests/clients
.PHONY: coverage
coverage: setup tools $(PLAYGROUND) ## measure the branches of edge, operations and principals (ONLY="tests/edge tests/cli" for some)
	@rm -rf .cache/coverage && mkdir -p .cache/coverage
	@failed=; for folder in $(or $(ONLY),$(MEASURED)); do \
	    echo "==> $$folder"; \
	    $(BIN)/coverage run -m pytest -q -n 2 --dist loadfile $(PYTEST) $$folder || failed="$$failed $$folder"; \
	done; \
	$(BIN)/coverage combine -q && $(BIN)/coverage report --sort=cover || failed="$$failed report"; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

# What decides who may call, and what a token is.
JUDGED := $(wildcard src/lingpai/edge/checks/[a-z]*.py src/lingpai/edge/schemes/[a-z]*.py) src/lingpai/principals/admission.py
.PHONY: mutants
mutants: setup ## change checks and schemes in every small way, and say what no test notices (ONLY="src/…/timestamp.py")
	@$(BIN)/python -m tests.mutants $(or $(ONLY),$(JUDGED))

.PHONY: torture
torture: setup ## stop, kill, starve and race servers, with full counts; prints what it measured
	@LINGPAI_TEST_TORTURE=1 $(BIN)/pytest tests/torture -s --timeout 1200 $(PYTEST)

.PHONY: tools
tools: $(NODE_READY) ## install what the tests need from npm

# Node.js is the machine's own, else a wheel in .venv.
define FIND_NPM
set -e; \
	if ! npm --version >/dev/null 2>&1; then \
	    PATH="$$PWD/$(BIN):$$PATH"; \
	    if ! npm --version >/dev/null 2>&1; then \
	        echo "==> no npm here: installing Node.js into .venv"; \
	        $(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r requirements/node.txt; \
	    fi; \
	fi
endef

# Axios, a Chromium, a font.
$(NODE_READY): tests/package.json tests/package-lock.json requirements/node.txt | $(READY)
	@$(FIND_NPM); \
	echo "==> installing the tests' packages from npm"; \
	cd tests && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: sdks
sdks: $(PLAYGROUND) ## build and test the JavaScript SDK
	@$(FIND_NPM); \
	echo "==> testing sdks/js"; \
	cd sdks/js && npm run --silent types && npm run --silent test && npm run --silent check

$(SDK_BUILT): $(SDK_READY) sdks/js/build.js sdks/js/tsconfig.json $(shell find sdks/js/src -type f)
	@$(FIND_NPM); \
	echo "==> building sdks/js"; \
	cd sdks/js && npm run --silent build
	@touch $@

$(SDK_READY): sdks/js/package.json sdks/js/package-lock.json requirements/node.txt | $(READY)
	@$(FIND_NPM); \
	echo "==> installing the packages of sdks/js from npm"; \
	cd sdks/js && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: bench
bench: setup ## measure beside the floor and print ratios; needs Debian's wrk (ONLY=verify, BENCH="--rounds 1")
	@$(BIN)/python -m bench $(ONLY) $(BENCH)

.PHONY: lock
lock: setup ## make the lock files again from pyproject.toml (UPGRADE=--upgrade for newer releases)
	@set -e; \
	echo "==> making .cache/uv"; \
	$(BIN)/python -m venv .cache/uv; \
	.cache/uv/bin/python -m pip install --disable-pip-version-check --quiet --upgrade uv; \
	compile() { .cache/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url $(UPGRADE) "$$@"; }; \
	echo "==> requirements/lock.txt"; compile pyproject.toml --output-file requirements/lock.txt; \
	echo "==> requirements/dev.txt"; compile pyproject.toml --all-extras --group dev \
	    --constraints requirements/lock.txt --output-file requirements/dev.txt; \
	echo "==> requirements/node.txt"; compile --group node --output-file requirements/node.txt; \
	for folder in tests sdks/js; do \
	    echo "==> $$folder/package-lock.json"; \
	    (cd $$folder && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund); \
	done
