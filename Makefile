# make demo: the main job. make test: the tests. Each sets up all it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
REQUIRE := install -q --require-hashes --only-binary=:all: -r
export PIP_NO_INPUT := 1

.PHONY: help install install-dev demo tools node test chaos bench lint format docs lock clean

help:
	@echo "make install   .venv with .venv/bin/safelight"
	@echo "make demo      four pictures, no GPU needed: see demo-output/"
	@echo "make test      lint, types, imports, every test, coverage"
	@echo "make chaos     five minutes of kills, frozen processes and cut wires, proven from outside"
	@echo "make bench     speed and size against a floor taken in the same run"
	@echo "make lint | format | docs | lock | clean"

install: $(VENV)/.installed

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Safelight needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.python locks/runtime.txt pyproject.toml
	$(PIP) $(REQUIRE) locks/runtime.txt
	$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed locks/dev.txt
	$(PIP) $(REQUIRE) locks/dev.txt
	@touch $@

.venv-s3/.installed: $(VENV)/.python locks/s3server.txt
	$(PYTHON) -m venv .venv-s3
	.venv-s3/bin/python -m pip --disable-pip-version-check $(REQUIRE) locks/s3server.txt
	@touch $@

install-dev: $(VENV)/.dev .venv-s3/.installed

demo: install
	@$(BIN)/safelight demo

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# What tests need of the system. Only root installs, only what is missing; without it these tests
# are skipped, each with a line how to get it. PgBouncer is unpacked, so that no service starts.
tools:
	@mkdir -p .cache/pgbouncer
	@test "$$(id -u)" != 0 || PATH="$$PATH:$(CURDIR)/.cache/pgbouncer/usr/sbin" \
		sh -c 'command -v ip && command -v pgbouncer' >/dev/null || { apt-get -qq update && \
		DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends \
			iproute2 libc-ares2 libevent-2.1-7 && cd .cache/pgbouncer && \
		apt-get -qq download pgbouncer && dpkg -x pgbouncer_*.deb . && rm pgbouncer_*.deb; \
		} >.cache/tools.log 2>&1 || echo "not all tools are there: see .cache/tools.log"
	@test "$$(id -u)" != 0 || { command -v chromium && \
		test -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf; } >/dev/null || { \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install \
			--no-install-recommends chromium fonts-dejavu-core; \
		} >.cache/browser.log 2>&1 || echo "no Chromium: see .cache/browser.log"

# The packages of Node that the tests of the OpenAI face use. Without them these tests are skipped,
# each with a line how to get them.
NODE := tests/images_face/node
node:
	@! command -v npm >/dev/null || $(MAKE) -s $(NODE)/node_modules/.package-lock.json || \
		echo "not all of Node's packages are there: see .cache/node.log"

$(NODE)/node_modules/.package-lock.json: $(NODE)/package-lock.json
	@mkdir -p .cache && cd $(NODE) && \
		npm ci --ignore-scripts --no-audit --no-fund >$(CURDIR)/.cache/node.log 2>&1 && touch $(CURDIR)/$@

test: lint tools node
	$(BIN)/python -m tests.run

# SEED=n makes the same storm again.
chaos: install-dev
	$(BIN)/python -m tests.chaos.storm $(if $(SEED),--seed $(SEED))

bench: install-dev
	$(BIN)/python -m benchmarks

format: install-dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: install-dev
	$(BIN)/python -m tests.docs.generate

# uv is used for this and nothing else; it is not installed anywhere it would stay.
lock: $(VENV)/.python
	@mkdir -p .cache && $(PYTHON) -m venv .cache/uv && .cache/uv/bin/pip install -q uv
	$(LOCK) pyproject.toml --extra build -o locks/runtime.txt
	$(LOCK) pyproject.toml --extra build --extra dev -c locks/runtime.txt -o locks/dev.txt
	$(LOCK) locks/s3server.in -o locks/s3server.txt
LOCK = .cache/uv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header

clean:
	rm -rf $(VENV) .venv-s3 .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.coverage* demo-output build dist $(NODE)/node_modules
