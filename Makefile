# Every command works on a fresh machine: the first one makes .venv from the lock (constraints.txt).
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-all check fix bench demo-data clean

demo: .venv/installed  ## Tune the bundled base on the bundled demo rows; prints the table and the path of the report
	$(BIN)/tunewright tune src/tunewright/bundled/demo/tickets.jsonl --base bundled

test: .venv/installed  ## Tests that take seconds; numbers against oracles; the real command line on a tiny model
	$(BIN)/python -m pytest -n 2

test-all: .venv/installed  ## Also the slow proofs (minutes)
	$(BIN)/python -m pytest -n 2 -m ""

check: .venv/installed  ## Formatter, linter, types, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell

fix: .venv/installed  ## Let the formatter and linter repair what they can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/installed  ## Measured figures of docs/results.md and docs/recipes.md; long
	$(BIN)/python benchmarks/precision.py
	$(BIN)/python benchmarks/learning_rate.py
	$(BIN)/python benchmarks/examples.py

demo-data: .venv/installed  ## Make the demo rows again (same seed, same bytes)
	$(BIN)/python scripts/make_demo_data.py

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	touch $@
