# make demo    the station on the simulated rig: teaches itself if needed, serves, prints a sign-in link
# make test    everything: check, then every test
# make check   linters, types, floors, panel types
# make bench   speed and accuracy against the bars -> bench.json
# make soak    500 scans through real drivers, with faults: nothing may grow
# make panel   the panel alone
# make gentl   the virtual GenTL camera alone
# make clean   forget everything that was built (captured data in ./var stays)
#
# DEMO_ARGS, TEST_ARGS, TEST_PROCESSES and PYTHON may be set: make demo DEMO_ARGS="--once --json"

SHELL := /bin/bash
# Files of tests run side by side in so many processes.
TEST_PROCESSES := 2
.DEFAULT_GOAL := demo
.DELETE_ON_ERROR:
BIN := .venv/bin
# Where there was no Node, setup.sh put the one from pip here; pyright and npm find it.
export PATH := $(CURDIR)/.venv/node:$(PATH)
PANEL := $(wildcard api/panel/*.json api/panel/*.ts api/panel/*.html api/panel/.npmrc) $(shell find api/panel/src api/panel/public -type f 2>/dev/null)

.PHONY: demo test check bench soak panel gentl clean

demo: .venv/.runtime api/panel/dist/.built
	@$(BIN)/d3station demo $(DEMO_ARGS)

test: check api/panel/dist/.built
	@$(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(TEST_ARGS)

check: .venv/.test api/panel/dist/.built
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@npm --prefix api/panel run --silent check

bench: .venv/.test
	@$(BIN)/python -m tests.benchmarks

soak: .venv/.test
	@SOAK_SCANS=500 $(BIN)/pytest -q -s tests/system/test_soak.py

panel: api/panel/dist/.built

gentl: .venv/.runtime
	@docker/setup.sh gentl

clean:
	rm -rf .venv api/panel/dist api/panel/node_modules build *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache bench.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.runtime: pyproject.toml constraints.txt docker/setup.sh
	@docker/setup.sh runtime
	@touch $@

.venv/.test: .venv/.runtime
	@docker/setup.sh test
	@touch $@

api/panel/dist/.built: $(PANEL) api/openapi.json | .venv/.runtime
	@docker/setup.sh panel
	@touch $@
