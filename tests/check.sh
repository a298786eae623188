#!/usr/bin/env bash
# What a change must pass. Each line is one claim; the first that fails ends the run.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '\n== %s\n' "$1"; }
say "ruff: lint and format";        ruff check . ; ruff format --check .
say "mypy: strict";                 mypy
say "import-linter: the arrows";    lint-imports --no-logo
say "rustfmt";                      cargo fmt --manifest-path rust/Cargo.toml --check
say "clippy";                       cargo clippy --manifest-path rust/Cargo.toml --release --features python --quiet -- -D warnings
say "cargo test";                   cargo test --manifest-path rust/Cargo.toml --release --quiet
say "pytest";                       python -m pytest -n 2 -m "not proof"
