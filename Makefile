# `make demo` and `make test` need nothing but Python >= 3.11 and a package index; with Node and npm, `make test` also
# plays to the CometD client of JavaScript.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do $$p -c '' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN = $(VENV)/bin
# Two more than there are processors: many tests wait for a client or a server.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 2)')
TEST = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
JS = tests/js

# The tests start hundreds of processes: what is compiled once is not to be compiled again by each, whatever the shell says.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test coverage check bench faults fuzz canaries clean

demo: $(VENV)/.ready
	$(BIN)/gws-replay demo

test: $(VENV)/.ready $(JS)/node_modules/.ready
	$(BIN)/pytest $(TEST)

# The same, and which lines and branches they reach: what runs in the workers takes more than twice as long.
coverage: $(VENV)/.ready $(JS)/node_modules/.ready
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(TEST)
	@$(BIN)/coverage combine -q && $(BIN)/coverage report

check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 gws_replay
	$(BIN)/mypy --platform darwin gws_replay
	$(BIN)/gws-replay scrub --check cassettes
	$(BIN)/pytest -q tests/test_architecture.py

# 200 kills at random moments of everything that writes, instead of the few of `make test`, and a recording of 50,000 exchanges.
faults: $(VENV)/.ready
	GWS_REPLAY_KILLS=200 GWS_REPLAY_LONG=50000 $(BIN)/pytest -q tests/faults

# What redaction finds, misses and spoils: the tables of docs/security.md.
canaries: $(VENV)/.ready
	$(BIN)/python -m tests.support.redaction_corpus

# 100,000 spoiled inputs for each reader and for redaction, instead of the few of `make test`, a value of 100 MB, and scrub over 3,000
# cassettes of all styles of YAML and JSON.
fuzz: $(VENV)/.ready
	GWS_REPLAY_FUZZ=$${GWS_REPLAY_FUZZ:-100000} GWS_REPLAY_HUGE=1 GWS_REPLAY_STYLES=3000 $(BIN)/pytest -q tests/fuzz \
		tests/formats/vcr/test_limits.py tests/formats/vcr/test_edit.py

# What everything costs beside its peers, in an environment of its own, in less than ten minutes; writes bench/RESULTS.md.
bench: .venv-bench/.ready
	.venv-bench/bin/python bench/run.py

.venv-bench/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[record]' requests httpx pytest-recording cassetter
	@touch $@

clean:
	rm -rf .venv .venv-* $(JS)/node_modules .pytest_cache .mypy_cache .ruff_cache .coverage .coverage.*

# pip reads dependency groups since 25.1; a new venv often has an older one.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]' --group dev
	@touch $@

# Without npm, or when it fails, the tests that need these packages are skipped, and say so.
$(JS)/node_modules/.ready: $(JS)/package.json
	@if ! command -v npm > /dev/null; then \
	  echo "npm was not found: no tests with the CometD client of JavaScript" >&2; \
	elif npm install --no-package-lock --no-save --no-audit --no-fund --silent --prefix $(JS); then \
	  touch $@; \
	else \
	  echo "npm failed: no tests with the CometD client of JavaScript, unless it was there before" >&2; \
	fi
