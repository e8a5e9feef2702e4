# Everything people type. `make run` and `make test` need Python >= 3.11 and nothing else: the first rule makes .venv.
#   make run        the whole plant on this machine, simulator included (options: make run ARGS="--state /var/lib/wte")
#   make test       what CI checks; under 8 minutes
#   make test-long  proofs that take longer
#   make lint       format, ruff, types, import contracts
#   make lock       new requirements.lock from pyproject.toml
#   make validation the simulated plant against the reference: docs/validation.md with plots
#   make strategy   the pages of the control strategy: docs/control.md with drawings
#   make proof      days of the closed plant, several seeds (an hour or more): docs/control-proof.md
#   make bench      scan time, lockstep speed, memory, start-up

PY := .venv/bin/python
BIN := .venv/bin
ARGS ?=
ALONE := tests/e2e tests/interop
SOURCES := controller hmi_server plc_sim wte tests

.DEFAULT_GOAL := help
.PHONY: help run test test-long lint lock bench validation strategy proof

help:
	@sed -n 's/^#   //p' Makefile

run: .venv/installed
	@exec $(BIN)/wte run $(ARGS)

# Lockstep tests fill all cores; those that measure processes and sockets run with nothing beside them.
test: lint
	$(PY) -m pytest -m "not long" -n auto --dist loadfile $(addprefix --ignore=,$(ALONE)) $(ARGS)
	$(PY) -m pytest -m "not long" $(ALONE) $(ARGS)

test-long: lint
	$(PY) -m pytest --timeout=7200 -n auto --dist loadfile $(addprefix --ignore=,$(ALONE)) $(ARGS)
	$(PY) -m pytest --timeout=7200 $(ALONE) $(ARGS)

lint: .venv/installed
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/lint-imports
	$(BIN)/basedpyright --warnings

bench: .venv/installed
	$(BIN)/wte bench $(ARGS)

validation: .venv/installed
	$(BIN)/wte validate --out docs/validation.md $(ARGS)

strategy: .venv/installed
	$(BIN)/wte strategy --out docs/control.md $(ARGS)

proof: .venv/installed
	$(BIN)/wte proof --out docs/control-proof.md $(ARGS); met=$$?; $(BIN)/wte strategy --out docs/control.md; exit $$met

lock: .venv/installed
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --upgrade \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet --output-file requirements.lock

# The lock file holds a hash of every package, so what is installed is what was reviewed. Our own code is linked in.
.venv/installed: requirements.lock pyproject.toml
	@python=$$(for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done); \
	if [ -z "$$python" ]; then echo "Python 3.11 or newer is needed; none found on PATH (python3 is: $$(python3 --version 2>&1))" >&2; exit 1; fi; \
	test -x $(PY) || $$python -m venv .venv || \
	  { echo "$$python cannot make a virtual environment; on Debian: apt install python3-venv" >&2; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
