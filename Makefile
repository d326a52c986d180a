# `make help` lists the targets. Everything lands in .venv, demo/, node_modules and __pycache__; `make clean` removes it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install -c constraints.txt
# Most of what tests install is never imported; Python compiles the rest as it meets it.
TOOLS := $(PIP) --no-compile
PYTEST_ARGS ?= -n auto
QUICK := $(addprefix tests/,unit contract judges e2e/test_conformance.py)
JUDGES := $(patsubst %,tests/%/node_modules/.made,players parsers azurite machine)
INSTALLED := $(VENV)/.made-test $(JUDGES) tests/ministack/.made
PLUGINS := $(addprefix gstreamer1.0-plugins-,base good bad) gstreamer1.0-libav

unexport PYTHONDONTWRITEBYTECODE  # or each process of a test run rewrites every assertion once more

PYTEST := $(BIN)/python tests/second_chance.py
LONG := not long
NICE := 10

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo check quick test test-long chaos players players-long deployed deployed-long rest-long lint bench tune sources-table pictures clean system tools compiled collected

help: ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: $(VENV)/.made demo/clip.mp4 ## Make a clip, turn it into a stream, verify it, say where to watch. Needs no media.
	$(BIN)/streamify transcode demo/clip.mp4 demo/stream
	$(BIN)/streamify verify demo/stream --source demo/clip.mp4
	@printf '\nWatch it (Ctrl-C ends):\n\n    %s play demo/stream\n\n' '$(BIN)/streamify'

demo/clip.mp4: | $(VENV)/.made
	@rm -rf demo/stream
	$(BIN)/python -m streamify.media.testcard $@

check: $(VENV)/.made-test compiled ## Lint, and what is tested without a browser, an emulator or an object store: about two minutes.
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line lint quick

quick: compiled
	$(BIN)/pytest $(PYTEST_ARGS) -m 'not (players or deployed or servers or long)' $(QUICK)

test: ## Install what tests need; lint, and run every test but those of test-long.
	@$(MAKE) --no-print-directory --jobs=5 --output-sync=line $(INSTALLED) lint collected
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target players deployed
	$(PYTEST) $(PYTEST_ARGS) -m 'not (players or deployed or long)' --durations=30

# Players are two at a time, and not beside what keeps all cores busy. They wait for clocks, and a deployed stack for
# its emulator: side by side they take little more than one of them.
players players-long: tools compiled
	$(PYTEST) -n auto -m 'players and $(LONG)' --durations=10

deployed deployed-long: tools compiled
	nice -n $(NICE) $(PYTEST) -n 1 -m '$(LONG) and not players' --durations=10 tests/deployed

# The long ones of the deployed stack go on beside the rest, which keeps all cores busy.
players-long deployed-long: LONG := long
deployed-long: NICE := 5

test-long: tools compiled ## Run what takes minutes: all plays, two thousand tasks, the whole corpus, long films, many kills.
	@$(MAKE) --no-print-directory --jobs=2 --keep-going rest-long deployed-long

rest-long: players-long
	$(PYTEST) $(PYTEST_ARGS) -m 'long and not players' --ignore=tests/deployed --durations=30

chaos: tools compiled ## Make a hundred streams on each engine (ENGINE=...: on one) with a fault in the middle of each; SEED=... draws others.
	@for engine in $(or $(ENGINE),local ray aws); do \
	  PYTHONPATH=tests $(BIN)/python -m chaos $$engine $(or $(RUNS),100) $(or $(SEED),1) || exit 1; \
	done

tools:  # side by side: they come over a network
	@$(MAKE) --no-print-directory --jobs=4 $(INSTALLED)

compiled: | $(BIN)/python  # as pip leaves it: else each of thousands of processes may have to do it again
	@$(BIN)/python -m compileall -q src

collected: $(VENV)/.made-test compiled  # rewrites assertions beside the linters, else each process of a run does it
	-@$(BIN)/pytest --collect-only -qq >/dev/null

lint: $(VENV)/.made-test ## Run ruff, mypy (strict) and the import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.made-bench compiled ## Measure against plain ffmpeg and Shaka Streamer. Wants an idle machine.
	$(BIN)/python -m benchmarks

tune: $(VENV)/.made-bench compiled ## Measure settings of x264 on films of the corpus (ARGS=...): CPU time, bits and banding at equal VMAF. Takes hours, keeps what it has.
	$(BIN)/python -m benchmarks.tune $(ARGS)

aws-trial: $(VENV)/.made-test demo/clip.mp4 ## Try the stack on your AWS account: deploy, make a stream (FILM=...), measure, remove. Costs cents.
	$(BIN)/python -m benchmarks.trial $(or $(FILM),demo/clip.mp4) $(if $(STACK),--stack $(STACK))

sources-table: $(VENV)/.made-test ## Put every file of corpus and cases (PATTERN=*.ts: some) through, and write docs/reference/sources-tried.md.
	PYTHONPATH=tests $(BIN)/python -m sources $(if $(PATTERN),'$(PATTERN)')

pictures: $(VENV)/.made tests/players/node_modules/.made ## Make the README's pictures of the terminal and the player page.
	$(BIN)/python -m benchmarks.terminal
	$(BIN)/python -m benchmarks.player_page

clean: ## Remove all that these targets made.
	rm -rf $(VENV) demo build dist src/*.egg-info tests/*/node_modules tests/ministack/.[a-z]*
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src benchmarks tests -name __pycache__ -prune -exec rm -rf {} +

# Debian's python3 comes without venv; everything else that is not from PyPI or npm is needed by tests alone.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, not " + sys.version.split()[0])'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	  && apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y python3-venv; } \
	  || { echo 'missing: python3-venv. Install it: sudo apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.made: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e .
	@touch $@

$(VENV)/.made-test: pyproject.toml constraints.txt | $(BIN)/python
	$(TOOLS) -e '.[test]'
	@touch $(VENV)/.made $@

$(VENV)/.made-bench: pyproject.toml constraints.txt | $(BIN)/python
	$(TOOLS) -e '.[bench]'
	@touch $@

tests/%/node_modules/.made: tests/%/package.json | system
	cd tests/$* && npm install --silent
	@touch $@

tests/ministack/.made: tests/ministack/install tests/ministack/emulator.txt tests/ministack/sam.txt | $(BIN)/python
	tests/ministack/install
	@touch $@

# Browsers and players that judge the streams. As root they are installed, else named. After what $(BIN)/python may
# have to install: there is one package manager.
system: | $(BIN)/python
	@missing=; \
	need() { command -v "$$1" >/dev/null || missing="$$missing $$2"; }; \
	need chromium chromium; need firefox-esr firefox-esr; need ffmpeg ffmpeg; need node nodejs; need npm npm; need gst-launch-1.0 gstreamer1.0-tools; need tmux tmux; \
	if command -v dpkg-query >/dev/null; then \
	  for plugin in $(PLUGINS) fonts-dejavu-core; do \
	    dpkg-query -W -f '$${db:Status-Status}' $$plugin 2>/dev/null | grep -qx installed || missing="$$missing $$plugin"; \
	  done; \
	fi; \
	test -z "$$missing" && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing:$$missing"; \
	  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing >/dev/null; \
	else \
	  echo "missing:$$missing" >&2; echo "Install them as root: apt-get install$$missing" >&2; exit 1; \
	fi
