# Every command works on a fresh machine: the first one makes .venv from the lock (constraints.txt).
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-all check fix bench bench-train demo-data pretrain-base clean

demo: .venv/installed  ## Every way to answer on the bundled rows, tuning among them; prints the decision and the path of the report
	$(BIN)/tunewright study --recipe examples/demo/study.yaml

# As many processes as cores, so each with one thread: threads that wait for each other on shared cores take twice as long.
test test-all: export OMP_NUM_THREADS = 1
# File by file: what a file sets up for all of its tests is then set up once. In their order: the longest come first.
test: .venv/installed  ## Tests that take seconds; numbers against oracles; the real command line on a tiny model
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

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

bench: .venv/installed  ## Measured figures of docs/results.md, docs/recipes.md and docs/study.md; long
	$(BIN)/python benchmarks/precision.py
	$(BIN)/python benchmarks/generation.py
	$(BIN)/python benchmarks/study.py
	$(BIN)/python benchmarks/learning_rate.py
	$(BIN)/python benchmarks/examples.py
	$(BIN)/python benchmarks/examples_before.py
	$(BIN)/python benchmarks/study_statistics.py
	$(BIN)/python benchmarks/group_statistics.py
	$(BIN)/python benchmarks/planted_defects.py
	$(BIN)/python benchmarks/data.py --large

bench-train: .venv/installed  ## Speed of training beside TRL; about an hour and a half on an idle machine
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[plots,trl]'
	$(BIN)/python benchmarks/train.py

demo-data: .venv/installed  ## Make the demo rows again (same seed, same bytes)
	$(BIN)/python scripts/make_demo_data.py

# Memory that was given back is faulted in again page by page; these settings keep it.
pretrain-base: export GLIBC_TUNABLES = glibc.malloc.hugetlb=1
pretrain-base: export MALLOC_MMAP_MAX_ = 0
pretrain-base: export MALLOC_TRIM_THRESHOLD_ = 17179869184
pretrain-base: export MALLOC_TOP_PAD_ = 134217728
pretrain-base: .venv/installed  ## Make the bundled base from nothing in build/pretrain-base; hours; goes on where it was stopped
	$(BIN)/python scripts/pretrain_base.py
	$(BIN)/python scripts/pretrain_card.py bundle
	$(BIN)/python benchmarks/base_model.py
	$(BIN)/python scripts/pretrain_card.py write

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	touch $@
