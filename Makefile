# Everything starts here: `make run`, `make test`. `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := bash
MAKEFLAGS += --no-print-directory
HERE := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
PY := cd "$(HERE)" && .venv/bin/python
# Tests in tiers (docs/testing.md): two processes side by side, each with whole files, the long ones
# first (tests/support/order.py); then, one after the other, those that need the machine alone.
SIDE_BY_SIDE := -n 2 --dist loadfile --no-loadscope-reorder --durations=15
TIERS := unit service widget system
HAVE_ALONE := widget system
# FAKE_DAY=2027-03-28: the tests believe that it is 10:00 on that day (libfaketime).
FAKETIME_LIBRARY := $(firstword $(wildcard /usr/lib/*/faketime/libfaketime.so.1))
ON_FAKE_DAY := $(if $(FAKE_DAY),env LD_PRELOAD=$(or $(FAKETIME_LIBRARY),$(error !! FAKE_DAY needs libfaketime: apt-get install faketime)) FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME=$$(printf '%+d' $$(($$(date -d '$(FAKE_DAY) 10:00' +%s) - $$(date +%s)))))
PYTEST = cd "$(HERE)" && $(ON_FAKE_DAY) .venv/bin/python -m pytest $(TEST_OPTIONS)
export PORT ACTION_PORT WORKERS ACTION_WORKERS
export SQLALCHEMY_SILENCE_UBER_WARNING := 1
export TF_CPP_MIN_LOG_LEVEL := 3
export RASA_TELEMETRY_ENABLED := false
export OMP_NUM_THREADS := 1
# Bytecode of our own modules is kept, too: some hundred processes of the tests import them.
export PYTHONDONTWRITEBYTECODE :=

help: ## this list
	@grep -hE '^[a-z-]+:.*##' "$(HERE)Makefile" | sed -E 's/^([a-z-]+):[^#]*## /\1 /' | while read -r name text; do printf '  make %-21s %s\n' "$$name" "$$text"; done

setup: ## make the Python environment (.venv); the others do it themselves
	@"$(HERE)scripts/bootstrap"

run: setup ## serve the assistant and the demo page at http://localhost:5005 (PORT=..., ACTION_PORT=...)
	@$(PY) -m assistant.launch run

cluster: setup ## several workers behind nginx, with PostgreSQL and Redis: WORKERS=2 ACTION_WORKERS=1
	@$(PY) -m assistant.cluster.supervisor run

cluster-restart: setup ## replace every worker of the running cluster without losing a message
	@$(PY) -m assistant.cluster.supervisor restart

cluster-status: setup ## what runs in the cluster
	@$(PY) -m assistant.cluster.supervisor status

purge: setup ## delete conversations that are older than clinic.yml allows (a running assistant does so once an hour)
	@$(PY) -m assistant.retention purge

erase: setup ## delete one conversation with its requests: ID=... (as `make inbox` shows it)
	@$(PY) -m assistant.retention erase $(ID)

backup: setup ## copy the conversations into var/backups while the assistant runs
	@$(PY) -m assistant.backup backup

restore: setup ## bring a backup back, after a question (YES=1: without): FILE=...
	@$(PY) -m assistant.backup restore $(FILE) $(if $(YES),--yes)

shell: setup ## talk to the assistant in the terminal (rasa shell)
	@$(PY) -m assistant.launch shell

train: setup ## train the model when its inputs changed (FORCE=1: always)
	@$(PY) -m assistant.launch train $(if $(FORCE),--force)

check: setup ## look for mistakes in clinic.yml, the knowledge base and the training data
	@$(PY) -m assistant.check $(ARGS)

inbox: setup ## requests of visitors: ARGS="list|show ID|done ID|export FILE|erase ID"
	@$(PY) -m assistant.handoff.inbox $(ARGS)

generate: setup ## write domain.yml, data/rules.yml, docs/topics.md and docs/clinical-review.md anew from the knowledge base
	@$(PY) -m assistant.generate

test: setup ## every test, tier by tier: unit, service, widget, system (ARGS="tests/unit/test_x.py -k word": some)
	@$(if $(ARGS),$(PY) -m assistant.launch train && .venv/bin/python -m pytest $(ARGS),for tier in $(TIERS); do $(MAKE) -C "$(HERE)" test-$$tier || exit $$?; done)

test-unit test-service test-widget test-system: test-%: setup
	@$(PY) -m assistant.launch train
	@$(PYTEST) $(SIDE_BY_SIDE) -m "not alone" tests/$*
	@$(if $(filter $*,$(HAVE_ALONE)),$(PYTEST) --durations=5 -m alone tests/$*)

flaky: setup ## which tests fail by chance: ROUNDS=5 in random order, the machine busy (TIERS="unit service", ARGS, FLAKY_OPTIONS=--write)
	@$(PY) -m tests.support.flaky --rounds $(or $(ROUNDS),5) $(FLAKY_OPTIONS) --tiers $(TIERS) $(if $(ARGS),-- $(ARGS))

# what `make help` says of them
test-unit: ## the daily loop: no process, no socket (FAKE_DAY=2027-03-28: on another day)
test-service: ## against a running assistant
test-widget: ## the widget in a browser
test-system: ## faults, cluster, deployment, commands: servers stopped and started

drill: setup ## attack an assistant of its own, bounded and on this machine, and print what held
	@$(PY) -m tests.support.drill

evaluate: setup ## score the understanding on the project's own evaluation set
	@$(PY) -m assistant.launch train
	@$(PY) -m tests.evaluation.score $(ARGS)

variety: setup ## how varied the training data is, intent by intent
	@$(PY) -m assistant.variety

safety-report: setup ## score triage and circumstances on the project's own evaluation sets, into docs/safety-report.md
	@$(PY) -m assistant.launch train
	@$(PY) -m tests.evaluation.safety_report $(ARGS)

rasa: setup ## any command of Rasa, for example: make rasa ARGS="data validate"
	@$(PY) -m assistant.launch rasa $(ARGS)

lint: setup ## ruff, prettier and the length of lines (needs Node.js)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check --quiet . || { echo "!! Not formatted as above: run \`make format\`."; exit 1; }
	@$(PY) scripts/columns.py
	@command -v npm >/dev/null || { echo "!! npm was not found, and prettier checks the widget's sources: \`apt-get install nodejs npm\`, then \`make lint\` again."; exit 1; }
	@$(MAKE) -f "$(HERE)Makefile" widget-packages
	@cd "$(HERE)widget" && npm run --silent lint || { echo "!! The widget's sources are not formatted: run \`make format\`."; exit 1; }

format: setup widget-packages ## ruff and prettier write every source as `make lint` wants it (needs Node.js)
	@$(PY) -m ruff format .
	@cd "$(HERE)widget" && npm run --silent format

widget: widget-packages ## build widget/dist from the widget's sources (needs Node.js)
	@cd "$(HERE)widget" && npm run --silent build

# The widget's packages, in the exact versions of widget/package-lock.json; nothing of them is run at installation.
widget-packages:
	@cd "$(HERE)widget" && { cmp -s package-lock.json node_modules/.lock || { npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.lock; }; }

measure-widget: setup ## measure the widget in the browser and write the figures into docs/widget.md
	@$(PY) -m benchmarks.widget $(ARGS)

bench-understanding: setup ## understanding against Rasa's default pipeline and logistic regression, into docs/benchmarks.md (hours)
	@$(PY) -m benchmarks.understanding $(ARGS)

bench: setup ## end to end over HTTP against stock Rasa bots, into docs/benchmarks.md (half an hour)
	@$(PY) -m benchmarks.bench $(ARGS)

lock: setup ## resolve requirements.in into requirements.lock
	@cd "$(HERE)" && .uv/bin/uv pip compile -q --generate-hashes --python-version 3.10 --no-header --no-emit-index-url requirements.in -o requirements.lock

.PHONY: help setup run cluster cluster-restart cluster-status purge erase backup restore shell train check inbox generate test test-unit test-service test-widget test-system flaky evaluate variety safety-report rasa lint format widget widget-packages measure-widget bench-understanding bench lock
