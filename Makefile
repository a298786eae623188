# spamtide: make install | demo | test | proof | bench | fuzz
# Needs Python 3.11 or newer, cargo and make; everything else is installed into this folder.
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .tools/bin/uv
VENV := .venv
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(VENV)
export OPENBLAS_NUM_THREADS := 1
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install demo test proof bench fuzz check clean

help:
	@sed -n '1,2p' Makefile

.tools/needs:
	@command -v $(PYTHON) >/dev/null || { echo "spamtide needs Python 3.11 or newer: apt-get install python3 python3-venv, or https://www.python.org"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "spamtide needs Python 3.11 or newer, this is $$($(PYTHON) --version): set PYTHON=python3.11"; exit 1; }
	@command -v cargo >/dev/null || { echo "spamtide needs cargo (Rust 1.88 or newer): https://rustup.rs"; exit 1; }
	@mkdir -p .tools && touch $@

$(UV): .tools/needs
	@$(PYTHON) -m venv .tools
	@.tools/bin/pip -q install uv==$(UV_VERSION)

install: .tools/installed

.tools/installed: $(UV) pyproject.toml uv.lock rust/Cargo.toml rust/Cargo.lock src/spamtide/message/topics.toml $(shell find rust/src -name '*.rs')
	$(UV) sync --frozen --quiet --reinstall-package spamtide
	@touch $@

demo: install
	$(VENV)/bin/python -m spamtide.app.demo

test: install
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" bash tests/check.sh

proof: install
	$(VENV)/bin/python -m pytest -m proof -s

bench: install
	$(VENV)/bin/python bench/run.py

# Ten minutes a target; needs cargo-fuzz (fuzz/README.md).
fuzz:
	set -e; for target in dialogue segment digest; do bash fuzz/run.sh $$target 600; done

clean:
	rm -rf $(VENV) .tools demo rust/target
